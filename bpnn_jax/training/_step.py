"""One update of the weights from one pattern or one batch, simultaneous or in the article's order."""

from typing import Any

import jax
import optax

import manual
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.network import OBJECTIVES, Network, Weights, intermediates
from bpnn_jax.training import _columns
from bpnn_jax.training._columns import Apart, Batch

GRADIENTS = ("manual", "autodiff")
ORDERS = ("simultaneous", "article")


def functions(network: Network) -> tuple[manual.Activation, ...]:
    """The hand-written activations of each layer."""
    return tuple(manual.OUTPUT_ACTIVATIONS[name] for name in network.activations)


def gradient(
    network: Network, weights: Weights, x: Any, t: Any, which: str, objective: str = "half-squared-error"
) -> tuple[Weights, tuple[Any, Any]]:
    """(∂E/∂W for each layer, z^L and a^L) by the hand derivation or by JAX: the same to rounding."""
    if which == "manual":
        net = manual.forward(weights, x, functions(network), network.skip)
        top = net.layers[-1]
        return manual.gradient(net, t, manual.OBJECTIVES[objective].equations), (top.z, top.a)
    g = jax.grad(OBJECTIVES[objective], argnums=1)(network, weights, x, t)
    z, a = intermediates(network, weights, x)
    return g, (z[-1], a[-1])


def of_the_batch(g: Any, patterns: int, settings: Any) -> Any:
    """The sum ``g`` over so many patterns, or their mean."""
    return g / patterns if settings.reduction == "mean" and patterns > 1 else g


def of_the_update(g: Any, W: Any, bias: bool, patterns: int, settings: Any) -> Any:
    """What the rule is given for a layer: the sum ``g`` over so many patterns, or their mean, and then the weight decay (20)."""
    g = of_the_batch(g, patterns, settings)
    return manual.decayed(g, W, W.shape[0] - bias, settings.weight_decay) if settings.decays else g


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
    network: Network,
    settings: Any,
    rule: optax.GradientTransformation,
    weights: Weights,
    state: Any,
    x: Any,
    t: Any,
) -> tuple[Weights, Any, tuple[Any, Any]]:
    """Every delta from the weights of before the step. Returns (weights, rule's state, z^L and a^L before the step)."""
    g, top = gradient(network, weights, x, t, settings.gradient, settings.objective)
    layers = zip(g, weights, network.biases, strict=True)
    g = tuple(of_the_update(g_l, W, bias, _patterns(x), settings) for g_l, W, bias in layers)
    steps, state = rule.update(g, state, weights)
    moved: Any = optax.apply_updates(weights, steps)
    return moved, state, top


def by_columns(
    network: Network,
    settings: Any,
    rule: optax.GradientTransformation,
    weights: Apart,
    state: Any,
    patterns: Batch,
) -> tuple[Apart, Any, tuple[Any, Any]]:
    """``simultaneous``, of weights apart and a batch of patterns as columns; z^L and a^L are columns too."""
    g, top = _columns.gradient(network, weights, patterns, settings.objective)
    count = patterns.x.shape[0]
    W_bar = (of_the_update(g_l, W, False, count, settings) for g_l, W in zip(g.W_bar, weights.W_bar, strict=True))
    theta = (None if g_l is None else of_the_batch(g_l, count, settings) for g_l in g.theta)
    steps, state = rule.update(Apart(tuple(W_bar), tuple(theta)), state, weights)
    moved: Any = optax.apply_updates(weights, steps)
    return moved, state, top


def article_order(
    network: Network,
    settings: Any,
    rule: optax.GradientTransformation,
    weights: Weights,
    states: tuple,
    x: Any,
    t: Any,
) -> tuple[Weights, tuple, tuple[Any, Any]]:
    """From the output down, each layer moves before the delta below it is computed from the moved weights: not a gradient."""
    net = manual.forward(weights, x, functions(network), network.skip)
    equations, top = manual.OBJECTIVES[settings.objective].equations, net.layers[-1]
    moved, new_states = list(weights), list(states)
    deltas = (equations.output_delta(top, t),)
    for l in range(len(weights) - 1, -1, -1):
        g = equations.weight_gradient(net.layers[l], deltas[0])
        g = of_the_update(g, weights[l], network.biases[l], _patterns(x), settings)
        step, new_states[l] = rule.update(g, states[l], weights[l])
        moved[l] = optax.apply_updates(weights[l], step)
        if l:
            deltas = (manual.delta_below(net.with_weights(moved), l, deltas), *deltas)
    return tuple(moved), tuple(new_states), (top.z, top.a)


def _patterns(x: Any) -> int:
    return x.shape[0] if x.ndim == 2 else 1
