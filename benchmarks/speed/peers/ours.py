"""Ours, as a user calls it: ``train`` and ``train_many``; each engine by itself; and the float64 run to compare results with."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def _options(task: Task) -> dict:
    mode = {"mode": "online"} if task.batch_size == 1 else {"mode": "minibatch", "batch_size": task.batch_size}
    rates = {"learning_rate": task.learning_rate, "momentum": task.momentum}
    return {
        **mode,
        **rates,
        "rule": task.rule,
        "order": task.order,
        "epochs": task.epochs,
        "history_every": task.epochs,
        "dtype": task.dtype,
    }


def one(task: Task):
    """``train``: the engine that it chooses by itself."""
    from bpnn_jax import Network, train

    network, options = Network(task.sizes, task.activations), _options(task)
    weights = tuple(W[0] for W in task.weights)

    def run() -> Weights:
        return tuple(W[None] for W in train(network, task.x, task.t, weights=weights, **options).weights)

    return run


def many(task: Task, **how: Any):
    """``train_many``: all networks in one program; ``how`` is more of its arguments."""
    from bpnn_jax import Network, train_many

    network, options = Network(task.sizes, task.activations), _options(task)

    def run() -> Weights:
        return train_many(network, task.x, task.t, seeds=task.networks, weights=task.weights, **options, **how).weights

    return run


def _held_to(engine: str, task: Task):
    """As ``one`` or ``many``, with this engine whatever ``training._engines`` would choose."""
    from bpnn_jax.training import _engines, _loop

    one_network = {engine.name: engine for engine in (*_engines.WRITTEN_OUT, _loop.GENERIC)}
    if engine in one_network:
        _engines.engine_for = lambda *given: one_network[engine]
        return one(task)
    _engines.block = lambda network, settings, dtype: (engine, _engines.width(engine, network, settings, dtype))
    return many(task)


def held_to(engine: str):
    """The function that prepares a task for one engine, by its name."""
    return partial(_held_to, engine)


def reference(task: Task):
    """Each network apart, in float64, by JAX's own gradient where the order allows it: none of the fast paths."""
    from bpnn_jax import Network, train

    network, options = Network(task.sizes, task.activations), _options(replace(task, dtype="float64"))
    gradient = "manual" if task.order == "article" else "autodiff"

    def run() -> Weights:
        runs = [
            train(network, task.x, task.t, weights=weights, gradient=gradient, **options).weights
            for weights in zip(*task.weights, strict=True)
        ]
        return tuple(np.stack(layer) for layer in zip(*runs, strict=True))

    return run
