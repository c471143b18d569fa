"""``bpnn_jax.sklearn`` beside scikit-learn's own: accuracy untouched beside MLPClassifier, and a grid beside GridSearchCV.

``python -m benchmarks.estimators`` prints; ``--write`` also writes benchmarks/results/estimators.json and the tables of
docs/sklearn.md; a name, such as ``iris``, measures that alone. Needs scikit-learn (pip install 'bpnn-jax[sklearn]').

Accuracy: ten splits of each set, three tenths of the rows apart, each class in proportion, inputs as they are and standardized. The
grids: 60 combinations on five folds of iris, twice each; the first time compiles. Seconds are of processor time, over all cores, so
that what else runs on the machine changes nothing; wall time is beside it.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "estimators.json"
PAGE = Path(__file__).parents[1] / "docs" / "sklearn.md"
MARKS = {name: (f"<!-- benchmarks.estimators, {name} -->", "<!-- to here -->") for name in ("accuracy", "grid")}
SPLITS, FOLDS = 10, 5
SETS = ("iris", "wine", "breast_cancer", "digits")
SIZES = [(4,), (8,), (16,)]
GRIDS: dict[str, tuple[dict[str, Any], dict[str, list]]] = {
    "rates": ({}, {"hidden": SIZES, "learning_rate": np.geomspace(0.001, 0.1, 20).tolist()}),
    "rates-and-momentum": (
        {"rule": "heavy-ball"},
        {"hidden": SIZES, "learning_rate": [0.003, 0.01, 0.03, 0.1, 0.3], "momentum": [0.0, 0.5, 0.8, 0.9]},
    ),
}

SHOWN = {
    "rates": "3 sizes, 20 learning rates; Adam",
    "rates-and-momentum": "3 sizes, 5 learning rates, 4 momenta; heavy ball",
}


def accuracy(name: str) -> dict[str, list[float]]:
    """Test accuracies over the splits: ours, MLPClassifier's, and its with standardized inputs."""
    import sklearn.datasets  # pyright: ignore[reportMissingImports]
    from sklearn.model_selection import train_test_split  # pyright: ignore[reportMissingImports]
    from sklearn.neural_network import MLPClassifier  # pyright: ignore[reportMissingImports]
    from sklearn.pipeline import make_pipeline  # pyright: ignore[reportMissingImports]
    from sklearn.preprocessing import StandardScaler  # pyright: ignore[reportMissingImports]

    from bpnn_jax.sklearn import BPNNClassifier

    x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    found: dict[str, list[float]] = {"ours": [], "theirs": [], "theirs standardized": []}
    for seed in range(SPLITS):
        x1, x2, y1, y2 = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
        models = {
            "ours": BPNNClassifier(random_state=seed),
            "theirs": MLPClassifier(random_state=seed),
            "theirs standardized": make_pipeline(StandardScaler(), MLPClassifier(random_state=seed)),
        }
        for which, model in models.items():
            found[which].append(float(model.fit(x1, y1).score(x2, y2)))
    return found


def grid(given: dict[str, Any], combinations: dict[str, list]) -> dict[str, Any]:
    """Both searches, twice each: seconds, and what they chose."""
    from sklearn.datasets import load_iris  # pyright: ignore[reportMissingImports]
    from sklearn.model_selection import GridSearchCV  # pyright: ignore[reportMissingImports]

    from bpnn_jax.sklearn import BPNNClassifier

    x, y = load_iris(return_X_y=True)
    model = BPNNClassifier(random_state=0, **given)
    ways: dict[str, Callable[[], Any]] = {
        "fit_many": lambda: model.fit_many(combinations, x, y, cv=FOLDS, refit=False),
        "GridSearchCV": lambda: GridSearchCV(model, combinations, cv=FOLDS, refit=False).fit(x, y),
    }
    found: dict[str, Any] = {}
    for way, search in ways.items():
        for when in ("first", "again"):
            processor, wall = time.process_time(), time.perf_counter()
            result = search()
            found[f"{way}, {when}"] = {
                "processor": time.process_time() - processor,
                "wall": time.perf_counter() - wall,
                "best": {key: str(value) for key, value in result.best_params_.items()},
                "score": float(result.best_score_),
            }
    return found


def accuracy_table(found: dict[str, dict[str, list[float]]]) -> str:
    """A row per set: means, and the paired differences with their standard errors."""
    lines = [
        "| set | BPNNClassifier | MLPClassifier | difference ± standard error | MLP, standardized | difference ± standard error |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, scores in found.items():
        cells = [f"{np.mean(scores['ours']):.3f}"]
        for other in ("theirs", "theirs standardized"):
            difference = np.subtract(scores["ours"], scores[other])
            error = difference.std(ddof=1) / len(difference) ** 0.5
            cells += [f"{np.mean(scores[other]):.3f}", f"{difference.mean():+.4f} ± {error:.4f}"]
        lines.append(f"| {name.replace('_', '-')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def grid_table(found: dict[str, Any]) -> str:
    """A row per grid: processor seconds of both, compiled before and not, and whether the choice is the same."""
    lines = [
        "| grid of 60, five folds | fit_many, s | GridSearchCV, s | times | with compiling, s | with compiling, s | times | choice |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, one in found.items():
        cells: list[str] = []
        for when in ("again", "first"):
            ours, theirs = (one[f"{way}, {when}"]["processor"] for way in ("fit_many", "GridSearchCV"))
            cells += [f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}"]
        same = one["fit_many, again"]["best"] == one["GridSearchCV, again"]["best"]
        lines.append(f"| {SHOWN[name]} | {' | '.join(cells)} | {'the same' if same else 'another'} |")
    return "\n".join(lines)


def run(arguments: list[str]) -> int:
    """Measure what is named, or all; with ``--write`` keep it, beside what was kept of the others."""
    warnings.simplefilter("ignore")  # scikit-learn's, that it has not converged
    named = [word for word in arguments if word != "--write"] or [*GRIDS, *SETS]
    if unknown := set(named) - {*GRIDS, *SETS}:
        print(f"expected names among {', '.join([*GRIDS, *SETS])}, got {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in named:
        kind, one = ("grid", grid(*GRIDS[name])) if name in GRIDS else ("accuracy", accuracy(name))
        print({"grid": grid_table, "accuracy": accuracy_table}[kind]({name: one}).splitlines()[-1], flush=True)
        if "--write" in arguments:
            write(kind, name, one)
    return 0


def write(kind: str, name: str, one: Any) -> None:
    """Keep one measurement, and renew the tables of the page."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"grid": {}, "accuracy": {}}
    found[kind][name] = one
    for part, names in (("grid", GRIDS), ("accuracy", SETS)):
        found[part] = {key: found[part][key] for key in names if key in found[part]}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    page = PAGE.read_text("utf-8")
    for part, table in tables(found).items():
        begin, end = MARKS[part]
        before, rest = page.split(begin)
        page = f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    PAGE.write_text(page, "utf-8")


def tables(found: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/sklearn.md."""
    return {"accuracy": accuracy_table(found["accuracy"]), "grid": grid_table(found["grid"])}


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
