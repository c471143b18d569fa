"""How well ``bpnn train NAME --test-share 0.3`` does untouched, beside scikit-learn's MLP with its own defaults on the same splits.

``python -m benchmarks.defaults`` prints; ``--write`` also writes benchmarks/results/defaults.json and the table in docs/tables.md.
It needs scikit-learn (pip install 'bpnn-jax[bench]'), which gets the inputs standardized as ours are and, for the regression, the
targets as they are. Its time is that of some fits, times 100 by their number; ours that of ``train_many`` with 100
seeds, compiled before. Both are processor time, over all cores, so that what else runs on the machine changes neither; wall time is
beside it.
"""

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bpnn_jax import init, train_many
from bpnn_jax.cli import main as bpnn
from bpnn_jax.patterns import door, tabular
from bpnn_jax.settings import Run

RESULTS = Path(__file__).parent / "results" / "defaults.json"
PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
BEGIN, END = "<!-- benchmarks.defaults -->", "<!-- to here -->"
SEEDS, FITS, NETWORKS, SHARE = 10, 10, 100, 0.3
WANTED = {"iris": 0.95, "wine": 0.95, "breast-cancer": 0.95, "digits": 0.97, "diabetes": 0.45}


def ours(name: str, seed: int) -> float:
    """The test score of the command: accuracy, or R²."""
    with tempfile.TemporaryDirectory() as folder:
        found = _run(name, folder, "--seed", str(seed))["scores"]["test"]
    return found["accuracy"] if "accuracy" in found else found["r2"]


def our_seconds(name: str) -> tuple[float, float]:
    """Processor and wall seconds of 100 networks by ``train_many``, as the command trains them; compiled before."""
    task = door.open_set(name).task
    assert task is not None
    data = tabular.prepare(task, name, test_share=SHARE)
    usual = tabular.customary(task.kind, len(data.train))
    epochs, run = usual.pop("epochs"), Run(**usual)
    network = run.network(data.train)
    drawn = [init(network, seed, initial=run.initial) for seed in range(NETWORKS)]
    how = {
        **run.rates(data.train)._replace(cutoff=0.0, tolerance=None)._asdict(),
        "weights": tuple(np.stack(layer) for layer in zip(*drawn, strict=True)),
        "settings": run.settings(epochs=epochs, history_every=epochs),
        "seeds": NETWORKS,
    }
    train_many(network, data.train.x, data.train.t, **how)
    processor = time.process_time()
    found = train_many(network, data.train.x, data.train.t, **how)
    return time.process_time() - processor, found.seconds


def _run(name: str, folder: str, *options: str) -> dict[str, Any]:
    path = Path(folder) / "result.json"
    sys.stdout, kept = open("/dev/null", "w"), sys.stdout  # noqa: SIM115 - what the command prints is not what this prints
    try:
        bpnn(["train", name, "--test-share", str(SHARE), "--json", str(path), *options])
    finally:
        sys.stdout.close()
        sys.stdout = kept
    return json.loads(path.read_text())


def theirs(name: str, seed: int) -> tuple[float, float, float]:
    """scikit-learn's test score, and the processor and wall seconds of its fit."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor  # pyright: ignore[reportMissingImports]
    from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingImports]

    task = door.open_set(name).task
    assert task is not None
    data = tabular.prepare(task, name, test_share=SHARE, seed=seed)
    assert data.test is not None
    if task.kind == "regression":
        model, units = MLPRegressor(random_state=seed), data.encoding.outputs
        train, test = units(data.train.t).ravel(), units(data.test.t).ravel()
    else:
        model, train, test = MLPClassifier(random_state=seed), data.train.t.argmax(axis=1), data.test.t.argmax(axis=1)
    with threadpool_limits(1):  # two threads of a product this small mostly wait for each other
        processor, wall = time.process_time(), time.perf_counter()
        model.fit(data.train.x, train)
        seconds = time.process_time() - processor, time.perf_counter() - wall
    return float(model.score(data.test.x, test)), *seconds


def measured(name: str) -> dict[str, Any]:
    """Scores of both over the seeds, their paired difference with its standard error, and the seconds of 100 networks."""
    own = np.array([ours(name, seed) for seed in range(SEEDS)])
    fits = np.array([theirs(name, seed) for seed in range(FITS)])
    difference = own - fits[:, 0]
    processor, wall = our_seconds(name)
    return {
        "ours": own.tolist(),
        "theirs": fits[:, 0].tolist(),
        "mean": float(own.mean()),
        "difference": float(difference.mean()),
        "standard_error": float(difference.std(ddof=1) / SEEDS**0.5),
        "seconds": {"processor": processor, "wall": wall},
        "their_seconds": {
            "processor": float(fits[:, 1].sum() * NETWORKS / FITS),
            "wall": float(fits[:, 2].sum() * NETWORKS / FITS),
        },
    }


def table(found: dict[str, Any]) -> str:
    """The rows of docs/tables.md."""
    lines = [
        "| set | score | scikit-learn | difference ± standard error | 100 networks, s | scikit-learn, s | times as fast |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in found.items():
        own, other = one["seconds"]["processor"], one["their_seconds"]["processor"]
        lines.append(
            f"| {name} | {one['mean']:.3f} | {np.mean(one['theirs']):.3f} | {one['difference']:+.4f} ± {one['standard_error']:.4f} | "
            f"{own:.2f} | {other:.1f} | {other / own:.0f} |"
        )
    return "\n".join(lines)


def run(arguments: list[str]) -> int:
    """Measure every set; with ``--write`` keep the result."""
    warnings.simplefilter("ignore")  # scikit-learn's, that it has not converged
    theirs("iris", 0)  # imports
    found = {}
    for name in WANTED:
        found[name] = measured(name)
        print(table({name: found[name]}).splitlines()[-1], flush=True)
    if "--write" in arguments:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        write_page(found)
    return 0


def write_page(found: dict[str, Any]) -> None:
    """Put the table between its marks in docs/tables.md."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.split(END, 1)[1]}", "utf-8")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
