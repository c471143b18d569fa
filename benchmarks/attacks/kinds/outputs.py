"""Outputs over what is read, by every spelling of a path, and over files of somebody else."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import AUDIT, PACKAGE, SOURCES, STUDY, Ground, short

KIND = "outputs"


def attacks(ground: Ground) -> Iterator[Attack]:
    chunk = ground.chunks()[0]
    train, predict = ("train", "d.txt", "--epochs", "2"), ("predict", "net.safetensors", "d.txt")
    answers, further = ("predict", "table.safetensors", "t.csv"), (*train, "--from", "net.safetensors")
    study, status, report = (*STUDY, "--out", "s"), ("ablate", "--status", "s"), ("report", "s")
    kept = ("s/study.json", "s/patterns.npz", "s/certificates.json", chunk)
    pairs: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = [
        (train, "--json", ("d.txt",)),
        (train, "--save", ("d.txt",)),
        ((*train, "--test", "d.csv"), "--json", ("d.csv",)),
        ((*train, "--test", "d.csv"), "--save", ("d.csv",)),
        (predict, "--json", ("net.safetensors", "d.txt")),
        (answers, "--out", ("table.safetensors", "t.csv")),
        (further, "--json", ("net.safetensors",)),
        (study, "--json", ("d.txt", *kept, "s/summary.json")),
        (status, "--json", kept),
        (report, "--json", (*kept, "d.txt")),
        (report, "--html", (*kept, "d.txt")),
        (report, "--pdf", (*kept, "d.txt")),
        (AUDIT, "--json", ("m.py",)),
        (AUDIT, "--junit", ("m.py",)),
        *((PACKAGE, option, ("pkg/__init__.py", "pkg/use.py")) for option in ("--json", "--junit", "--markdown")),
        (SOURCES, "--json", ("src/a1.py", "src/b2.c")),
    ]
    for command, option, targets in pairs:
        for target in targets:
            for spelling, (how, prepare) in _spellings(target).items():
                yield Attack(
                    KIND,
                    f"{short(command)} {option} = {target}, {spelling}",
                    (*command, option, how, "--overwrite"),
                    prepare=prepare,
                    said=(str(Path(how)),),
                    writes=() if spelling in ("as it is", "dots") else (how,),
                )
    for option, name in (("--plot", "o.png"), ("--export", "o.json"), ("--export", "o.c"), ("--export", "o.npz")):
        for command, target in ((train, "d.txt"), (further, "net.safetensors")):
            for how, link in (("a link", os.symlink), ("a hard link", os.link)):
                yield Attack(
                    KIND,
                    f"{short(command)} {option} {name} = {target}, {how}",
                    (*command, option, name, "--overwrite"),
                    prepare=lambda folder, link=link, target=target, name=name: _linked(folder, link, target, name),
                    said=(name,),
                )
    for command, option, _ in pairs:
        for name, content in (
            ("package.json", b'{"name": "mine"}'),
            ("thesis.tex", b"mine"),
            ("picture.png", b"\x89PNG\r\n"),
        ):
            yield Attack(
                KIND,
                f"{short(command)} {option} over a stranger's {name}",
                (*command, option, name),
                prepare=lambda folder, name=name, content=content: (folder / name).write_bytes(content),
                said=("--overwrite",),
            )
    for command, option in ((SOURCES[:-1], "src/a1.py"), (SOURCES[:-1], "src/made.c")):
        made = f"{Path(option).with_suffix('')}.train{Path(option).suffix}"
        yield Attack(
            KIND,
            f"featurize --out = {option}, its own source",
            (*command, option, "--overwrite"),
            prepare=lambda folder, made=made: (folder / made).write_text("def f(x):\n  return x\n" * 60),
            said=("made", "a1"),
        )
    for command, first, second in (
        (report, "--html", "--json"),
        (train, "--save", "--json"),
        (answers, "--out", "--json"),
        (PACKAGE, "--markdown", "--junit"),
        (AUDIT, "--junit", "--json"),
    ):
        yield Attack(KIND, f"{command[0]} {first} = {second}", (*command, first, "one", second, "./one"), said=("one",))
    for command, option, _ in pairs:
        yield Attack(
            KIND, f"{short(command)} {option} into no folder", (*command, option, "no/such/place"), said=("no/such",)
        )
        yield Attack(KIND, f"{short(command)} {option} = a folder", (*command, option, "src"), said=("src",))


def _linked(folder: Path, link: Callable[[str, Path], object], target: str, name: str) -> None:
    link(target if link is os.symlink else str(folder / target), folder / name)


def _spellings(target: str) -> dict[str, tuple[str, Callable[[Path], object]]]:
    def symbolic(folder: Path) -> None:
        (folder / "link").symlink_to(target)

    def through(folder: Path) -> None:
        (folder / "to").symlink_to(os.path.dirname(target) or ".")

    return {
        "as it is": (target, lambda folder: None),
        "dots": (f"src/..//{target}", lambda folder: None),
        "a link": ("link", symbolic),
        "through a linked folder": (f"to/{os.path.basename(target)}", through),
        "a hard link": ("hard", lambda folder: os.link(folder / target, folder / "hard")),
    }
