"""What a network's training gives in float64 by NumPy: the equations of ``manual``, one after the other."""

from typing import Any

import numpy as np

import manual
from bpnn_jax import Network
from bpnn_jax.training import Settings


def by_hand(
    network: Network, settings: Settings, weights: tuple, x: Any, t: Any, learning_rate: float, momentum: float
) -> list[np.ndarray]:
    """The weights after ``settings.epochs``, from one network's ``weights``: any rule of (13) to (15), order and mode."""
    f, move = tuple(manual.ACTIVATIONS[name] for name in network.activations), manual.RULES[str(settings.rule)].step
    W, x, t = [np.asarray(w, np.float64) for w in weights], np.asarray(x, np.float64), np.asarray(t, np.float64)
    carried = [0.0 * w for w in W]
    size = {"online": 1, "minibatch": settings.batch_size, "batch": len(x)}[settings.mode]
    for at in [*range(0, len(x), size)] * settings.epochs:
        net = manual.forward(tuple(W), x[at : at + size], f)
        delta, moved = manual.CORRECT.output_delta(net.layers[-1], t[at : at + size]), list(W)
        for l in range(len(W) - 1, -1, -1):
            g = manual.CORRECT.weight_gradient(net.layers[l], delta)
            moved[l], carried[l] = move(W[l], g, carried[l], learning_rate, momentum)
            if l:
                above = net.layers[l]._replace(W=moved[l]) if settings.order == "article" else net.layers[l]
                delta = manual.CORRECT.hidden_delta(net.layers[l - 1], above, delta)
        W = moved
    return W
