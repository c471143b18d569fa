"""Pipes, folders, devices and loops of links in the place of every file that is read, and strangers' files beside them."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import AUDIT, STUDY, Ground, short

KIND = "places"


def attacks(ground: Ground) -> Iterator[Attack]:
    chunk = ground.chunks()[0]
    status, study = ("ablate", "--status", "s"), (*STUDY, "--out", "s")
    reads = [
        ("d.txt", ("train", "d.txt", "--epochs", "2"), (2,)),
        ("d.csv", ("train", "d.csv", "--epochs", "2"), (2,)),
        ("d.npz", ("train", "d.npz", "--epochs", "2"), (2,)),
        ("net.safetensors", ("predict", "net.safetensors", "d.txt"), (2,)),
        ("s/study.json", status, (2,)),
        ("s/study.json", study, (2,)),
        ("s/study.json", ("report", "s", "--html", "r.html"), (2,)),
        ("s/certificates.json", status, (0, 2)),
        ("s/certificates.json", study, (0, 2)),
        ("s/patterns.npz", status, (0, 2)),
        (chunk, status, (0, 2)),
        (chunk, study, (2,)),
        ("m.py", AUDIT, (2,)),
    ]
    for name, command, right in reads:
        for what, put in PLACES.items():
            folder = Path(name).parts[0]
            yield Attack(
                KIND, f"{short(command)}, {what} for {Path(name).suffix} {Path(name).stem[:12]}", command,
                lambda at, name=name, put=put: _instead(at / name, put), status=right,
                said=(Path(name).name[:12], Path(name).stem[:12], folder),
                writes=("s/*", "r.html", "__pycache__/*") if right != (2,) or name == "s/study.json" else (name, "s/summary.json"),
            )  # fmt: skip
    for name in STRANGERS:
        yield Attack(
            KIND, f"a stranger's {name!r} in chunks", study, lambda at, name=name: _put(at / "s" / "chunks" / name),
            status=(0,), writes=("s/summary.json",), answer="a.json",
        )  # fmt: skip
        yield Attack(
            KIND, f"a stranger's {name!r} in a study", study, lambda at, name=name: _put(at / "s" / name),
            status=(0,), writes=("s/summary.json",),
        )  # fmt: skip
    for name in ("keep", "sub"):
        yield Attack(
            KIND, f"a stranger's folder {name} in chunks", study,
            lambda at, name=name: (at / "s" / "chunks" / name).mkdir(), status=(0,), writes=("s/summary.json",),
        )  # fmt: skip
    for name in ("thesis.tex", "study2.json", "data.csv"):
        yield Attack(
            KIND, f"a study in a folder with {name}", (*STUDY, "--out", "src"), lambda at, name=name: _put(at / "src" / name),
            said=("src",),
        )  # fmt: skip
    yield Attack(KIND, "a study in a file", (*STUDY, "--out", "d.txt"), said=("d.txt",))
    yield Attack(KIND, "a study in /proc", (*STUDY, "--out", "/proc/s"), said=("/proc",))
    yield Attack(KIND, "a study in no folder's folder", (*STUDY, "--out", "d.txt/s"), said=("d.txt",))
    for empty in ("d.txt", "d.csv", "d.npz", "net.safetensors"):
        command = ("predict", empty, "d.txt") if empty.startswith("net") else ("train", empty)
        yield Attack(
            KIND, f"{empty} of no bytes", command, lambda at, empty=empty: (at / empty).write_bytes(b""), said=(empty,)
        )
    for name in ("s/study.json", "s/certificates.json", "s/patterns.npz", chunk):
        for what, content in (("empty", b""), ("half", None), ("zeros", bytes(1000)), ("a stranger's", b"PK\3\4 mine")):
            for command in (status, study):
                yield Attack(
                    KIND, f"{command[1]} with {what} {Path(name).suffix} {Path(name).stem[:12]}", command,
                    lambda at, name=name, content=content: _content(at / name, content),
                    status=(0, 2) if name != "s/study.json" else (2,), said=(Path(name).name[:12],),
                    writes=("s/*",) if command == study else (),
                )  # fmt: skip


STRANGERS = (".DS_Store", ".nfs000000000001", ".gitkeep", "Thumbs.db", "._x.parquet", "notes.txt", "x.parquet", "a" * 64 + ".txt", "\udcff\udcfe", "desktop.ini", ".x.swp", "~$x")  # fmt: skip  # noqa: E501


def _put(path: Path) -> None:
    path.write_text("mine")


def _content(path: Path, content: bytes | None) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)


def _instead(path: Path, put: Callable[[Path], object]) -> None:
    path.unlink()
    put(path)


def _socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # a socket's path may have 107 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    os.rename("socket", path)
    os.chdir(before)


PLACES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a loop of links": lambda path: path.symlink_to(path.name),
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a socket": _socket,
}
