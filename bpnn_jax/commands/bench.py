"""``bpnn bench``: ours beside the other ways at hand, without a compiler."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bpnn_jax import cli
from bpnn_jax.bench import report, study
from bpnn_jax.bench.peers import Peer
from bpnn_jax.commands.common import bar, check_outputs, console, finish
from bpnn_jax.errors import InputError


def run(options: cli.Bench) -> int:
    measured = measure(options, {}, options.json)
    return 1 if failed(measured) else 0


def measure(options: cli.Bench, more: Mapping[str, Sequence[Peer]], *outputs: Path | None) -> study.Study:
    """Measure, print the tables, and write ``--json``. ``more`` are further peers, for a workload by name."""
    check_outputs(*outputs)
    chosen = settings(options)
    out = console()
    with bar("measuring") as update:
        measured = study.run(chosen, lambda what: update(None, None, what), more)
    report.show(measured, out)
    finish(options.json, report.as_json(measured))
    return measured


def failed(measured: study.Study) -> bool:
    """Whether a peer that is installed did not work, or computed something else than it should."""
    return any(why.startswith("failed") for told in measured.absent.values() for why in told.values())


def settings(options: cli.Bench) -> study.Options:
    base = study.QUICK if options.quick else study.Options()
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "networks", "xor_networks")}
    for name, value in given.items():
        if value is not None and not value > 0:
            raise InputError(f"expected {name.replace('_', '-')} above 0, got {value}")
    given = {name: value for name, value in given.items() if value is not None}
    return replace(base, **given, workloads=options.workloads or base.workloads, peers=options.peers)
