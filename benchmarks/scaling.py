"""How does the time grow with networks, hidden nodes, patterns and epochs, from 1 to the largest that fits?

    python -m benchmarks.scaling                 some minutes; prints the points of each curve
    python -m benchmarks.scaling --json FILE     writes them to a file too, and the figure beside it
    python -m benchmarks.scaling --plot FILE     only draws the figure of a file
    python -m benchmarks.scaling --write-page    writes benchmarks/results/scaling.json and the figure, which docs/speed.md shows

Each curve changes one number of a plain case, online training of 20-8-3 for 20 epochs of 500 patterns, and starts at 1. It ends where
a run would take longer than ``--seconds``, or the weights would need more than ``--memory``. Times are medians of three runs, after
compilation, each curve in a process of its own; networks by ``train_many``, the others by ``train``.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import tyro

from benchmarks.speed import report, tasks
from benchmarks.speed.machine import machine, versions
from benchmarks.speed.peers import ours
from benchmarks.speed.tasks import Task
from benchmarks.speed.worker import Worker
from bpnn_jax import progress_bar

FILE = Path(__file__).parent / "results" / "scaling.json"
PLAIN = replace(tasks.recogniser(), epochs=20)
GROWTH = 4
RUNS = 3


@dataclass(frozen=True)
class Options:
    """How far to go, and where to write."""

    seconds: float = 20.0
    """A curve ends before a run that would take longer, by the two runs before it."""
    memory: float = 1.0
    """GiB of weights that a curve may reach."""
    json: Path | None = None
    """Write the points to this file; the figure is put beside it."""
    plot: Path | None = None
    """Measure nothing: draw the figure of this file."""
    write_page: bool = False
    """Write the committed file and figure."""


def networks(n: int) -> Task:
    return replace(PLAIN, weights=tasks.uniform(PLAIN.sizes, n, (0.2, 2.0)))


def hidden(n: int) -> Task:
    sizes = (20, n, 3)
    return replace(PLAIN, sizes=sizes, learning_rate=0.5 / n, weights=tasks.uniform(sizes, 1, (0.2, 2.0 / n**0.5)))


def patterns(n: int) -> Task:
    return replace(PLAIN, x=np.resize(PLAIN.x, (n, 20)), t=np.resize(PLAIN.t, (n, 3)))


def epochs(n: int) -> Task:
    return replace(PLAIN, epochs=n)


CURVES: dict[str, tuple[Callable[[int], Task], Callable]] = {
    "networks": (networks, ours.many),
    "hidden nodes": (hidden, ours.one),
    "patterns": (patterns, ours.one),
    "epochs": (epochs, ours.one),
}


def size(name: str, n: int) -> float:
    """GiB of the weights and patterns of a task, reckoned without making it."""
    here = {"networks": 1, "hidden nodes": 8, "patterns": 500, name: n}
    weights = here["networks"] * (21 * here["hidden nodes"] + 3 * (here["hidden nodes"] + 1))
    return 4 * (weights + 23 * here["patterns"]) / 2**30


def curve(name: str, options: Options) -> Iterator[dict]:
    """The points of one curve, as far as it goes."""
    make, prepare = CURVES[name]
    n, before, last = 1, 0.0, 0.0
    with Worker(prepare) as worker:
        while size(name, n) <= options.memory and last + GROWTH * (last - before) <= options.seconds:
            task = make(n)
            worker.load(task)
            seconds = median(worker.time()[0] for _ in range(RUNS))
            yield {"n": n, "seconds": seconds, "ns": 1e9 * seconds / task.updates / task.networks}
            n, before, last = n * GROWTH, last, max(seconds, last)


def compute(options: Options) -> dict:
    found: dict = {
        "machine": machine(),
        "versions": versions(),
        "seconds": options.seconds,
        "memory_gib": options.memory,
    }
    with progress_bar("scaling") as update:
        for name in CURVES:
            found[name] = []
            for point in curve(name, options):
                found[name].append(point)
                update(None, None, f"{point['n']} {name}: {point['seconds']:.3g} s")
    return found


def plot(found: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(CURVES), figsize=(12, 3.4), sharey=True, layout="constrained")
    for axis, name in zip(axes, CURVES, strict=True):
        n, seconds = np.array([(p["n"], p["seconds"]) for p in found[name]]).T
        axis.loglog(n, seconds, "o-", color="#1f6fb2", markersize=4)
        axis.loglog(n, seconds[-1] * n / n[-1], ":", color="grey", linewidth=1)
        axis.set(xlabel=name)
        axis.set_title(f"{report.time(found[name][-1]['ns'])} an update at {n[-1]:,.0f}", fontsize=9)
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("seconds")
    axes[0].set_ylim(bottom=0.5 * min(p["seconds"] for name in CURVES for p in found[name]))
    figure.suptitle(
        "Online training of 20-8-3, 20 epochs of 500 patterns, one number changed; dotted: in proportion", fontsize=10
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(options: Options) -> None:
    if options.plot is not None:
        plot(json.loads(options.plot.read_text("utf-8")), options.plot.with_suffix(".png"))
        return
    found = compute(options)
    for name in CURVES:
        for point in found[name]:
            print(f"{point['n']:>10,} {name:<12} {point['seconds']:8.3g} s, {report.time(point['ns'])} per update")
    for file in filter(None, (options.json, FILE if options.write_page else None)):
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
        plot(found, file.with_suffix(".png"))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
