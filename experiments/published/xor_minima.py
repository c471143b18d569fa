"""XOR with 2-2-1 has no strict local minimum (proved). Where do unsolved runs end, and how curved is the error there?"""

from dataclasses import replace
from typing import Any

import numpy as np

import manual
from bpnn_jax import Network, statistics
from experiments._common import functions
from experiments._runs import Runs, plain
from experiments.published.readings import Setup
from experiments.published.rows import Progress
from experiments.published.runs import Outcome, Weights, carry_out, targets

STATED = "of hundreds of runs two ended in a local minimum; a footnote: from the one met at η = 0.25, η = 0.5 or more escapes"
SEEN = "unverified, from memory: neither the chapter nor a paraphrase of these sentences was at hand"
BASE = Setup("xor", (2, 2, 1), momentum=0.0, initial=1.0, epochs=3000)
LONGER = 10  # times the epochs, to see how many runs are still unsolved
ENDED = ("error", "gradient", "smallest", "largest", "weight")
LIKE_PDP = "η = 0.25, momentum 0.9, U(±0.3)"
FASTER = {"η = 0.5, momentum 0.9, U(±0.3)": 0.5, "η = 1, momentum 0.9, U(±0.3)": 1.0}
READINGS = {
    "U(±1), batch, η = 0.5, no momentum, float32": (BASE, "float32"),
    "float64": (BASE, "float64"),
    "U(±0.5)": (replace(BASE, initial=0.5), "float32"),
    "U(±3)": (replace(BASE, initial=3.0), "float32"),
    "U(±10)": (replace(BASE, initial=10.0), "float32"),
    "online": (replace(BASE, mode="online"), "float32"),
    "momentum 0.9": (replace(BASE, momentum=0.9), "float32"),
    LIKE_PDP: (replace(BASE, learning_rate=0.25, momentum=0.9, initial=0.3), "float32"),
    **{
        words: (replace(BASE, learning_rate=rate, momentum=0.9, initial=0.3), "float32")
        for words, rate in FASTER.items()
    },
}


def measure(seeds: int, progress: Progress, most: int | None = None) -> Runs:
    """The runs of each reading for ``LONGER`` times the epochs, and gradient and curvature where those that are unsolved ended."""
    chosen, parts = list(READINGS.items())[:most], []
    for k, (words, (setup, dtype)) in enumerate(chosen):
        progress(k, len(chosen), words)
        o = carry_out(replace(setup, epochs=setup.epochs * LONGER), np.arange(seeds), dtype)
        parts.append(o.table(part="xor minima", reading=words, **where_ended(o)))
    return Runs.joined(parts)


def ends(runs: Runs) -> list[dict[str, Any]]:
    """For each reading the shares that are unsolved soon and late, and of the unsolved runs where they ended."""
    found = []
    for words in runs.values("reading"):
        here, limit = runs.where(reading=words), READINGS[words][0].epochs
        unsolved = here.rows(~here.solved)
        found.append(
            {
                "words": words,
                "bad_soon": plain(statistics.success_rate(~here.solved_by(limit))),
                "bad": plain(statistics.success_rate(~here.solved)),
                "escaped": int(here.solved.sum() - here.solved_by(limit).sum()),
                **{kind: unsolved[kind] for kind in ENDED},
            }
        )
    return found


def footnote(runs: Runs) -> dict[str, Any] | None:
    """PDP's footnote: of the seeds that are unsolved at η = 0.25, how many are solved at 0.5 and more, all else alike."""
    if not all(words in runs.values("reading") for words in (LIKE_PDP, *FASTER)):
        return None
    stuck = ~runs.where(reading=LIKE_PDP).solved
    solved = {words: runs.where(reading=words).solved[stuck] for words in FASTER}
    return {"stuck": int(stuck.sum()), "solved": {words: int(of.sum()) for words, of in solved.items()}}


def where_ended(o: Outcome) -> dict[str, np.ndarray]:
    """Error, gradient norm, smallest and largest eigenvalue of the Hessian, largest weight; NaN for the runs that were solved."""
    x, t = targets(o.setup)
    kinds = {kind: np.full(len(o.solved), np.nan) for kind in ENDED}
    for i in np.flatnonzero(~o.solved):
        weights = tuple(W[i].astype(np.float64) for W in o.weights)
        g, eigenvalues = slope_and_curvature(o.network, weights, x, t)
        a = manual.forward(weights, x, functions(o.network))
        kinds["error"][i] = manual.half_squared_error(a.outputs, t)
        kinds["gradient"][i] = g
        kinds["smallest"][i] = eigenvalues[0]
        kinds["largest"][i] = eigenvalues[-1]
        kinds["weight"][i] = max(float(np.abs(W).max()) for W in weights)
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
