"""``train`` and ``train_many`` by matrix products on a GPU, checked and then timed beside plain JAX and PyTorch.

    python -m benchmarks.gpu.generic [--json FILE]   some three minutes; prints the table of docs/gpu.md
    python -m benchmarks.gpu.generic --tiny          the whole script on whatever device is there

The networks of a cell are trained in minibatches or in one batch per epoch, by us, by ``jax.grad`` under ``scan`` (and ``vmap``)
with JAX's default precision of a product and with ``highest``, and by PyTorch. Each result is first held against the hand derivation
in float64 by NumPy; then all are timed in turn. A GPU's default product may be of TF32, with 10 bits of a float32's 23: the column
"off" says what that costs.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory of the same card

import jax
import tyro
from rich.console import Console
from rich.progress import track

from benchmarks.gpu.by_hand import by_hand
from benchmarks.speed.grid import Cell, task
from benchmarks.speed.peers import jax_grad, ours, pytorch
from benchmarks.speed.tasks import Task, Weights
from bpnn_jax import Network
from bpnn_jax.training import Settings

RULE = "previous-gradient"
SIZES = ("64-32-10", "784-128-10")
HIGHEST, TORCH = "plain JAX, highest", "PyTorch"
WIDTH = 64  # networks that ours trains in one block unless told
CHECKED = 3  # epochs of the run that is held against float64
EPOCHS = {"minibatch": 40, "batch": 400}  # of a timed run: what a call does once is spread over hundreds of updates
EAGER = 10  # times fewer for PyTorch, which has nothing to spread
FURTHER = 3.0  # times as far from float64 as plain JAX with ``highest``: both round the same products, in another order


@dataclass(frozen=True)
class Options:
    """What to measure."""

    json: Path | None = None
    """write the figures to this file"""
    tiny: bool = False
    """two small cells, to see that the script runs"""
    sizes: tuple[str, ...] = SIZES
    networks: tuple[int, ...] = (1, 64)
    rounds: int = 7


@dataclass(frozen=True)
class Line:
    """One program of one cell: seconds of each run, and how far its weights are from float64's, ‖difference‖ / ‖weights moved‖."""

    cell: str
    what: str
    seconds: tuple[float, ...]
    microseconds: float
    off: float
    compile_s: float


def off(task: Task, found: Weights) -> float:
    """The largest distance of a checked network's weights from float64's, relative to how far training moved them."""
    worst = 0.0
    settings = Settings(epochs=task.epochs, mode="minibatch", batch_size=task.batch_size)
    for k in sorted({0, task.networks - 1}):
        own = tuple(W[k] for W in task.weights)
        right = by_hand(Network(task.sizes), settings, own, task.x, task.t, task.learning_rate, task.momentum)
        apart = sum(float(((a[k] - b) ** 2).sum()) for a, b in zip(found, right, strict=True))
        moved = sum(float(((a[k] - b) ** 2).sum()) for a, b in zip(task.weights, right, strict=True))
        worst = max(worst, (apart / moved) ** 0.5)
    return worst


def programs(networks: int) -> dict[str, tuple[Callable, Any]]:
    """Each program's name: what prepares a task for it, and the setting of JAX under which it runs."""
    highest = partial(jax.default_matmul_precision, "highest")
    one = networks == 1
    plain = jax_grad.one if one else jax_grad.many
    found = {
        "ours": (ours.one if one else ours.many, nullcontext),
        "plain JAX": (plain, nullcontext),
        HIGHEST: (plain, highest),
    }
    if networks > WIDTH:
        found["ours, one block"] = (partial(ours.many, lanes=networks), nullcontext)
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        return found
    device = "cuda" if torch.cuda.is_available() else "cpu"
    found[TORCH] = (partial(pytorch.eager if one else pytorch.vmap, device=device), nullcontext)
    return found


def measure(cell: Cell, rounds: int) -> list[Line]:
    """Every program of a cell: checked, then timed in turn."""
    whole = task(cell)
    short, ready = replace(whole, epochs=CHECKED), {}
    for name, (prepare, under) in programs(cell.networks).items():
        long = replace(whole, epochs=EPOCHS[cell.mode] // (EAGER if name == TORCH else 1))
        try:
            with under():
                error = off(short, prepare(short)())
                run = prepare(long)
                began = time.perf_counter()
                run()
                first = time.perf_counter() - began
                run()
        except Exception as failed:  # one that fails does not end the others
            print(f"{cell.name}: {name} failed: {type(failed).__name__}: {failed}"[:1000], file=sys.stderr)
            continue
        ready[name] = run, under, error, first, 1e6 / long.updates
    for name in ready:
        if name.startswith("ours") and ready[name][2] > FURTHER * ready[HIGHEST][2]:
            sys.exit(f"WRONG: {cell.name}, {name}: {ready[name][2]:.1e} off float64, plain JAX {ready[HIGHEST][2]:.1e}")
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, (run, under, *_) in ready.items():
            with under():
                began = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - began)
    return [
        Line(
            cell.name,
            name,
            tuple(seconds),
            ready[name][4] * median(seconds),
            ready[name][2],
            max(0.0, ready[name][3] - median(seconds)),
        )
        for name, seconds in times.items()
    ]


def cells(options: Options) -> list[Cell]:
    """Those of the options."""
    if options.tiny:
        return [Cell("4-8-3", m, n, rule=RULE) for m, n in (("minibatch", 1), ("batch", 96))]
    return [Cell(sizes, m, n, rule=RULE) for sizes in options.sizes for m in EPOCHS for n in options.networks]


def main(options: Options) -> None:
    """Measure and print; each cell as it is done, because a machine may be taken away."""
    console, device = Console(width=120), jax.devices()[0]
    console.print(f"device {device.device_kind}, jax {jax.__version__}", highlight=False)
    lines = []
    for cell in track(cells(options), "measuring", console=Console(stderr=True)):
        lines += (found := measure(cell, options.rounds))
        for line in found:
            told = f"{line.microseconds:9.1f} µs per update, {line.compile_s:.1f} s compiling, {line.off:.1e} off"
            console.print(f"{line.cell[:-36]:34} {line.what:20} {told}", highlight=False)
        if options.json:
            rows = [asdict(line) for line in lines]
            machine = {"device": device.device_kind, "jax": jax.__version__}
            options.json.write_text(json.dumps({"machine": machine, "lines": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
