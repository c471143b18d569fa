"""One seed of ``xor_with_sigmoid``: the way of its hidden nodes and of its weights, under each network."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import manual
from bpnn_jax import Network, article, init_paired, load_patterns
from experiments._common import functions
from manual.article import NN

Weights = tuple[np.ndarray, ...]
RANGES = (0.2, 2.0)
# Name: activation, hidden bias, order, whether to follow it to the last epoch.
SHOWN = {
    "sigmoid, gradient's order": ("sigmoid", False, "simultaneous", True),
    "sigmoid, article's order": ("sigmoid", False, "article", True),
    "sigmoid, bias": ("sigmoid", True, "simultaneous", False),
    "tanh": ("tanh", False, "simultaneous", False),
}
POINTS = 60


def pictures(seed: int, soon: int, late: int, points: int) -> dict[str, Any]:
    """Hidden nodes on the way, and the error around the way of the first network."""
    networks = {name: Network((2, 2, 1), kind, hidden_bias=bias) for name, (kind, bias, *_) in SHOWN.items()}
    paths, until = {}, {}
    for name, (_, _, order, long) in SHOWN.items():
        until[name] = late if long else soon
        at = {0, *np.geomspace(1, until[name], POINTS).astype(int).tolist()}
        start = tuple(np.asarray(W[0], float) for W in init_paired(networks[name], "uniform", RANGES, np.array([seed])))
        steps = (by_the_article if order == "article" else by_the_gradient)(networks[name], start)
        paths[name] = [weights for epoch, weights in zip(range(until[name] + 1), steps, strict=False) if epoch in at]
    first = next(iter(SHOWN))
    return {
        "seed": seed,
        "hidden": {name: hidden_nodes(networks[name], path) | {"epochs": until[name]} for name, path in paths.items()},
        "surface": surface(networks[first], paths[first], points),
    }


def by_the_gradient(network: Network, weights: Weights) -> Iterator[Weights]:
    """The weights before and after each epoch, by the hand derivation in float64."""
    xor, f = load_patterns("xor"), functions(network)
    before = tuple(np.zeros_like(W) for W in weights)
    rates = article.LEARNING_RATE, article.MOMENTUM
    while True:
        yield weights
        for x, t in zip(xor.x, xor.t, strict=True):
            g = manual.gradient(manual.forward(weights, x, f), t)
            moved = [manual.previous_gradient(*of, *rates) for of in zip(weights, g, before, strict=True)]
            weights, before = zip(*moved, strict=True)


def by_the_article(network: Network, weights: Weights) -> Iterator[Weights]:
    """The same by the article's own program, whose output weights move first."""
    xor = load_patterns("xor")
    pairs = [[x, t] for x, t in zip(xor.x.tolist(), xor.t.tolist(), strict=True)]
    net = NN(*network.sizes)
    net.wi, net.wo = (W.tolist() for W in weights)
    while True:
        yield np.array(net.wi), np.array(net.wo)
        net.train(pairs, iterations=1, N=article.LEARNING_RATE, M=article.MOMENTUM)


def hidden_nodes(network: Network, path: list[Weights]) -> dict[str, Any]:
    """What the hidden nodes make of the four patterns, on the way (steps, patterns, 2), and the line between 0 and 1 at its end."""
    x, f = load_patterns("xor").x, functions(network)
    w1, w2, *bias = path[-1][1].ravel()
    middle = np.arctanh(0.5) if network.activations[-1] == "tanh" else 0.0  # where the output is 1/2
    return {
        "hidden": np.array([manual.forward(weights, x, f).activations[1][:, :2] for weights in path]),
        "line": [w1, w2, middle - sum(bias)],  # w1 h1 + w2 h2 = the third
        "outputs": manual.forward(path[-1], x, f).outputs.ravel(),
    }


def surface(network: Network, path: list[Weights], points: int) -> dict[str, Any]:
    """E in the plane of the two directions in which the weights move most; all else stays as at the end of the path."""
    xor, f = load_patterns("xor"), functions(network)
    flat = np.array([np.concatenate([W.ravel() for W in weights]) for weights in path])
    end, cut = flat[-1], path[0][0].size
    _, sizes, directions = np.linalg.svd(flat - end, full_matrices=False)
    along = (flat - end) @ directions[:2].T
    low, high = along.min(axis=0), along.max(axis=0)
    room = np.maximum(0.6 * (high - low), 0.25 * (high - low).max())
    axes = [np.linspace(low[k] - room[k], high[k] + room[k], points) for k in (0, 1)]

    def error(w: np.ndarray) -> float:
        weights = w[:cut].reshape(network.shapes[0]), w[cut:].reshape(network.shapes[1])
        return float(manual.half_squared_error(manual.forward(weights, xor.x, f).outputs, xor.t))

    return {
        "axes": axes,
        "surface": [[error(end + a * directions[0] + b * directions[1]) for a in axes[0]] for b in axes[1]],
        "path": along,
        "in_plane": float((sizes[:2] ** 2).sum() / (sizes**2).sum()),
    }
