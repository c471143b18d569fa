"""One update of the weights from one pattern or one batch, simultaneous or in the article's order."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

import manual
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.network import Network, Weights, half_squared_error, intermediates

GRADIENTS = ("manual", "autodiff")


class Apart(NamedTuple):
    """Weights with their bias rows apart, (5) with θ added to z: W̄ of shape (n_in, n_out), and θ (1, n_out) or None for each layer.

    In batches [a, 1] costs a copy of the activations of every layer, twice per update; ``python -m benchmarks.speed --grid``.
    """

    W_bar: tuple
    theta: tuple


def apart(network: Network, weights: Weights) -> Apart:
    """The weights of a network without skip connections, taken apart."""
    pairs = [(W[:-1], W[-1:]) if bias else (W, None) for W, bias in zip(weights, network.biases, strict=True)]
    return Apart(*zip(*pairs, strict=True))


def joined(weights: Apart) -> Weights:
    """What ``apart`` took apart, bit for bit."""
    return tuple(
        W if theta is None else jnp.concatenate([W, theta])
        for W, theta in zip(weights.W_bar, weights.theta, strict=True)
    )


ORDERS = ("simultaneous", "article")


def functions(network: Network) -> tuple[manual.Activation, ...]:
    """The hand-written activations of each layer."""
    return tuple(manual.ACTIVATIONS[name] for name in network.activations)


def gradient(network: Network, weights: Weights | Apart, x: Any, t: Any, which: str) -> tuple[Any, Any]:
    """(∂E/∂W for each layer, outputs a^L) by the hand derivation or by JAX: the same to rounding. Apart, it is by hand."""
    if isinstance(weights, Apart):
        theta = tuple(0.0 if theta is None else theta for theta in weights.theta)
        net = manual.forward_with_bias_vectors(weights.W_bar, theta, x, functions(network))
        g, by_theta = manual.gradient_with_bias_vectors(net, t)
        kept = tuple(d[None] if bias else None for d, bias in zip(by_theta, network.biases, strict=True))
        return Apart(g, kept), net.outputs
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


def init_rule(rule: optax.GradientTransformation, weights: Any, order: str) -> Any:
    """The rule's state: of all weights together, or for the article's order of each layer apart."""
    return tuple(rule.init(W) for W in weights) if order == "article" else rule.init(weights)


def simultaneous(
    network: Network, rule: optax.GradientTransformation, weights: Any, state: Any, x: Any, t: Any, which: str
) -> tuple[Any, Any, Any]:
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
