"""Up to which width do sums written out term by term beat matrix products? ``training._engines.WIDEST`` is from here.

    python -m benchmarks.widest        under a minute

One network online and 64 together, 20-H-3, 200 patterns, float32, one core: each way in turn, the median of three.
"""

from dataclasses import replace
from statistics import median
from unittest import mock

import jax
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bpnn_jax import Network, Settings, train, train_many
from bpnn_jax.training import _engines

HIDDEN = (32, 64, 128, 256, 512)
PATTERNS, LANES = 200, 64


def measure(hidden: int, many: bool, widest: int) -> tuple[float, float]:
    """Nanoseconds for an update of one network, and seconds for compiling."""
    rng = np.random.default_rng(0)
    x, t = rng.uniform(0, 1, (PATTERNS, 20)), np.eye(3)[rng.integers(0, 3, PATTERNS)]
    network, settings = Network((20, hidden, 3)), Settings(epochs=4 if many else 10)

    def run() -> tuple[float, float]:
        if many:
            found = train_many(network, x, t, seeds=LANES, cores=1, settings=replace(settings, history_every=4))
            return found.seconds / LANES, found.compile_seconds
        found = train(network, x, t, settings=settings)
        return found.seconds, found.compile_seconds

    with mock.patch.object(_engines, "WIDEST", widest):
        jax.clear_caches()
        compile_seconds = run()[1]
        return median(run()[0] for _ in range(3)) / (PATTERNS * settings.epochs) * 1e9, compile_seconds


def main() -> None:
    table = Table(title="written out / generic: ns for an update of one network (seconds for compiling)")
    for name in ("hidden nodes", "one network", "64 networks"):
        table.add_column(name, justify="right")
    for hidden in track(HIDDEN, "measuring"):
        cells = []
        for many in (False, True):
            ways = [measure(hidden, many, widest) for widest in (max(HIDDEN), 1)]
            cells.append(" / ".join(f"{ns:,.0f} ({compiling:.1f} s)" for ns, compiling in ways))
        table.add_row(str(hidden), *cells)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
