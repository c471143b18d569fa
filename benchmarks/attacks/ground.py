"""What is attacked: data, a model, a study, a module with a rule, sources; made once, and copied for each attack."""

import json
import os
import shutil
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.attacks import child

TABLE = "length,width,target\n" + "".join(f"{i}.5,{i * i % 7}.25,{'yes' if i % 3 else 'no'}\n" for i in range(24))
XOR = "0 0 > 0\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"
STUDY = ("ablate", "--task", "d.txt", "--vary", "momentum=0,0.9", "--seeds", "64", "--epochs", "20", "--chunk", "64")
RULE = """
import jax
@jax.custom_vjp
def square(x): return x * x
square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
"""
AUDIT = ("audit", "m:square", "--args", "float32[3]", "--draws", "2", "--no-mutate")
PACKAGE = ("audit", "--package", "pkg", "--run", "pkg/use.py")
SOURCES = ("featurize", "src", "--symbols", "5", "--out", "made.txt")


def short(command: tuple[str, ...]) -> str:
    """A command's name, for an attack's: the commands on a study are told apart.

    >>> short(("ablate", "--status", "s")), short(("train", "d.txt"))
    ('ablate --status', 'train')
    """
    return " ".join([command[0], *(word for word in ("--status", "--test", "--from", "--package") if word in command)])


class Ground:
    """A folder with one of everything, made by the commands themselves."""

    def __init__(self, at: Path):
        self.at = at
        self.at.mkdir()
        (at / "d.txt").write_text(XOR)
        (at / "t.csv").write_text(TABLE)
        (at / "d.csv").write_text("a,b,target\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
        np.savez(at / "d.npz", x=np.eye(2), t=np.array([[0.0], [1.0]]))
        (at / "m.py").write_text(RULE)
        (at / "pkg").mkdir()
        (at / "pkg" / "__init__.py").write_text(RULE)
        (at / "pkg" / "use.py").write_text("import pkg\npkg.square(2.0)\n")
        (at / "src").mkdir()
        for i in range(4):
            (at / "src" / f"a{i}.py").write_text(f"def f(x):\n  return x + {i}\n" * 60)
            (at / "src" / f"b{i}.c").write_text(f"int f(int x) {{ return x + {i}; }}\n" * 60)
        self._make(
            ("train", "d.txt", "--epochs", "5", "--save", "net.safetensors"),
            ("train", "t.csv", "--epochs", "2", "--save", "table.safetensors"),
            (*STUDY, "--out", "s", "--json", "s.json"),
            ("report", "s"),
        )
        self.sha256: str = json.loads((at / "s.json").read_bytes())["results_sha256"]
        (at / "s.json").unlink()

    @cached_property
    def other(self) -> Path:
        """Another study."""
        other = self.at.with_name("other")
        self._make((*STUDY[:2], "xor", *STUDY[3:7], "--epochs", "30", "--out", str(other)))
        return other

    def _make(self, *commands: tuple[str, ...]) -> None:
        """Run the commands in one child: each would take seconds to start."""

        def make() -> None:
            from bpnn_jax.cli import main

            for command in commands:
                if status := main(list(command)):
                    raise RuntimeError(f"{' '.join(command)}: status {status}")

        made = child.run(make, self.at, seconds=600)
        if made.status:
            raise SystemExit(f"the ground could not be made: status {made.status}\n{made.err}")

    def copy(self, to: Path) -> None:
        shutil.copytree(self.at, to, symlinks=True)

    def chunks(self) -> list[str]:
        """The study's chunks, as paths from the ground."""
        return sorted(os.path.relpath(p, self.at) for p in (self.at / "s" / "chunks").glob("*.parquet"))
