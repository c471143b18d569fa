"""Ours beside every peer at hand, those in C included: ``make bench``.

    python -m benchmarks.speed                 prints the tables; writes nothing
    python -m benchmarks.speed --quick         a look in under a minute
    python -m benchmarks.speed --json FILE     writes the rows to a file
    python -m benchmarks.speed --write-page    writes what is committed: benchmarks/results/speed.json, the tables of docs/speed.md
    python -m benchmarks.speed --avx2          with vectors of 256 bits, for everybody whose code is compiled here
    python -m benchmarks.speed --grid          every size, mode and number of networks instead; some 30 minutes, --quick in two

A peer that is not installed is a line that says how to install it.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from rich.console import Console

from benchmarks.speed import grid_page, report, workloads
from benchmarks.speed.page import between
from benchmarks.speed.peers.compiled import PEERS
from bpnn_jax import InputError, progress_bar

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "speed.json", ROOT / "docs" / "speed.md"
GRID = ROOT / "benchmarks" / "results" / "grid.json"
AVX2_XLA, AVX2_C = "--xla_cpu_max_isa=AVX2", "-mno-avx512f"
PIPED_WIDTH = 110  # columns of the tables where the output is no terminal
BEGIN, END = "<!-- make bench ARGS=--write-page writes from here -->", "<!-- to here -->"


@dataclass(frozen=True)
class Bench:
    """How fast? Ours beside NumPy, the article's program, plain jax.grad, and PyTorch, scikit-learn, Numba where installed."""

    quick: bool = False
    """A look in under a minute: short runs, few rounds, and without the peers that compile for long."""
    rounds: int | None = None
    """How often everybody is timed, in turn."""
    seconds: float | None = None
    """How long a run is, about."""
    networks: int | None = None
    """How many networks in "many 20-8-3"."""
    xor_networks: int | None = None
    """How many networks in "xor 2-2-1 many"."""
    workloads: tuple[str, ...] = ()
    """Only these, such as "online 20-8-3"."""
    peers: tuple[str, ...] = ()
    """Only these, such as numpy."""
    json: Path | None = None
    """Write the rows to this file as JSON."""
    write_page: bool = False
    """Write the committed rows and the tables of docs/speed.md. Only for a whole run."""
    avx2: bool = False
    """Everybody's vectors are 256 bits wide: XLA is held to AVX2, and C compiled without AVX-512."""
    grid: bool = False
    """Every size, mode and number of networks, each engine beside plain JAX, C and PyTorch."""
    sizes: tuple[str, ...] = ()
    """Of the grid only these, such as 64-32-10."""


def settings(options: Bench) -> workloads.Options:
    base = workloads.QUICK if options.quick else workloads.Options()
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "networks", "xor_networks")}
    for name, value in given.items():
        if value is not None and not value > 0:
            raise InputError(f"expected {name.replace('_', '-')} above 0, got {value}")
    given = {name: value for name, value in given.items() if value is not None}
    return replace(base, **given, workloads=options.workloads or base.workloads, peers=options.peers)


def check(options: Bench) -> None:
    """Raise InputError for outputs that cannot be written, before anything is measured."""
    if options.json is not None and not os.access(options.json.parent, os.W_OK):
        raise InputError(
            f"{options.json}: expected a path that can be written, got no folder {options.json.parent} to write into"
        )
    if options.write_page and (options.quick or options.workloads or options.peers or options.sizes or options.avx2):
        raise InputError(
            "expected --write-page for a whole run, got it with --quick, --workloads, --peers, --sizes or --avx2"
        )
    only_without = {"workloads": options.workloads, "peers": options.peers, "networks": options.networks}
    only_without["xor-networks"] = options.xor_networks
    for name, given in (only_without if options.grid else {"sizes": options.sizes}).items():
        if given:
            raise InputError(f"expected --{name} {'without' if options.grid else 'with'} --grid, got {given!r}")
    if options.write_page:
        between(PAGE, BEGIN, END, "")
        between(PAGE, grid_page.BEGIN, grid_page.END, "")


def run(options: Bench) -> int:
    """Measure, print the tables, write what was asked for. Returns 1 where a peer failed or computed something else."""
    chosen = settings(options)
    check(options)
    if options.avx2:  # the peers' processes have the environment of this one
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {AVX2_XLA}".strip()
        os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} {AVX2_C}".strip()
    if options.grid:
        return grid_page.run(options.sizes, options.quick, options.rounds, options.seconds, _files(options, GRID), PAGE)
    with progress_bar("measuring") as update:
        measured = workloads.run(chosen, lambda what: update(None, None, what), PEERS)
    report.show(measured, Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False))
    rows = json.dumps(report.as_json(measured), indent=2, ensure_ascii=False) + "\n"
    for file in _files(options, RESULTS):
        file.write_text(rows, "utf-8")
    if options.write_page:
        PAGE.write_text(between(PAGE, BEGIN, END, report.markdown(measured)), "utf-8")
    return int(any(why.startswith("failed") for told in measured.absent.values() for why in told.values()))


def _files(options: Bench, committed: Path) -> list[Path]:
    return [file for file in (options.json, committed if options.write_page else None) if file]


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        return run(tyro.cli(Bench, description=__doc__, args=arguments))
    except InputError as error:
        print(f"benchmarks.speed: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
