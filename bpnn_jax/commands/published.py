"""``bpnn reproduce --published``: numbers from the literature beside ours, a row for each way to read what an original leaves open."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bpnn_jax import cli
from bpnn_jax.commands.common import bar, console, finish
from bpnn_jax.errors import InputError, whole

COLOURS = {"reproduced": "green", "near": "yellow", "not reproduced": "red", "too few solved": "dim"}
SPIRALS_SHARE = 16  # the two spirals have a sixteenth of the runs, but not fewer than 16


def run(options: cli.Reproduce) -> int:
    try:
        from bpnn_jax.published import report
    except ImportError as error:
        raise InputError("intervals stand on SciPy; for these pip install 'bpnn-jax[ablation]'") from error
    if options.data is not None:
        raise InputError("expected no --data with --published: its tasks are all built in")
    seeds = report.SEEDS if options.seeds is None else whole("seeds", options.seeds, 16)
    with bar("published") as update:
        found = report.everything(seeds, max(16, seeds // SPIRALS_SHARE), lambda d, n, what: update(d, n, what))
    show(found, report.sentences(found), console())
    finish(options.json, found)
    return 0  # a number that does not come out again is a finding about its setup, not a failure of the program


def show(found: dict[str, Any], sentences: list[str], out: Console) -> None:
    for o in found["originals"]:
        table = Table(title=f"{o['title']}: {o['rows'][0]['published']:g}\n{o['source']}", title_justify="left")
        for column in ("reading", "solved", "restricted mean", "95% of such numbers", "", "against the first"):
            table.add_column(column, justify="left" if column in ("reading", "") else "right")
        for row in o["rows"]:
            s, e, d = row["success"], row["epochs"], row["effect"]
            table.add_row(
                row["words"],
                f"{s['value']:.0%}",
                "" if e is None else f"{e['value']:.0f} [{e['low']:.0f}, {e['high']:.0f}]",
                "" if row["low"] is None else f"{row['low']:.0f} to {row['high']:.0f}",
                f"[{COLOURS[row['verdict']]}]{row['verdict']}",
                "" if d is None else f"{d['effect']:+.0f} [{d['low']:+.0f}, {d['high']:+.0f}]",
            )
        out.print(table)
    for said in sentences:
        out.print(f"- {said}", markup=False)
