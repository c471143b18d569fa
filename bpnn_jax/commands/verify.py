"""``bpnn verify``: the ladder of trust as a table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

import manual
from bpnn_jax.commands.common import Json, check_outputs, finish
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from bpnn_jax import verify

    Which = str
else:
    Which = Literal["all", *manual.ACTIVATIONS]

RUNGS = {
    1: "proved on symbols",
    2: "independent of JAX",
    3: "equation by equation",
    4: "at scale",
    5: "as it runs",
    6: "it can fail",
}
MOST = (
    4  # processes: each takes a second and some 0.5 GB to start, and the longest piece of work is a sixth of the whole
)
NO_HIDDEN_BIAS = {"--no-hidden-bias": "off", "--hidden-bias": "on"}


@dataclass(frozen=True)
class Verify:
    """Is the derivation right? Six rungs, from a symbolic proof to the training step; exit status 0 only if all is right."""

    activation: Which = "all"
    """Check networks of one activation only."""
    sizes: Annotated[str | None, arg(metavar="SIZES")] = None
    """Check networks of these layer sizes only, such as 2-2-1, in place of the ladder's own."""
    hidden_bias: Literal["both", "on", "off"] = "both"
    """Networks with a bias node on the hidden layers (on, or --hidden-bias alone), without (off, or --no-hidden-bias)."""
    networks: int = 100_000
    """How many random networks to compare at scale (rung 4)."""
    seed: int = 0
    """Moves every random number."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def prepared(arguments: Sequence[str]) -> tuple[list[str], None]:
    """``--hidden-bias`` is a switch, as everywhere else, that has a third state when it is not given."""
    spelt = []
    for word, following in pairwise([*arguments, ""]):
        switch = word in NO_HIDDEN_BIAS and following not in ("both", "on", "off")
        spelt += ["--hidden-bias", NO_HIDDEN_BIAS[word]] if switch else [word]
    return spelt, None


def run(options: Verify) -> int:
    from bpnn_jax import verify
    from bpnn_jax._runtime import cores
    from bpnn_jax._runtime.progress import console, progress_bar

    check_outputs(json=options.json, overwrite=options.overwrite)
    with progress_bar("checking the derivation") as update:
        report = verify.run(chosen(options), update, min(cores.available(), MOST))
    show(report, console())
    finish(options.json, "verify", report.to_json())
    return 0 if report.verdict == "correct" else 1


def chosen(options: Verify) -> "verify.Options":
    from bpnn_jax import verify

    sizes = None
    if options.sizes is not None:
        if not re.fullmatch(r"\s*\d+(\s*[-, x]\s*\d+)+\s*", options.sizes):
            raise InputError(f"expected sizes such as 2-2-1, got {options.sizes!r}")
        sizes = tuple(int(n) for n in re.findall(r"\d+", options.sizes))
    return verify.Options(
        sizes=sizes,
        activations=tuple(manual.ACTIVATIONS) if options.activation == "all" else (options.activation,),
        hidden_bias={"both": None, "on": True, "off": False}[options.hidden_bias],
        networks=options.networks,
        seed=options.seed,
    )


def show(report: "verify.Report", out: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

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
            Text("correct", "green") if check.verdict == "correct" else Text(f"WRONG {check.where}", "bold red"),
        )
        rung = check.rung
    out.print(table)

    caught = Table(title="Wrong derivations, and the equation at which each was caught", title_justify="left")
    for name in ("mistake", "caught at", "what the author was thinking"):
        caught.add_column(name)
    for m in report.mistakes:
        where = m.equation if m.caught else "NOT CAUGHT"
        if m.caught and not m.right:
            where += f", not {m.expected}"
        caught.add_row(m.name, Text(where, "" if m.right else "bold red"), m.why)
    out.print(caught)
    number = sum(m.caught for m in report.mistakes)
    colour = "green" if report.verdict == "correct" else "bold red"
    said = f": {len(report.checks)} checks, {number} of {len(report.mistakes)} mistakes caught"
    out.print(Text.assemble((report.verdict, colour), said))
