"""What is attacked: data, a model, a study, a module with a rule, sources; made once, and copied for each attack."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TABLE = "length,width,target\n" + "".join(f"{i}.5,{i * i % 7}.25,{'yes' if i % 3 else 'no'}\n" for i in range(24))
XOR = "0 0 > 0\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"
STUDY = ("ablate", "--task", "d.txt", "--vary", "momentum=0,0.9", "--seeds", "64", "--epochs", "20", "--chunk", "64")
RULE = """
import jax
@jax.custom_vjp
def square(x): return x * x
square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
"""
MAKE = """
import json, sys
import numpy as np
from bpnn_jax.cli import main
np.savez("d.npz", x=np.eye(2), t=np.array([[0.0], [1.0]]))
for command in json.loads(sys.argv[1]):
    if status := main(command):
        sys.exit(f"{' '.join(command)}: status {status}")
"""  # in one process: each would take seconds to start
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
        (at / "m.py").write_text(RULE)
        (at / "pkg").mkdir()
        (at / "pkg" / "__init__.py").write_text(RULE)
        (at / "pkg" / "use.py").write_text("import pkg\npkg.square(2.0)\n")
        (at / "src").mkdir()
        for i in range(4):
            (at / "src" / f"a{i}.py").write_text(f"def f(x):\n  return x + {i}\n" * 60)
            (at / "src" / f"b{i}.c").write_text(f"int f(int x) {{ return x + {i}; }}\n" * 60)
        self.other = at.with_name("other")  # another study
        other = (*STUDY[:2], "xor", *STUDY[3:7], "--epochs", "30", "--out", str(self.other))
        commands = [
            ("train", "d.txt", "--epochs", "5", "--save", "net.safetensors"),
            ("train", "t.csv", "--epochs", "2", "--save", "table.safetensors"),
            (*STUDY, "--out", "s", "--json", "s.json"),
            other,
            ("report", "s"),
        ]
        made = subprocess.run(
            [sys.executable, "-c", MAKE, json.dumps(commands)], cwd=self.at, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise SystemExit(f"the ground could not be made: status {made.returncode}\n{made.stderr}")
        self.sha256: str = json.loads((at / "s.json").read_bytes())["results_sha256"]
        (at / "s.json").unlink()

    def copy(self, to: Path) -> None:
        shutil.copytree(self.at, to, symlinks=True)

    def chunks(self) -> list[str]:
        """The study's chunks, as paths from the ground."""
        return sorted(os.path.relpath(p, self.at) for p in (self.at / "s" / "chunks").glob("*.parquet"))
