"""What an audit costs: seconds and memory for a 784-128-10 loss at batch 128, beside ``jax.grad`` of it.

    python -m benchmarks.auditor.cost

Every figure is from a process of its own, with JAX imported and warm before the clock starts. Medians of several; peak memory is
the whole process's.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

import manual
from bpnn_jax import Network, audit, half_squared_error, init

NETWORK, BATCH = Network((784, 128, 10)), 128
WHAT = {"grad": "jax.grad, compiled", "audit": "an audit without mutate", "mutate": "an audit"}


@dataclass(frozen=True)
class Options:
    """How often."""

    rounds: int = 5
    one: str = ""
    """"grad", "audit" or "mutate": run that here once, and print its figures as JSON"""


def measure(what: str) -> dict[str, float]:
    rng = np.random.default_rng(0)
    weights = tuple(map(np.asarray, init(NETWORK, 0, initial="glorot")))
    x = rng.uniform(0, 1, (BATCH, 784)).astype("float32")
    t = np.eye(10, dtype="float32")[rng.integers(0, 10, BATCH)]
    f = tuple(manual.ACTIVATIONS[name] for name in NETWORK.activations)

    def loss(weights, x, t):
        return half_squared_error(NETWORK, weights, x, t)

    def hand(weights, x, t):
        return manual.gradient(manual.forward(weights, x, f), t)

    jax.block_until_ready(jnp.ones(3) + 1)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        if what == "grad":
            jax.block_until_ready(jax.jit(jax.grad(loss))(weights, x, t))
        else:
            audit.assert_correct(audit.gradient(loss, hand, weights, x, t, mutate=what == "mutate"))
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": seconds[0], "again": seconds[1], "peak": peak}


def main(options: Options) -> None:
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    found: dict[str, list[dict[str, float]]] = {what: [] for what in WHAT}
    for _ in track(range(options.rounds), "auditing", console=Console(stderr=True)):
        for what in WHAT:  # in turn, so that what else the machine does falls on all of them
            run = subprocess.run(
                [sys.executable, "-m", "benchmarks.auditor.cost", "--one", what],
                capture_output=True,
                text=True,
                check=True,
            )
            found[what].append(json.loads(run.stdout))
    table = Table(title=f"{NETWORK}, batch {BATCH}, float32; medians of {options.rounds} processes")
    for name in ("", "first in a process", "again", "peak memory", "times jax.grad's"):
        table.add_column(name, justify="right" if name else "left")
    base = median(row["peak"] for row in found["grad"])
    for what, rows in found.items():
        first, again, peak = (median(row[k] for row in rows) for k in ("first", "again", "peak"))
        table.add_row(WHAT[what], f"{first:.2f} s", f"{again:.2f} s", f"{peak:.0f} MiB", f"{peak / base:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
