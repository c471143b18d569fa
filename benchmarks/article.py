"""How long do the article's recogniser and a cold start take? Prints the table of docs/speed.md.

    python -m benchmarks.article [--data FOLDER]      a minute; FOLDER holds testdata.200 (otherwise as for bpnn reproduce)

Training time is measured after compilation, ours with and without XLA's small-loop option (each in processes of its own) and the
article's own program in Python. Cold starts are whole processes. Medians of several runs, alternating.
"""

import json
import os
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

from benchmarks.speed.worker import without_options
from bpnn_jax import article
from bpnn_jax.patterns import files
from manual.article import NN

RUNS = 5


@dataclass(frozen=True)
class Options:
    """Where the data lies, and how often to measure."""

    data: Path | None = None
    runs: int = RUNS


def whole_process(arguments: list[str], **environment: str) -> float:
    # Importing bpnn_jax here has set its options already; each process is to decide for itself.
    environment = {**os.environ, "XLA_FLAGS": without_options(os.environ.get("XLA_FLAGS", "")), **environment}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def command(data: Path, option: str) -> tuple[float, float, int]:
    """(seconds of the whole process, seconds training, iterations) of ``bpnn train DATA --article``."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        arguments = ["-m", "bpnn_jax", "train", str(data), "--article", "--json", str(result)]
        whole = whole_process(arguments, BPNN_XLA_OPTION=option)
        found = json.loads(result.read_text())
    return whole, found["seconds"], found["iterations"]


def article_program(data: Path, epochs: int) -> float:
    """Seconds that the article's loops take for the same number of epochs, reckoned from a twentieth of them."""
    patterns = files.read(data)[1:][: article.TRAIN_SIZE]
    pairs = list(zip(patterns.x.tolist(), patterns.t.tolist(), strict=True))
    net = NN(patterns.x.shape[1], article.HIDDEN, patterns.t.shape[1])
    some = max(1, epochs // 20)
    began = time.perf_counter()
    net.train(pairs, iterations=some)
    return (time.perf_counter() - began) * epochs / some


def main(options: Options) -> None:
    data = article.find_data(options.data)
    if data is None:
        sys.exit(f"expected the article's data, got none: {article.HOW_TO_GET_IT}")
    ours, plain, loops, imports, helps = [], [], [], [], []
    epochs = 0
    for _ in track(range(options.runs), "measuring"):
        ours.append(command(data, "on"))
        plain.append(command(data, "off"))
        epochs = ours[-1][2] + 1
        loops.append(article_program(data, epochs))
        optax = whole_process(["-c", "import optax"])
        imports.append(whole_process(["-c", "import bpnn_jax, bpnn_jax.training, bpnn_jax.patterns"]) - optax)
        helps.append(whole_process(["-m", "bpnn_jax", "--help"]))
    updates = epochs * article.TRAIN_SIZE
    table = Table(title=f"bpnn train testdata.200 --article: {epochs} epochs, {updates} online updates, float64")
    for name in ("what", "median", "from", "to", "target"):
        table.add_column(name, justify="left" if name == "what" else "right")

    def row(what: str, seconds: list[float], target: str = "") -> None:
        cells = (f"{s:.3f} s" for s in (median(seconds), min(seconds), max(seconds)))
        table.add_row(what, *cells, target)

    row("training, after compilation", [s for _, s, _ in ours], "0.2 s")
    row("  the same without the XLA option", [s for _, s, _ in plain])
    row("  the article's program, in Python", loops)
    row("whole process, cold start", [w for w, _, _ in ours], "4 s")
    row("imports, over those of optax", imports, "0.2 s")
    row("bpnn --help", helps, "0.4 s")
    Console().print(table)
    ratio = median(loops) / median(s for _, s, _ in ours)
    print(f"{1e9 * median(s for _, s, _ in ours) / updates:.0f} ns an update; {ratio:.0f} times the article's program")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
