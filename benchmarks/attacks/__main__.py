"""``python -m benchmarks.attacks``: every attack, and how many were held, unclear or broken.

    python -m benchmarks.attacks                 the whole list
    python -m benchmarks.attacks --quick         a sample of every kind, under a minute
    python -m benchmarks.attacks --only flips    one kind
    python -m benchmarks.attacks --json FILE     each attack with its verdict

The exit status is 0 where all were held. Attacks on disks want gcc; the folders are made where temporary files are made.
"""

import json
import os
import random
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.table import Table

import bpnn_jax
from benchmarks.attacks import child, judge, shim
from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground
from benchmarks.attacks.judge import BROKEN, HELD, UNCLEAR, Verdict
from benchmarks.attacks.kinds import (
    arrays,
    audits,
    descriptors,
    disks,
    edits,
    flips,
    limits,
    names,
    outputs,
    owners,
    places,
    signals,
)

KINDS = {
    m.KIND: m
    for m in (outputs, names, edits, flips, places, limits, descriptors, signals, disks, owners, audits, arrays)
}
QUICK = 12  # attacks of each kind
QUICK_STEP = 97  # bytes from one flip to the next
QUICK_SECONDS = 1.0  # the longest moment that is waited for before a signal
SEED = 0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Options:
    """What to attack."""

    quick: bool = False
    """a sample of every kind, under a minute"""
    only: tuple[str, ...] = ()
    """kinds, in place of all"""
    name: str = ""
    """attacks whose name has this in it"""
    each: int | None = None
    """at most so many attacks of each kind, drawn at random"""
    json: Path | None = None
    """write each attack and its verdict to this file"""
    show: Literal["all", "broken"] = "broken"


class Range:
    """Where attacks are carried out: the ground, a copy of it for each attack, and the answers of commands on clean ground."""

    def __init__(self, at: Path):
        self.at = at
        self.ground = Ground(at / "ground")
        self._usual: dict[tuple, object] = {}
        self._number = 0

    def carry_out(self, attack: Attack) -> tuple[Verdict, float]:
        began = time.monotonic()
        folder = self._copy()
        try:
            attack.prepare(folder)
            before = judge.snapshot(folder)
            outcome = child.run(
                attack.work, folder, inside=attack.inside, outside=attack.outside, seconds=attack.seconds
            )
            after, got, usual = judge.snapshot(folder), None, None
            if attack.answer and isinstance(attack.work, tuple):
                got, usual = judge.answer(folder / attack.answer), self.usual(attack.work, attack.answer)
            verdict = judge.judge(attack, outcome, before, after, got, usual)
            for command in attack.then if verdict.verdict == HELD else ():
                verdict = self._then(command, folder, verdict)
            return verdict, time.monotonic() - began
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def usual(self, command: tuple[str, ...], answer: str) -> object:
        if command not in self._usual:
            folder = self._copy()
            child.run(command, folder)
            self._usual[command] = judge.answer(folder / answer)
            shutil.rmtree(folder, ignore_errors=True)
        return self._usual[command]

    def _then(self, command: tuple[str, ...], folder: Path, verdict: Verdict) -> Verdict:
        if command[0] in CHECKS:
            wrong = CHECKS[command[0]](folder, *command[1:])
            return Verdict(BROKEN, wrong) if wrong else verdict
        outcome = child.run(command, folder, seconds=120)
        if outcome.status or "Traceback" in outcome.text:
            said = outcome.text.strip().splitlines()[-1:] or ["nothing said"]
            return Verdict(BROKEN, f"afterwards {' '.join(command)[-60:]}: status {outcome.status}, {said[0][:160]}")
        left = [name for name in judge.snapshot(folder) if Path(name).name.count(".") > 4]
        return Verdict(BROKEN, f"still left behind: {left[0]}") if left else verdict

    def _copy(self) -> Path:
        self._number += 1
        folder = self.at / f"attacks-{self._number}"
        self.ground.copy(folder)
        return folder


def _is_whole(folder: Path, study: str, sha256: str) -> str:
    """Whether a study has come out as one that was never attacked."""
    status = child.run(("ablate", "--status", study, "--json", "whole.json"), folder)
    try:
        got = json.loads((folder / "whole.json").read_bytes())["results_sha256"]
    except (OSError, ValueError):
        got = f"status {status.status}: {status.text.strip()[-160:]}"
    return "" if got == sha256 else f"afterwards other results: {got}"


def _check_xml(folder: Path, name: str) -> str:
    try:
        ElementTree.parse(folder / name)
    except (OSError, ElementTree.ParseError) as error:
        return f"{name} is no XML: {error}"
    return ""


def _check_json(folder: Path, name: str) -> str:
    try:
        json.loads((folder / name).read_bytes())
    except (OSError, ValueError) as error:
        return f"{name} is no JSON: {error}"
    return ""


CHECKS = {"is-whole": _is_whole, "check-xml": _check_xml, "check-json": _check_json}


def chosen(options: Options, ground: Ground) -> list[Attack]:
    """The attacks to carry out; a sample is the same each time."""
    found = []
    for kind, module in KINDS.items():
        if options.only and kind not in options.only:
            continue
        step = {"step": QUICK_STEP} if module is flips and options.quick else {}
        of_kind = [a for a in module.attacks(ground, **step) if options.name in a.name]
        limit = options.each or (QUICK if options.quick else None)
        if limit and len(of_kind) > limit:
            of_kind = random.Random(SEED).sample(of_kind, limit)
        found += of_kind
    return found


def tell(attack: Attack, verdict: Verdict, seconds: float, options: Options, out: Console) -> None:
    """A line for an attack that was not held, as soon as it is known."""
    if verdict.verdict != HELD or options.show == "all":
        line = f"{verdict.verdict:8}{attack.kind}: {attack.name} ({seconds:.1f} s)\n        {verdict.why}"
        out.print(line.encode("unicode_escape").decode().replace("\\n", "\n"))


def table(verdicts: Sequence[tuple[Attack, Verdict, float]]) -> Table:
    """A row a kind: how many were held, unclear, broken."""
    made = Table(title="Attacks", title_justify="left")
    for name in ("kind", "attacks", HELD, UNCLEAR, BROKEN, "seconds"):
        made.add_column(name, justify="left" if name == "kind" else "right")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    spent: dict[str, float] = defaultdict(float)
    for attack, verdict, seconds in verdicts:
        for kind in (attack.kind, "all"):
            counts[kind][verdict.verdict] += 1
            spent[kind] += seconds
    for kind in [*(k for k in counts if k != "all"), "all"]:
        numbers = [counts[kind][v] for v in (HELD, UNCLEAR, BROKEN)]
        made.add_row(kind, str(sum(numbers)), *map(str, numbers), f"{spent[kind]:.0f}")
    return made


def main() -> int:
    options = tyro.cli(Options, description=__doc__)
    sys.path.insert(1, str(ROOT))  # for the children, which look for modules in the folder that is attacked first
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    if not shim.preload():
        print("no gcc: attacks on disks are left out", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bpnn-attacks-") as at:
        os.environ.setdefault("BPNN_COMPILE_CACHE", str(Path(at, "cache")))
        field = Range(Path(at))
        import jax  # noqa: F401 - children of fork have it then, and none of its threads: nothing is begun here

        attacks, verdicts, out = (
            chosen(options, field.ground),
            [],
            Console(highlight=False, markup=False, soft_wrap=True),
        )
        with bpnn_jax.progress_bar(f"{len(attacks)} attacks") as update:
            for attack in attacks:
                update(len(verdicts), len(attacks), attack.kind)
                verdict, seconds = field.carry_out(attack)
                verdicts.append((attack, verdict, seconds))
                tell(attack, verdict, seconds, options, out)
    shim.remove()
    out.print(table(verdicts))
    if options.json:
        rows = [
            {"kind": a.kind, "name": a.name, "verdict": v.verdict, "why": v.why, "seconds": s} for a, v, s in verdicts
        ]
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return int(any(verdict.verdict != HELD for _, verdict, _ in verdicts))


if __name__ == "__main__":
    sys.exit(main())
