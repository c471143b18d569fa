"""XOR with 2-2-1: no strict local minimum, it is proved. Where does training end nevertheless, and what does the ground look like?"""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

import manual
from bpnn_jax import Network, statistics
from experiments._common import functions
from experiments.published.readings import Setup
from experiments.published.rows import Progress
from experiments.published.runs import Outcome, Weights, carry_out, targets

BASE = Setup("xor", (2, 2, 1), momentum=0.0, initial=1.0, epochs=3000)
LONGER = 10  # times the epochs: who is still in the bad region?
LIKE_PDP = "η = 0.25, momentum 0.9, U(±0.3)"
READINGS = {
    "U(±1), batch, η = 0.5, no momentum, float32": (BASE, "float32"),
    "float64": (BASE, "float64"),
    "U(±0.5)": (replace(BASE, initial=0.5), "float32"),
    "U(±3)": (replace(BASE, initial=3.0), "float32"),
    "U(±10)": (replace(BASE, initial=10.0), "float32"),
    "online": (replace(BASE, mode="online"), "float32"),
    "momentum 0.9": (replace(BASE, momentum=0.9), "float32"),
    LIKE_PDP: (replace(BASE, learning_rate=0.25, momentum=0.9, initial=0.3), "float32"),
}


def ends(seeds: int, progress: Progress, most: int | None = None) -> list[dict[str, Any]]:
    """For each reading: the share not solved after ``LONGER`` times the epochs, and gradient and curvature where those ended."""
    chosen = list(READINGS.items())[:most]
    found = []
    for k, (words, (setup, dtype)) in enumerate(chosen):
        progress(k, len(chosen), words)
        o = carry_out(replace(setup, epochs=setup.epochs * LONGER), np.arange(seeds), dtype)
        soon = o.solved & (o.epochs <= setup.epochs)
        found.append(
            {
                "words": words,
                "bad_soon": asdict(statistics.success_rate(~soon, what=f"unsolved after {setup.epochs}")),
                "bad": asdict(statistics.success_rate(~o.solved, what=f"unsolved after {setup.epochs * LONGER}")),
                "escaped": int(o.solved.sum() - soon.sum()),
                **where_ended(o),
            }
        )
    return found


def where_ended(o: Outcome) -> dict[str, Any]:
    """Of the runs that are not solved: error, gradient norm, smallest and largest eigenvalue of the Hessian, largest weight."""
    x, t = targets(o.setup)
    kinds: dict[str, list[float]] = {"error": [], "gradient": [], "smallest": [], "largest": [], "weight": []}
    for i in np.flatnonzero(~o.solved):
        weights = tuple(W[i].astype(np.float64) for W in o.weights)
        g, eigenvalues = slope_and_curvature(o.network, weights, x, t)
        a = manual.forward(weights, x, functions(o.network))
        kinds["error"].append(float(manual.half_squared_error(a.outputs, t)))
        kinds["gradient"].append(g)
        kinds["smallest"].append(float(eigenvalues[0]))
        kinds["largest"].append(float(eigenvalues[-1]))
        kinds["weight"].append(max(float(np.abs(W).max()) for W in weights))
    return kinds


def slope_and_curvature(network: Network, weights: Weights, x: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    """The norm of the gradient, and the eigenvalues of the Hessian from the smallest: a product (16) for each weight."""
    f = functions(network)
    a = manual.forward(weights, x, f)
    sizes = [W.size for W in weights]

    def flat(arrays: Any) -> np.ndarray:
        return np.concatenate([np.ravel(A) for A in arrays])

    def shaped(v: np.ndarray) -> tuple:
        parts = np.split(v, np.cumsum(sizes)[:-1])
        return tuple(part.reshape(W.shape) for part, W in zip(parts, weights, strict=True))

    H = np.stack([flat(manual.hessian_vector_product(a, shaped(e), t)) for e in np.eye(sum(sizes))], axis=1)
    g = flat(manual.gradient(a, t))
    return float(np.linalg.norm(g)), np.linalg.eigvalsh((H + H.T) / 2)
