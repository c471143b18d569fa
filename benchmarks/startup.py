"""What does the compile cache save? Whole commands, with it switched off and with a filled one, in turn.

    python -m benchmarks.startup                 bpnn reproduce
    python -m benchmarks.startup --long          bpnn verify and bpnn demo too: some minutes

Wall time and CPU time of the process, medians. On a machine with other work to do the CPU time is the one to go by.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

COMMANDS = {"reproduce": ["reproduce"]}
LONG = {"verify": ["verify"], "demo": ["demo", "--folder", "{}"]}


@dataclass(frozen=True)
class Options:
    """How often, and whether the commands that take long are measured too."""

    runs: int = 5
    long: bool = False


def run(arguments: list[str], cache: str) -> tuple[float, float]:
    """(wall, CPU) seconds of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "BPNN_COMPILE_CACHE": cache}
    subprocess.run(
        [sys.executable, "-m", "bpnn_jax", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(options: Options) -> None:
    table = Table(title="seconds of a whole command, medians", title_justify="left")
    for column in ("command", "cache", "wall", "from", "to", "CPU"):
        table.add_column(column, justify="left" if column in ("command", "cache") else "right")
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (COMMANDS | (LONG if options.long else {})).items():
            arguments = [a.format(Path(folder) / "demo") for a in arguments]
            filled = str(Path(folder) / "cache")
            run(arguments, filled)  # fills it
            times: dict[str, list[tuple[float, float]]] = {"off": [], "filled": []}
            for _ in track(range(options.runs), name):
                for cache, where in (("off", "off"), ("filled", filled)):
                    times[cache].append(run(arguments, where))
            for cache, found in times.items():
                wall, cpu = zip(*found, strict=True)
                table.add_row(
                    f"bpnn {name}", cache, *(f"{s:.2f}" for s in (median(wall), min(wall), max(wall), median(cpu)))
                )
    Console().print(table)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
