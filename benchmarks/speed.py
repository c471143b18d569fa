"""Ours beside every peer at hand, those in C included: ``make bench``.

    python -m benchmarks.speed            writes benchmarks/results/speed.json and the tables of docs/speed.md
    python -m benchmarks.speed --quick    a look in under a minute; writes nothing unless --json says so

What needs no compiler is ``bpnn bench``, and all the machinery is its own (``bpnn_jax.bench``); this adds the peers in
``benchmarks/peers``. A peer that is not installed is a line that says how to install it.
"""

import sys
from dataclasses import replace
from pathlib import Path

import tyro

from benchmarks.peers.compiled import PEERS
from bpnn_jax import cli
from bpnn_jax._files import write_atomically
from bpnn_jax.bench import report
from bpnn_jax.commands import bench
from bpnn_jax.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "speed.json", ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"


def between(page: str, text: str) -> str:
    """The page with ``text`` between its two markers."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise InputError(f"expected one {BEGIN} and after it one {END} in {PAGE.name}")
    return page[: page.index(BEGIN) + len(BEGIN)] + f"\n\n{text}\n" + page[page.index(END) :]


def main(options: cli.Bench) -> int:
    whole = not (options.quick or options.workloads or options.peers)
    json = options.json or (RESULTS if whole else None)
    measured = bench.measure(replace(options, json=json), PEERS, json, *((PAGE,) if whole else ()))
    if whole:
        write_atomically(PAGE, between(PAGE.read_text("utf-8"), report.markdown(measured)).encode())
    return 1 if bench.failed(measured) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(cli.Bench, description=__doc__)))
    except InputError as error:
        sys.exit(f"benchmarks.speed: {error}")
