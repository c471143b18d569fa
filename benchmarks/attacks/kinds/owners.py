"""Two processes on one folder: of one study, of two, on hosts of one name; and what those that died have left."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import STUDY, Ground

KIND = "owners"
OTHER = (*STUDY, "--learning-rate", "0.3")


def attacks(ground: Ground) -> Iterator[Attack]:
    whole = ("is-whole", "o", ground.sha256)
    for number in (2, 3):
        yield Attack(
            KIND, f"{number} processes at one study", lambda number=number: _together([(*STUDY, "--out", "o")] * number, (0,)),
            status=(0,), writes=("o/*",), then=(whole,), seconds=120,
        )  # fmt: skip
    yield Attack(
        KIND, "two studies begun in one folder at once", lambda: _together([(*STUDY, "--out", "o"), (*OTHER, "--out", "o")], (0, 2)),
        status=(0,), writes=("o/*",), seconds=120,
    )  # fmt: skip
    for moment in (0.0, 0.5, 1.0, 2.0):
        yield Attack(
            KIND, f"--force {moment} s into another's study", lambda moment=moment: _taken_over(moment), status=(0,),
            writes=("o/*",), then=((*OTHER, "--out", "o"), ("ablate", "--status", "o")), seconds=120,
        )  # fmt: skip
    yield Attack(KIND, "--force while chunks are trained", _forced_inside, status=(0,), writes=("o/*",), seconds=120)
    yield Attack(
        KIND, "another study without --force", (*OTHER, "--out", "s"), said=("learning_rate", "learning-rate"),
    )  # fmt: skip
    yield Attack(
        KIND, "--force, and back again with --force", (*OTHER, "--force", "--out", "s"), status=(0,), writes=("s/*",),
        then=((*STUDY, "--force", "--out", "s"), ("is-whole", "s", ground.sha256), ("ablate", "--status", "s")),
    )  # fmt: skip
    for name in ("study.json", "certificates.json", "patterns.npz", "summary.json", "chunks/{hash}.parquet"):
        for old in (False, True):
            yield Attack(
                KIND, f"{name} half-written by one who died{' last week' if old else ''}", (*STUDY, "--out", "s"),
                _debris(name, old), status=(0,), writes=("s/summary.json", "s/*/.*", "s/.*"), leaves=not old,
            )  # fmt: skip
    for name in ("certificates.json", "patterns.npz", "summary.json"):
        for command in ((*STUDY, "--out", "s"), ("ablate", "--status", "s"), ("report", "s", "--html", "o.html")):
            yield Attack(
                KIND, f"{name} of another study, {command[0]} {command[-2]}", (*command, "--json", "a.json"), _swapped(ground, name),
                status=(0,), said=(name,), writes=("s/*", "a.json", "o.html"), answer="a.json",
            )  # fmt: skip


def _begin(arguments: tuple[str, ...]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "bpnn_jax", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},
    )  # fmt: skip


def _together(commands: list[tuple[str, ...]], right: tuple[int, ...]) -> None:
    begun = [_begin(command) for command in commands]
    for one in begun:
        _, err = one.communicate()
        assert "Traceback" not in err, err
        assert one.returncode in right, (one.returncode, err)
    assert any(one.returncode == 0 for one in begun)


def _taken_over(moment: float) -> None:
    """A long study, and after a while another by --force: the first says that it has lost its folder, or had ended before."""
    first = _begin(
        (*STUDY[:5], "--seeds", "512", "--epochs", "2000", "--tolerance", "0", "--chunk", "64", "--out", "o")
    )
    until = time.monotonic() + 60
    while not Path("o/study.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(moment)
    second = _begin((*OTHER, "--force", "--out", "o"))
    for one, right in ((second, (0,)), (first, (0, 2))):
        _, err = one.communicate()
        assert "Traceback" not in err, err
        assert one.returncode in right, (one.returncode, err)
        assert one is second or one.returncode == 0 or "another study" in err, err


def _forced_inside() -> None:
    """Between two chunks of one study the folder becomes another's: nothing of the first is written after that."""
    from bpnn_jax import InputError, ablation

    first = ablation.Study("xor", vary={"momentum": (0, 0.9)}, seeds=64, epochs=20, chunk=64)
    second = ablation.Study("xor", vary={"momentum": (0, 0.9)}, seeds=32, epochs=30, chunk=64)

    def progress(done: int, total: int, note: str) -> None:
        if done < total:
            ablation.run(second, "o", force=True)

    said = ""
    try:
        ablation.run(first, "o", progress=progress)
    except InputError as error:
        said = str(error)
    assert "another study" in said, "the first study went on in a folder that was no longer its own"
    complaints: list[str] = []
    found = ablation.read("o", complaints)
    assert (found.study, complaints, set(found.certificates)) == (second, [], set(found.arms)), complaints


def _debris(name: str, old: bool) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for who in ("somewhere.4194303.0a1b2c3d", f"{os.uname().nodename}.4194303.0a1b2c3d"):
            path = folder / "s" / name.format(hash="a" * 64)
            path = path.with_name(f".{path.name}.{who}")
            path.write_bytes(b"half")
            if old:
                last_week = time.time() - 8 * 86400
                os.utime(path, (last_week, last_week))

    return make


def _swapped(ground: Ground, name: str) -> Callable[[Path], None]:
    other = ground.other / name  # made here, once, and not by each of those who carry attacks out

    def swap(folder: Path) -> None:
        (folder / "s" / name).write_bytes(other.read_bytes())

    return swap
