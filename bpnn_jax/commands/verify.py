"""``bpnn verify``: the ladder of trust as a table."""

import re

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bpnn_jax import cli, verify
from bpnn_jax._runtime.progress import console, progress_bar
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError
from bpnn_jax.network import ACTIVATIONS

RUNGS = {
    1: "proved on symbols",
    2: "independent of JAX",
    3: "equation by equation",
    4: "at scale",
    5: "as it runs",
    6: "it can fail",
}


def run(options: cli.Verify) -> int:
    check_outputs(options.json)
    with progress_bar("checking the derivation") as update:
        report = verify.run(chosen(options), update)
    show(report, console())
    finish(options.json, report.to_json())
    return 0 if report.verdict == "correct" else 1


def chosen(options: cli.Verify) -> verify.Options:
    sizes = None
    if options.sizes is not None:
        if not re.fullmatch(r"\s*\d+(\s*[-, x]\s*\d+)+\s*", options.sizes):
            raise InputError(f"expected sizes such as 2-2-1, got {options.sizes!r}")
        sizes = tuple(int(n) for n in re.findall(r"\d+", options.sizes))
    return verify.Options(
        sizes=sizes,
        activations=tuple(ACTIVATIONS) if options.activation == "all" else (options.activation,),
        hidden_bias={"both": None, "on": True, "off": False}[options.hidden_bias],
        networks=options.networks,
        seed=options.seed,
    )


def show(report: verify.Report, out: Console) -> None:
    table = Table(title="Is the derivation right?", title_justify="left")
    for name in ("rung", "equation", "witness"):
        table.add_column(name)
    for name in ("networks", "worst error", "allowed"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    rung = 0
    for check in report.checks:
        if check.rung != rung:
            table.add_section()
        table.add_row(
            "" if check.rung == rung else f"{check.rung} {RUNGS[check.rung]}",
            check.equation,
            check.witness,
            f"{check.networks:,}" if check.networks else "",
            "0" if check.worst == 0 else f"{check.worst:.1e}",
            "0" if check.allowed == 0 else f"{check.allowed:.1e}",
            "[green]correct" if check.verdict == "correct" else f"[bold red]WRONG[/] {escape(check.where)}",
        )
        rung = check.rung
    out.print(table)

    caught = Table(title="Wrong derivations, and the equation at which each was caught", title_justify="left")
    for name in ("mistake", "caught at", "what the author was thinking"):
        caught.add_column(name)
    for m in report.mistakes:
        where = m.equation if m.caught else "[bold red]NOT CAUGHT"
        caught.add_row(
            escape(m.name), where if m.right or not m.caught else f"[bold red]{where}, not {m.expected}", escape(m.why)
        )
    out.print(caught)
    number = sum(m.caught for m in report.mistakes)
    colour = "green" if report.verdict == "correct" else "bold red"
    out.print(
        f"[{colour}]{report.verdict}[/]: {len(report.checks)} checks, {number} of {len(report.mistakes)} mistakes caught"
    )
