"""One update of the weights from one pattern or one batch, simultaneous or in the article's order."""

from typing import Any

import jax
import optax

import manual
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.network import Network, Weights, half_squared_error, intermediates

GRADIENTS = ("manual", "autodiff")
ORDERS = ("simultaneous", "article")


def functions(network: Network) -> tuple[manual.Activation, ...]:
    """The hand-written activations of each layer."""
    return tuple(manual.ACTIVATIONS[name] for name in network.activations)


def gradient(network: Network, weights: Weights, x: Any, t: Any, which: str) -> tuple[Weights, Any]:
    """(∂E/∂W for each layer, outputs a^L) by the hand derivation or by JAX: the same to rounding."""
    if which == "manual":
        net = manual.forward(weights, x, functions(network), network.skip)
        return manual.gradient(net, t), net.outputs
    g = jax.grad(half_squared_error, argnums=1)(network, weights, x, t)
    return g, intermediates(network, weights, x)[1][-1]


def check(which: str, order: str) -> None:
    """Raise InputError for a gradient and an order that do not exist, or do not go together."""
    if which not in GRADIENTS:
        raise unknown("gradient", which, GRADIENTS)
    if order not in ORDERS:
        raise unknown("order", order, ORDERS)
    if order == "article" and which == "autodiff":
        raise InputError(
            "expected gradient 'manual' with order 'article', got 'autodiff': the article's order is no gradient"
        )


def init_rule(rule: optax.GradientTransformation, weights: Weights, order: str) -> Any:
    """The rule's state: of all weights together, or for the article's order of each layer apart."""
    return tuple(rule.init(W) for W in weights) if order == "article" else rule.init(weights)


def simultaneous(
    network: Network, rule: optax.GradientTransformation, weights: Weights, state: Any, x: Any, t: Any, which: str
) -> tuple[Weights, Any, Any]:
    """Every delta from the weights of before the step. Returns (weights, rule's state, outputs before the step)."""
    g, outputs = gradient(network, weights, x, t, which)
    steps, state = rule.update(g, state, weights)
    moved: Any = optax.apply_updates(weights, steps)
    return moved, state, outputs


def article_order(
    network: Network, rule: optax.GradientTransformation, weights: Weights, states: tuple, x: Any, t: Any
) -> tuple[Weights, tuple, Any]:
    """From the output down, each layer moves before the delta below it is computed from the moved weights: not a gradient."""
    net = manual.forward(weights, x, functions(network), network.skip)
    moved, new_states = list(weights), list(states)
    deltas = (manual.CORRECT.output_delta(net.layers[-1], t),)
    for l in range(len(weights) - 1, -1, -1):
        g = manual.CORRECT.weight_gradient(net.layers[l], deltas[0])
        step, new_states[l] = rule.update(g, states[l], weights[l])
        moved[l] = optax.apply_updates(weights[l], step)
        if l:
            deltas = (manual.delta_below(net.with_weights(moved), l, deltas), *deltas)
    return tuple(moved), tuple(new_states), net.outputs
