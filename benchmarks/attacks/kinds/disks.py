"""Disks that are full or fail at each call, files that may not be read, and kill -9 at each step of a study and of --force."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks import shim
from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import SOURCES, STUDY, Ground

KIND = "disks"
FORCED = (*STUDY, "--learning-rate", "0.3", "--force", "--out", "s")
KEPT = "what was finished"


def attacks(ground: Ground) -> Iterator[Attack]:
    if not shim.there():
        return
    whole = ("is-whole", "o", ground.sha256)
    save = ("train", "d.txt", "--epochs", "2", "--save")
    # What, the command, a word of the paths whose calls fail, what it may write, and what goes on afterwards.
    writers = (
        ("a new study", (*STUDY, "--out", "o"), "", ("o/*",), ((*STUDY, "--out", "o"), whole)),
        ("--force", FORCED, "/s/", ("s/*",), (FORCED,)),
        ("train --save", (*save, "o.net", "--json", "o.json"), "o.", ("o.net", "o.json"), ()),
        ("train --save over", (*save, "net.safetensors"), "net.", ("net.safetensors",), (("predict", "net.safetensors", "d.txt"),)),
        ("featurize", SOURCES, "", ("made.*.txt",), ()),
        ("a report", ("report", "s", "--html", "o.html"), "o.", ("o.html",), ()),
    )  # fmt: skip
    for what, command, word, writes, then in writers:
        for call in ("create", "write", "fsync", "rename", "link", "mkdir"):
            for nth in range(8 if writes[0].endswith("*") else 2):
                for code in ("ENOSPC", "EIO") if nth < 3 else ("ENOSPC",):
                    number = getattr(errno, code)
                    stays = what.endswith("over") and nth == 0 and call in ("create", "write", "fsync", "rename")
                    yield Attack(
                        KIND, f"{what}: {call} {nth} fails, {code}", command,
                        inside=lambda call=call, nth=nth, number=number, word=word: shim.arm(call, _in(word), nth, number),
                        status=(0, 2), said=(os.strerror(number),), writes=() if stays else writes, then=() if stays else then,
                    )  # fmt: skip
                if what in ("a new study", "--force"):
                    yield Attack(
                        KIND, f"{what}: killed at {call} {nth}", command,
                        inside=lambda call=call, nth=nth: shim.arm(call, _in(""), nth, 0),
                        status=(0, -9), writes=writes, then=then, leaves=True, said=("",),
                    )  # fmt: skip
    yield from _unreadable(ground)


def _in(word: str) -> str:
    """A word of a path in the folder that is attacked, and in no other: a compile cache may fail as it likes."""
    return word or "attacks-"


def _unreadable(ground: Ground) -> Iterator[Attack]:
    reads = {
        "d.txt": ("train", "d.txt"), "net.safetensors": ("predict", "net.safetensors", "d.txt"), "study.json": (*STUDY, "--out", "s"),
        "patterns.npz": (*STUDY, "--out", "s"), "certificates.json": (*STUDY, "--out", "s"),
        Path(ground.chunks()[0]).name: (*STUDY, "--out", "s"), "a1.py": SOURCES,
    }  # fmt: skip
    for name, command in reads.items():
        for call in ("open", "read"):
            for code in ("EACCES", "EIO", "ESTALE", "EMFILE"):
                number = getattr(errno, code)
                yield Attack(
                    KIND, f"{command[0]}: {call} of {name[:16]} fails, {code}", command,
                    inside=lambda call=call, name=name, number=number: shim.arm(call, name, 0, number, always=True),
                    status=(0,) if name == "a1.py" else (2,), said=(os.strerror(number),),
                    writes=("made.*.txt",) if name == "a1.py" else ("s/summary.json",),
                )  # fmt: skip
