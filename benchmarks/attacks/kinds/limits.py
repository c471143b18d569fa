"""Numbers, grids, lines, archives and nests that are too large: refused before anything is made, in little memory."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import STUDY, Ground

KIND = "limits"
HUGE = {
    "learning-rate": ("1e300", "1e39", "inf", "nan", "-1"),
    "momentum": ("1e300", "-0.1", "nan"),
    "tolerance": ("1e300", "nan", "-1"),
    "hidden": ("2000000000", "0", "-1", "100000 100000 100000", " ".join(["2"] * 3000)),
    "ranges": ("1e300", "-1", "nan", ""),
    "epochs": ("0", "-1", "99999999999", "1e3"),
    "batch-size": ("0", "99999999999"),
}


def attacks(ground: Ground) -> Iterator[Attack]:
    for field, values in HUGE.items():
        for value in values:
            given = (f"--{field}", *value.split())
            mode = ("--mode", "minibatch") if field == "batch-size" else ()
            if field != "epochs":
                yield Attack(
                    KIND,
                    f"train {field} {value[:20]}",
                    ("train", "d.txt", "--epochs", "2", *mode, *given),
                    said=_words(field),
                )
            yield Attack(KIND, f"study {field} {value[:20]}", (*STUDY, *mode, *given, "--out", "o"), said=_words(field))
            if value and " " not in value and field != "epochs":
                yield Attack(
                    KIND, f"study varies {field} {value[:20]}",
                    (*STUDY[:3], "--vary", f"{field}={value}", *STUDY[5:], *mode, "--out", "o"), said=_words(field),
                )  # fmt: skip
    for seeds in (
        "4294967295",
        "4294967296",
        "0",
        "-1",
        "0:4294967296",
        "5:5",
        "9:2",
        "1,1",
        "",
        "1e3",
        "0:16000000",
        "100000000",
    ):
        yield Attack(
            KIND,
            f"seeds {seeds}",
            ("ablate", "--task", "d.txt", f"--seeds={seeds}", "--epochs", "3", "--out", "o"),
            said=("seed", "runs", "room"),
        )
    many = ",".join(str(i / 1000) for i in range(1, 201))
    for count, grid in (
        (10_000, ("--vary", f"momentum={','.join(str(i / 100000) for i in range(10000))}")),
        (40_000, ("--vary", f"momentum={many}", "--vary", f"learning-rate={many}")),
        (8_000_000, ("--vary", f"momentum={many}", "--vary", f"learning-rate={many}", "--vary", f"tolerance={many}")),
    ):
        yield Attack(
            KIND,
            f"{count} arms",
            ("ablate", "--task", "d.txt", *grid, "--seeds", "2", "--epochs", "3", "--out", "o"),
            said=("arms",),
        )
    for points in ("0", "99999999999", "2000000000"):
        yield Attack(
            KIND,
            f"points {points}",
            (*STUDY, "--points", points, "--epochs", "2000000000", "--out", "o"),
            said=("points", "room"),
        )
    for chunk in ("0", "63", "6400000000"):
        yield Attack(KIND, f"chunk {chunk}", (*STUDY[:-1], chunk, "--out", "o"), said=("chunk",))
    yield Attack(KIND, "history of 2e9 epochs", ("train", "d.txt", "--epochs", "2000000000"), said=("history",))
    yield from _files()


def _words(field: str) -> tuple[str, ...]:
    return field, field.replace("-", "_"), field.rstrip("s")


def _files() -> Iterator[Attack]:
    for what, piece in {"digits": "1", "numbers": "0 ", "commas": "0,", "letters": "x"}.items():
        for name in ("big.txt", "big.csv"):
            for command in (
                ("train", name),
                ("predict", "net.safetensors", name),
                (*STUDY[:2], name, *STUDY[3:], "--out", "o"),
            ):
                yield Attack(
                    KIND, f"{command[0]} {name}, a line of 100 MB of {what}", command,
                    lambda folder, name=name, piece=piece: _repeat(folder / name, piece, 10**8), said=(name,),
                )  # fmt: skip
    for what, make in BOMBS.items():
        for command in (("train", "b.npz"), ("predict", "net.safetensors", "b.npz")):
            yield Attack(
                KIND, f"{command[0]}, npz: {what}", command,
                lambda folder, make=make: (folder / "b.npz").write_bytes(make()), said=("b.npz",),
            )  # fmt: skip
        yield Attack(
            KIND, f"status, patterns.npz: {what}", ("ablate", "--status", "s"),
            lambda folder, make=make: (folder / "s" / "patterns.npz").write_bytes(make()), status=(0, 2), said=("patterns",),
        )  # fmt: skip
    for name in ("s/study.json", "s/certificates.json"):
        for what, text in NESTS.items():
            yield Attack(
                KIND, f"{name}: {what}", ("ablate", "--status", "s"),
                lambda folder, name=name, text=text: _repeat(folder / name, *text), status=(0, 2), said=(Path(name).name,),
            )  # fmt: skip
    for name, command in (
        ("d.txt", ("train", "d.txt")), ("d.npz", ("train", "d.npz")), ("net.safetensors", ("predict", "net.safetensors", "d.txt")),
        ("s/study.json", ("ablate", "--status", "s")), ("s/patterns.npz", ("ablate", "--status", "s")),
        ("s/certificates.json", ("ablate", "--status", "s")), ("src/a1.py", ("featurize", "src", "--symbols", "5")),
    ):  # fmt: skip
        yield Attack(
            KIND, f"{name} of 20 GB, a hole", command, lambda folder, name=name: _hole(folder / name), status=(0, 2),
            said=(Path(name).name, "skipped"), writes=("code.*.txt",),
        )  # fmt: skip


def _hole(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)


def _npz(shape: tuple[int, ...], size: int, descr: str = "|u1") -> bytes:
    import numpy as np

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("x.npy", "t.npy"):
            with archive.open(name, "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, {"descr": descr, "fortran_order": False, "shape": shape})
                for _ in range(size // 2**24):
                    member.write(bytes(2**24))
    return content.getvalue()


BOMBS = {
    "a gigabyte of zeros": lambda: _npz((2**15, 2**15), 2**30),
    "a shape of 2^60": lambda: _npz((2**30, 2**30), 2**24),
    "a negative shape": lambda: _npz((-1, -1), 2**24),
    "objects": lambda: _npz((2, 1), 2**24, "|O"),
    "one row of 2^24": lambda: _npz((1, 2**24), 2**24),
}
# Begin, what is repeated up to so many characters, end.
NESTS: dict[str, tuple[str, int, str, str]] = {
    "nested lists": ("[", 10**6, "", ""),
    "nested dicts": ('{"a":', 5 * 10**6, "", ""),
    "10^7 empty lists": ("[],", 3 * 10**7, "[", "[]]"),
    "a number of 10^6 digits": ("1", 10**6, '{"format": ', "}"),
    "a string of 10^8": ("x", 10**8, '"', '"'),
}


def _repeat(path: Path, piece: str, size: int, begin: str = "", end: str = "") -> None:
    """Without ever holding all of it: the children's memory is counted from what this process has."""
    block = piece * (2**20 // len(piece))
    with open(path, "w") as file:
        file.write(begin)
        for _ in range(size // len(block)):
            file.write(block)
        file.write(piece * (size % len(block) // len(piece)) + end)
