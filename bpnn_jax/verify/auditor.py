"""Rungs 3 and 6 by the auditor: the derivation put before it as a stranger's gradient, with each of its equations as a stage."""

from collections.abc import Iterator
from functools import cache

import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax import audit
from bpnn_jax.network import OUTPUT_ACTIVATIONS, Network, error_terms
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.equations import DECAY
from bpnn_jax.verify.reference import Draw
from manual.mistakes import Mistake

DRAWS = 3  # the network as it is, one near it, one ten times as large


@cache  # one function object a network, so that mistakes of the same network share what is compiled
def error(network: Network, objective: str, weight_decay: float = 0.0):
    """E with every W̄, θ, z and a of it named, and the input as ``a0``; and ½ λ Σ W̄², if that is asked for."""

    def total(weights, x, t):
        outputs, z, decay = [audit.stage("a0", x)], x, 0.0
        for l, (W, name, bias) in enumerate(zip(weights, network.activations, network.biases, strict=True), 1):
            below = jnp.concatenate([outputs[k] for k in network.below[l - 1]], axis=-1)
            theta = audit.stage(f"theta{l}", W[-1]) if bias else 0.0
            W_bar = audit.stage(f"W{l}", W[:-1] if bias else W)
            z = audit.stage(f"z{l}", below @ W_bar + theta)
            outputs.append(audit.stage(f"a{l}", OUTPUT_ACTIVATIONS[name](z)))
            decay = decay + 0.5 * weight_decay * jnp.sum(W_bar**2) if weight_decay else decay
        return jnp.sum(error_terms(network, objective, z, outputs[-1], t)) + decay

    return total


def equation(draw: Draw, stage: str, decays: bool = False) -> int:
    """The number of the equation that gives a stage's cotangent."""
    if stage == f"z{len(draw.network.activations)}":
        return draw.by_hand.numbers[1]
    if decays and stage[0] in "Wt":
        return 20
    return {"z": 9, "W": 10, "t": 11, "a": 12}[stage[0]]


def report(draw: Draw, derivation: Mistake, draws: int = DRAWS) -> audit.Report:
    """The auditor's report on a derivation at one network, in float64."""
    network, skip = draw.network, draw.network.skip
    functions, equations = derivation.functions(network.activations), derivation.of(draw.objective)
    weight_decay = DECAY if derivation.equation == 20 else 0.0

    def decayed(g, layer):
        n = layer.below.shape[-1]
        return derivation.decay(g, layer.W, n, weight_decay, len(layer.below)) if weight_decay else g

    def by_hand(weights, x, t):
        weights, x = tuple(map(np.asarray, weights)), np.asarray(x)  # NumPy's own: nothing is compiled for a mistake
        net = manual.forward(weights, x, functions, skip)
        found = manual.deltas(net, t, equations)
        layers = zip(net.layers, found, strict=True)
        g = tuple(decayed(equations.weight_gradient(layer, delta), layer) for layer, delta in layers)
        return g, manual.gradient_of_input(net, found, equations)

    def stage(name):
        def hand(delta, values, weights, x, t):
            zs, outputs = ([values[f"{kind}{l}"] for l in range(1, len(weights) + 1)] for kind in "za")
            net = manual.as_pass(weights, x, zs, outputs, functions, skip)
            kind, l = name[:-1], int(name[-1])
            above = tuple(delta[f"z{m + 1}"] for m in network.above(l)) if kind in ("a", "z") else ()
            if kind == "a":
                return manual.gradient_of_input(net, above, equations)  # (12)
            if kind == "z" and l == len(weights):
                return equations.output_delta(net.layers[-1], t)  # (8), (19)
            if kind == "z":
                return manual.delta_below(net, l, above, equations)  # (9)
            layer = net.layers[l - 1]
            g = decayed(equations.weight_gradient(layer, delta[f"z{l}"]), layer)
            return g[-1] if kind == "theta" else g[: layer.below.shape[-1]]  # (11), (10), with (20)

        return hand

    names = ["a0"]
    for l, bias in enumerate(network.biases, 1):
        names += [f"W{l}", f"z{l}", *([f"theta{l}"] if bias else [])]
    return audit.gradient(
        error(network, draw.objective, weight_decay),
        by_hand,
        draw.weights,
        draw.x,
        draw.t,
        argnums=(0, 1),
        stages={name: stage(name) for name in names},
        draws=draws,
        mutate=False,
        explain=False,
        variants=0,
    )


def compare(draw: Draw, derivation: Mistake) -> Iterator[Comparison]:
    """Equations (8) to (12) and (19): each stage by hand, fed the reference's cotangents; then the gradient as a whole."""
    found = report(draw, derivation)
    for s in found.stages:
        if s.verdict != "not judged":
            yield Comparison(equation(draw, s.name), s.error, 0.0, s.allowed, f"stage {s.name} of {draw.name}")
    for leaf in found.leaves[:-1]:
        yield Comparison(10, leaf["error"], 0.0, leaf["allowed"], f"{leaf['name']} of {draw.name}")
    if found.verdict != "correct" and not found.first_wrong_stage:
        yield Comparison(10, np.inf, 0.0, 0.0, f"{draw.name}: {found.findings[0].sentence}")


def names(draw: Draw, mistake: Mistake) -> str:
    """The equation at which the auditor says that a mistake was made, as ``(9)``; empty if it calls the gradient right."""
    found = report(draw, mistake, draws=1)
    if found.verdict != "wrong":
        return ""
    return f"({equation(draw, found.first_wrong_stage, mistake.equation == 20)})" if found.first_wrong_stage else "(10)"
