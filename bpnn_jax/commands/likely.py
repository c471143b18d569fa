"""Likely mistakes of a training, each with its remedy: outputs that are all alike, a hidden layer that is saturated, momentum."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from bpnn_jax._runtime.text import plain

if TYPE_CHECKING:
    from bpnn_jax.network import Network, Weights
    from bpnn_jax.settings import Run

ALIKE = 0.01  # of the distance between the targets: outputs that differ by less over all patterns say the same of each
FLAT = 0.01  # of an activation's steepest slope: a node with less hardly learns
SATURATED = 0.95  # share of a layer's outputs, over the patterns
LARGE_INPUTS = 10.0  # with weights of about 1, most nodes are saturated
MOST = 2000  # patterns that are looked at


def momentum(run: "Run") -> str | None:
    """A warning of the article's momentum where it is near the learning rate, or above.

    >>> from bpnn_jax.settings import Run
    >>> momentum(Run()) is None, momentum(Run(momentum=0.9))[:58]
    (True, 'previous-gradient steps by N + M: learning rate 0.5 and mo')
    """
    N, M = run.learning_rate, run.momentum
    if run.rule != "previous-gradient" or N <= 0 or M < 0.5 * N:
        return None
    return (
        f"previous-gradient steps by N + M: learning rate {N:g} and momentum {M:g} are about a rate of {N + M:g}, "
        f"{(N + M) / N:.3g} times the rate alone; a decay of a velocity, as elsewhere, is the momentum of heavy-ball and nesterov"
    )


def collapsed(
    run: "Run", network: "Network", weights: "Weights", x: np.ndarray, t: np.ndarray, right: float
) -> str | None:
    """A warning of outputs that are alike for every pattern, or of a hidden layer that is saturated, with the likely remedy.

    x, t:  the patterns to train on, (patterns, n0) and (patterns, nL), as the network sees them.
    right: the share of them that is right, or R²; a network without a mistake may be as saturated as it likes.
    """
    if right >= 1.0 or len(x) < 2:
        return None
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST)).astype(int))
    x, t = x[at], t[at]
    outputs, flat = _looked_at(network, weights, x)
    distance = np.ptp(t, axis=0)
    layers = [l for l, share in enumerate(flat, 1) if share >= SATURATED]
    if (distance > 0).any() and (np.ptp(outputs, axis=0) <= ALIKE * np.where(distance > 0, distance, np.inf)).all():
        what = "all outputs are alike for every pattern"
    elif layers:
        what = f"hidden layer {layers[0]} is saturated on {100 * flat[layers[0] - 1]:.0f}% of the patterns"
    else:
        return None
    return f"{what}: {_remedy(run, x, bool(layers))}"


def warn(found: "list[str | None]") -> list[str]:
    """Print a warning of each that is not None, on standard error; all of them."""
    said = [text for text in found if text is not None]
    for text in said:
        print(f"warning: {plain(text)}", file=sys.stderr)
    return said


def _looked_at(network: "Network", weights: "Weights", x: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The outputs, and for each hidden layer the share of its outputs, over the patterns, where the slope is flat."""
    import manual

    weights = tuple(np.asarray(W) for W in weights)
    functions = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in network.activations)
    with np.errstate(all="ignore"):  # a network that is far off is what this is about
        layers = manual.forward(weights, x.astype(weights[0].dtype), functions, network.skip).layers
        shares = []
        for layer in layers[:-1]:
            z = np.linspace(-4.0, 4.0, 81)
            steepest = abs(layer.f.derivative(z, layer.f.value(z))).max()
            shares.append(float((abs(layer.derivative) <= FLAT * steepest).mean()))
    return layers[-1].a, shares


def _remedy(run: "Run", x: np.ndarray, saturated: bool) -> str:
    """What is likely to help, the likeliest first."""
    found, large = [], float(np.percentile(abs(x), 95))  # a few outliers of standardized columns do no harm
    if large > LARGE_INPUTS:
        found.append(
            f"inputs of about 1 in place of {large:.3g} (a table is standardized unless --no-standardize is given)"
        )
    if run.mode != "online" and run.reduction == "sum" and run.rule not in ("adam", "adamw", "nadam", "rprop", "lion"):
        found.append("the mean over a batch in place of the sum (--reduction mean)")
    if saturated or run.learning_rate > 0.01:
        found.append("a smaller --learning-rate")
    if not saturated:
        found.append("more --epochs, or another --seed")
    return f"likely to help: {'; '.join(found)}"
