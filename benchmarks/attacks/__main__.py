"""``python -m benchmarks.attacks``: attacks on every command, and how many were held, unclear or broken.

    python -m benchmarks.attacks                 a sample with every kind, file and field: some 950 attacks
    python -m benchmarks.attacks --all           all of them, some 4100: hours
    python -m benchmarks.attacks --quick         four of every kind, two of the slow ones: under a minute
    python -m benchmarks.attacks --only flips    one kind
    python -m benchmarks.attacks --json FILE     each attack with its verdict

The exit status is 0 where all were held. Attacks on disks want gcc; the folders are made where temporary files are made.
Where other programs run on the machine, an attack may take longer, in proportion to the load.
"""

import json
import multiprocessing
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.table import Table

import bpnn_jax
from benchmarks.attacks import plan, shim
from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground
from benchmarks.attacks.judge import BROKEN, HELD, UNCLEAR, Verdict
from benchmarks.attacks.range import Range

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Options:
    """What to attack."""

    all: bool = False
    """every attack, and not a sample"""
    quick: bool = False
    """a small sample of every kind"""
    only: tuple[str, ...] = ()
    """kinds, in place of all"""
    name: str = ""
    """attacks whose name has this in it"""
    each: int | None = None
    """at most so many attacks of each kind"""
    workers: int = 2
    """attacks at a time"""
    json: Path | None = None
    """write each attack and its verdict to this file"""
    show: Literal["all", "broken"] = "broken"


Carried = tuple[Attack, Verdict, float]


def carried_out(attacks: Sequence[Attack], field: Range, workers: int) -> Iterator[Carried]:
    """Each attack with its verdict and the seconds that it took, as they end."""
    if workers == 1:
        yield from ((attack, *field.carry_out(attack)) for attack in attacks)
        return
    # A fork has the attacks, most of which cannot be sent: what is sent is their numbers.
    global _of_worker
    _of_worker = attacks, field
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for number, verdict, seconds in pool.imap_unordered(_carry_out, range(len(attacks))):
            yield attacks[number], verdict, seconds


_of_worker: tuple[Sequence[Attack], Range]


def _carry_out(number: int) -> tuple[int, Verdict, float]:
    attacks, field = _of_worker
    return number, *field.carry_out(attacks[number])


def tell(attack: Attack, verdict: Verdict, seconds: float, options: Options, out: Console) -> None:
    """A line for an attack that was not held, as soon as it is known."""
    if verdict.verdict != HELD or options.show == "all":
        line = f"{verdict.verdict:8}{attack.kind}: {attack.name} ({seconds:.1f} s)\n        {verdict.why}"
        out.print(line.encode("unicode_escape").decode().replace("\\n", "\n"))


def table(verdicts: Sequence[Carried]) -> Table:
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
    for kind in [*(k for k in plan.KINDS if k in counts), "all"]:
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
        import jax  # noqa: F401 - children of fork have it then, and none of its threads: nothing is begun here

        ground = Ground(Path(at, "ground"))
        attacks = plan.chosen(ground, options.only, options.name, options.each, options.quick, options.all)
        verdicts, out = [], Console(highlight=False, markup=False, soft_wrap=True)
        with bpnn_jax.progress_bar(f"{len(attacks)} attacks") as update:
            for one in carried_out(attacks, Range(Path(at), ground), options.workers):
                verdicts.append(one)
                tell(*one, options, out)
                update(len(verdicts), len(attacks), one[0].kind)
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
