"""Ours beside every peer at hand, those in C included: ``make bench``.

    python -m benchmarks.speed            writes benchmarks/results/speed.json and the tables of docs/speed.md
    python -m benchmarks.speed --quick    a look in under a minute; writes nothing unless --json says so

What needs no compiler is ``bpnn bench``, and all the machinery is its own (``benchmarks.speed``); this adds the peers in
``benchmarks/speed/peers``. A peer that is not installed is a line that says how to install it.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from benchmarks.speed import report, workloads
from benchmarks.speed.peers import Peer
from benchmarks.speed.peers.compiled import PEERS
from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.progress import console, progress_bar
from bpnn_jax.cli import Count, Json, Number
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "speed.json", ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"


@dataclass(frozen=True)
class Bench:
    """How fast? Ours beside NumPy, the article's program, plain jax.grad, and PyTorch, scikit-learn, Numba where installed."""

    quick: bool = False
    """A look in under a minute: short runs, few rounds, and without the peers that compile for long."""
    rounds: Count = None
    """How often everybody is timed, in turn."""
    seconds: Number = None
    """How long a run is, about."""
    networks: Count = None
    """How many networks in "many 20-8-3"."""
    xor_networks: Count = None
    """How many networks in "xor 2-2-1 many"."""
    workloads: tuple[str, ...] = ()
    """Only these, such as "online 20-8-3"."""
    peers: tuple[str, ...] = ()
    """Only these, such as numpy."""
    json: Json = None
    """Write the results to this file as JSON."""


def between(page: str, text: str) -> str:
    """The page with ``text`` between its two markers."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise InputError(f"expected one {BEGIN} and after it one {END} in {PAGE.name}")
    return page[: page.index(BEGIN) + len(BEGIN)] + f"\n\n{text}\n" + page[page.index(END) :]


def measure(options: Bench, more: Mapping[str, Sequence[Peer]], *outputs: Path | None) -> workloads.Study:
    """Measure, print the tables, and write ``--json``. ``more`` are further peers, for a workload by name."""
    check_outputs(*outputs)
    chosen = settings(options)
    out = console()
    with progress_bar("measuring") as update:
        measured = workloads.run(chosen, lambda what: update(None, None, what), more)
    report.show(measured, out)
    finish(options.json, report.as_json(measured))
    return measured


def failed(measured: workloads.Study) -> bool:
    """Whether a peer that is installed did not work, or computed something else than it should."""
    return any(why.startswith("failed") for told in measured.absent.values() for why in told.values())


def settings(options: Bench) -> workloads.Options:
    base = workloads.QUICK if options.quick else workloads.Options()
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "networks", "xor_networks")}
    for name, value in given.items():
        if value is not None and not value > 0:
            raise InputError(f"expected {name.replace('_', '-')} above 0, got {value}")
    given = {name: value for name, value in given.items() if value is not None}
    return replace(base, **given, workloads=options.workloads or base.workloads, peers=options.peers)


def main(options: Bench) -> int:
    whole = not (options.quick or options.workloads or options.peers)
    json = options.json or (RESULTS if whole else None)
    measured = measure(replace(options, json=json), PEERS, json, *((PAGE,) if whole else ()))
    if whole:
        write_atomically(PAGE, between(PAGE.read_text("utf-8"), report.markdown(measured)).encode())
    return 1 if failed(measured) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Bench, description=__doc__)))
    except InputError as error:
        sys.exit(f"benchmarks.speed: {error}")
