"""Whether the GPU kernel is right on this device: one step, some epochs, and how many networks solve XOR."""

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from benchmarks.gpu.by_hand import by_hand
from bpnn_jax import Network, init, patterns
from bpnn_jax.training import _loop, _settings
from bpnn_jax.training.gpu import block
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.reference import draw, float64

STEP = 0.5  # a power of two: to multiply by it rounds nothing
OTHERS = [  # every rule, both orders, every activation, bias nodes off, one and three weight layers
    (Network((2, 2, 1), "tanh"), _settings.Settings(rule="heavy-ball"), 2),
    (Network((20, 8, 3)), _settings.Settings(rule="nesterov"), 2),
    (Network((20, 8, 3), hidden_bias=False), _settings.Settings(order="article"), 1),
    (Network((8, 4, 2), ("lecun_tanh", "sigmoid"), input_bias=False), _settings.Settings(order="article"), 4),
    (Network((3, 4, 2, 1), ("tanh", "sigmoid", "linear")), _settings.Settings(), 1),
    (Network((30, 16, 2), ("tanh", "sigmoid")), _settings.Settings(), 8),
    (Network((5, 1), input_bias=False), _settings.Settings(rule="nesterov"), 1),
]


def one_step(threads: int, interpret: bool) -> float:
    """The largest error of one step, as a share of what the error bound allows. Half of the networks are saturated."""
    network, worst = Network((20, 8, 3) if not interpret else (2, 2, 1)), 0.0
    rng = np.random.default_rng(0)
    for saturated in (False, True):
        draws = [draw(network, rng, patterns=1, saturated=saturated) for _ in range(64)]
        x, t = draws[0].x.astype(np.float32), draws[0].t.astype(np.float32)
        weights = tuple(
            np.stack([d.weights[l] for d in draws], -1).astype(np.float32) for l in range(len(network.shapes))
        )
        settings, rates = _settings.Settings(epochs=1), _loop.Rates(STEP, 0.0, 0.0, 0.0)
        run = jax.jit(partial(block.train_block, network, settings, threads=threads, interpret=interpret))
        moved = run(weights, x, t, rates).weights
        for k in range(len(draws)):
            wide = tuple(W[..., k].astype(np.float64) for W in weights), x.astype(np.float64), t.astype(np.float64)
            exact = float64(network, *wide)
            allowed = bound(network, *wide, exact, UNIT["float32"])
            for W, after, g, E in zip(wide[0], moved, exact.gradient, allowed.gradient, strict=True):
                limit = STEP * E + 3 * UNIT["float32"] * (abs(W) + STEP * abs(g))
                worst = max(worst, float((abs(np.asarray(after[..., k]) - (W - STEP * g)) / limit).max()))
    return worst


def some_epochs(network: Network, settings: _settings.Settings, threads: int, interpret: bool) -> float:
    """The largest difference from three epochs of the hand derivation in float64, relative to the largest weight."""
    rng = np.random.default_rng(1)
    drawn = draw(network, rng, patterns=5)
    weights = tuple(rng.uniform(-1, 1, (*shape, 8)).astype(np.float32) for shape in network.shapes)
    x, t = drawn.x.astype(np.float32), drawn.t.astype(np.float32)
    settings = replace(settings, epochs=3)
    run = jax.jit(partial(block.train_block, network, settings, threads=threads, interpret=interpret))
    ours, worst = run(weights, x, t, _loop.Rates(0.5, 0.1, 0.0, 0.0)).weights, 0.0
    for k in range(8):
        W = by_hand(network, settings, tuple(w[..., k] for w in weights), x, t, 0.5, 0.1)
        worst = max(worst, *(float(abs(o[..., k] - w).max() / abs(w).max()) for o, w in zip(ours, W, strict=True)))
    return worst


def solved_xor(networks: int, epochs: int, interpret: bool) -> tuple[float, float]:
    """The shares of tanh networks that solve XOR, by the kernel and by ``train``'s own loop on the CPU, from the same weights."""
    network, xor = Network((2, 2, 1), "tanh"), patterns.load("xor")
    settings = _settings.Settings(epochs=epochs, stop_solved=True, history_every=epochs)
    x, t = xor.x.astype(np.float32), xor.t.astype(np.float32)
    with jax.default_device(jax.devices("cpu")[0]):
        keys = jax.random.split(jax.random.key(0), networks)
        weights = jax.vmap(lambda key: init(network, key))(keys)
        rates = _loop.Rates(*map(jnp.float32, (0.5, 0.1, 0.0, 0.1)))

        def one(weights):
            return _loop.run(
                network, settings, _loop.start(settings, weights, rates), x, t, rates, keys[0], epochs
            ).status

        by_cpu = np.asarray(jax.jit(jax.vmap(one))(weights))
        last = tuple(np.moveaxis(np.asarray(W), 0, -1) for W in weights)
    run = jax.jit(partial(block.train_block, network, settings, interpret=interpret))
    by_gpu = np.asarray(run(last, x, t, _loop.Rates(0.5, 0.1, 0.0, 0.1)).status)
    return float((by_gpu == _loop.SOLVED).mean()), float((by_cpu == _loop.SOLVED).mean())


def check(interpret: bool, console: Console) -> dict[str, Any]:
    found: dict[str, Any] = {}
    network = Network((20, 8, 3) if not interpret else (2, 2, 1))
    for threads in block.splits(network):
        step = one_step(threads, interpret)
        epochs = some_epochs(network, _settings.Settings(), threads, interpret)
        # 15 updates of weights near 1, each rounding a few dozen times: 15 * 30 u is 3e-5. A wrong equation is 1e-3 or more.
        if not (step <= 1.0 and epochs <= 3e-5):
            sys.exit(
                f"WRONG with {threads} threads a network: one step {step:.2f} of its bound, epochs off by {epochs:.1e}"
            )
        found[f"threads {threads}"] = {"step_of_bound": step, "epochs_relative": epochs}
        console.print(
            f"{threads} threads a network: one step {step:.2f} of its bound, 3 epochs within {epochs:.1e} of float64"
        )
    worst = 0.0
    for network, settings, threads in OTHERS if not interpret else OTHERS[:1]:
        worst = max(worst, epochs := some_epochs(network, settings, threads, interpret))
        if not epochs <= 3e-5:  # as above
            sys.exit(
                f"WRONG: {network}, {settings.rule}, order {settings.order}, {threads} threads: off by {epochs:.1e}"
            )
    found["others"] = {"cases": len(OTHERS), "epochs_relative": worst}
    console.print(f"{len(OTHERS)} other networks, rules and orders: 3 epochs within {worst:.1e} of float64")
    networks, epochs = (2000, 1000) if not interpret else (130, 200)
    ours, cpu = solved_xor(networks, epochs, interpret)
    share = (ours + cpu) / 2
    # 3.29 standard errors of a difference of two shares: a right kernel is beyond them once in a thousand runs.
    if abs(ours - cpu) > 3.29 * (2 * share * (1 - share) / networks) ** 0.5 + 1 / networks:
        sys.exit(f"WRONG: {ours:.1%} of {networks} networks solve XOR, on the CPU {cpu:.1%}")
    console.print(f"XOR solved by {ours:.1%} of {networks} networks, on the CPU by {cpu:.1%}")
    return found | {"xor_solved": {"gpu": ours, "cpu": cpu, "networks": networks}}
