"""The patterns of one epoch, by the lines of ``equations``, for one network or for a block of lanes.

Online, a gradient is never written down: it is the product of two vectors, [a, 1] and δ. The previous gradient is kept as these
two, and the rates are multiplied into the deltas: once per node, not once per weight.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import manual
from bpnn_jax import rules
from bpnn_jax.network import Network
from bpnn_jax.training import _outputs
from bpnn_jax.training._loop import Rates, batches
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.fused import equations
from bpnn_jax.training.fused.equations import LANES, Layout


class Factors(NamedTuple):
    """The gradient of one pattern, which has rank one: [a, 1] of the layer below, and δ."""

    below: Any
    delta: Any


def times(layout: Layout, rate: Any, g: Any) -> Any:
    """``rate`` times a gradient, of the shape of the weights; ``g`` is Factors, or a matrix summed over a batch."""
    return layout.gradient(g.below, each(rate, g.delta) * g.delta) if isinstance(g, Factors) else each(rate, g) * g


def each(rate: Any, array: Any) -> Any:
    """A rate to multiply ``array`` by: a scalar as it is, a rate a lane along the last axis."""
    return jnp.reshape(rate, (1,) * (array.ndim - 1) + rate.shape) if rate.ndim else rate


def matrix(layout: Layout, g: Any) -> Any:
    """A gradient written down."""
    return layout.gradient(g.below, g.delta) if isinstance(g, Factors) else g


def _sgd(layout: Layout, W: Any, g: Any, nothing: tuple, rates: Rates) -> tuple[Any, tuple]:
    return W - times(layout, rates.learning_rate, g), nothing


def _previous_gradient(layout: Layout, W: Any, g: Any, g_before: Any, rates: Rates) -> tuple[Any, Any]:
    # (13) W ← W - N g_t - M g_(t-1)
    return W - (times(layout, rates.learning_rate, g) + times(layout, rates.momentum, g_before)), g


def _by_hand(rule: manual.Rule) -> Callable[..., tuple]:
    """(14), (15), (21), (22), and any other rule that carries arrays of W's shape."""

    def step(layout: Layout, W: Any, g: Any, v: Any, rates: Rates) -> tuple[Any, Any]:
        return rule.step(W, matrix(layout, g), v, each(rates.learning_rate, W), each(rates.momentum, W))

    return step


def _by_optax(name: str) -> Callable[..., tuple]:
    """One of optax's own rules that treats every weight alike, a layer at a time."""

    def step(layout: Layout, W: Any, g: Any, state: Any, rates: Rates) -> tuple[Any, Any]:
        moved, state = rules.rule(name, each(rates.learning_rate, W), 0.0).update(matrix(layout, g), state, W)
        return W + moved, state

    return step


OPTAX = ("adam",)
# (layout, W, gradient, what the rule remembers, rates) -> (W moved, what it remembers now), a layer at a time.
STEPS: dict[Any, Callable[..., tuple]] = {
    "sgd": _sgd,
    **{name: _by_hand(rule) for name, rule in manual.RULES.items()},
    "previous-gradient": _previous_gradient,
    **{name: _by_optax(name) for name in OPTAX},
}


def memory(network: Network, settings: Settings, weights: tuple, rates: Rates, own_inputs: bool = False) -> tuple:
    """What the rule remembers before the first update: nothing, a gradient, a velocity, a pair of arrays, or optax's state.

    own_inputs: whether each lane has patterns of its own; otherwise lanes share theirs.
    """
    if settings.rule == "sgd":
        return tuple(() for _ in weights)
    if settings.rule in OPTAX:
        return tuple(rules.rule(settings.rule, 0.0, 0.0).init(W) for W in weights)
    xp, lanes, dtype = weights[0].__array_namespace__(), weights[0].shape[2:], weights[0].dtype
    if settings.rule != "previous-gradient" or settings.mode != "online" or settings.decays:
        start = manual.RULES[str(settings.rule)].start
        return tuple(start(W, each(xp.asarray(rates.learning_rate, dtype=dtype), W)) for W in weights)
    found = []
    for l, (rows, columns) in enumerate(network.shapes):
        below = lanes if l or own_inputs else ()
        found.append(Factors(xp.zeros((rows, *below), dtype=dtype), xp.zeros((columns, *lanes), dtype=dtype)))
    return tuple(found)


def decayed(network: Network, settings: Settings, layout: Layout, l: int, g: Any, W: Any) -> Any:
    """The gradient of layer ``l`` with its weight decay: a matrix then, of full rank. (20) ∂E/∂W + λ W̄, the bias row left out."""
    if not settings.decays:
        return g
    rows = jnp.arange(network.shapes[l][0])
    kept = jnp.where(rows < len(rows) - network.biases[l], settings.weight_decay, 0.0).astype(W.dtype)
    return matrix(layout, g) + layout.along_rows(kept) * W


def backward(network: Network, objective: str, layout: Layout, layers: list[manual.Layer], t: Any, step: Any) -> Any:
    """Carry δ from the output down; ``step(l, gradient)`` is told each layer's gradient and says which weights (9) looks at."""
    moved, deltas = {}, {}
    for l in range(len(layers) - 1, -1, -1):
        if l == len(layers) - 1:
            # (8) δ^L
            deltas[l] = _outputs.output_delta(layers[l], t, objective)
        else:
            # (9) δ^l, from the δ of the layers that it feeds
            above = [(moved[m], deltas[m], network.rows(m, l + 1)) for m in network.above(l + 1)]
            deltas[l] = equations.hidden_delta(layout, layers[l], above)
        # (10) ∂E/∂W^l = [a^(l-1), 1]ᵀ δ^l, as its two factors
        below = equations.with_bias_node(layers[l].below, network.biases[l])
        moved[l] = step(l, Factors(below, deltas[l]))


def online(network: Network, settings: Settings, layout: Layout, carry: tuple, pattern: tuple, rates: Rates) -> tuple:
    """One pattern, one update. ``carry`` is (weights, what the rule remembers, the error of the epoch so far)."""
    (weights, kept, error), (x, t) = carry, pattern
    layers = equations.forward(layout, network, weights, x)
    moved, remembered = list(weights), list(kept)

    def step(l: int, g: Factors) -> Any:
        whole = decayed(network, settings, layout, l, g, weights[l])
        moved[l], remembered[l] = STEPS[settings.rule](layout, weights[l], whole, kept[l], rates)
        return moved[l] if settings.order == "article" else weights[l]

    backward(network, settings.objective, layout, layers, t, step)
    return tuple(moved), tuple(remembered), _outputs.measured(network, settings, error, layers[-1].z, layers[-1].a, t)


def batch(network: Network, settings: Settings, layout: Layout, carry: tuple, patterns: tuple, rates: Rates) -> tuple:
    """Some patterns, one update: their gradients are summed while the weights stand still. Simultaneous order only."""
    weights, kept, error = carry

    def add(carry: tuple, pattern: tuple) -> tuple:
        (sums, error), (x, t) = carry, pattern
        layers = equations.forward(layout, network, weights, x)
        added = list(sums)

        def step(l: int, g: Factors) -> Any:
            added[l] = sums[l] + matrix(layout, g)  # (10) summed over patterns
            return weights[l]

        backward(network, settings.objective, layout, layers, t, step)
        return (tuple(added), _outputs.measured(network, settings, error, layers[-1].z, layers[-1].a, t)), None

    (g, error), _ = jax.lax.scan(add, (tuple(jnp.zeros_like(W) for W in weights), error), patterns)
    if settings.reduction == "mean":
        g = tuple(g_l / len(patterns[0]) for g_l in g)  # as many as this batch has
    g = [decayed(network, settings, layout, l, *both) for l, both in enumerate(zip(g, weights, strict=True))]
    moved = [STEPS[settings.rule](layout, *three, rates) for three in zip(weights, g, kept, strict=True)]
    return tuple(W for W, _ in moved), tuple(m for _, m in moved), error


def run(network: Network, settings: Settings, layout: Layout, carry: tuple, x: Any, t: Any, rates: Rates) -> tuple:
    """All patterns once: ``x`` of shape (patterns, n0), or (patterns, n0, lanes) where lanes differ in their order; ``t`` alike."""
    if layout is LANES and t.ndim == 2:
        t = t[:, :, None]
    update = online if settings.mode == "online" else batch
    weights, kept, error = carry
    carry = (weights, kept, jnp.zeros_like(error))
    for part in batches(settings, x, t):
        carry, _ = jax.lax.scan(lambda c, p: (update(network, settings, layout, c, p, rates), None), carry, part)
    return carry
