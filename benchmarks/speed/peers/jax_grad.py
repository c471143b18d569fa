"""Plain JAX: ``jax.grad`` of the error under ``scan``, and the same under ``vmap``, in one compiled program."""

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def _program(task: Task):
    import jax
    import jax.numpy as jnp

    def error(weights, x, t):
        a = x
        for W in weights:
            a = jax.nn.sigmoid(jnp.dot(a, W[:-1]) + W[-1])
        return 0.5 * jnp.sum((a - t) ** 2)

    def update(carry, pattern):
        weights, before = carry
        g = jax.grad(error)(weights, *pattern)
        step = jax.tree.map(lambda W, new, old: W - task.learning_rate * new - task.momentum * old, weights, g, before)
        return (step, g), None

    def train(weights, x, t):
        carry = (weights, jax.tree.map(jnp.zeros_like, weights))
        return jax.lax.fori_loop(0, task.epochs, lambda _, c: jax.lax.scan(update, c, (x, t))[0], carry)[0]

    size = task.batch_size
    cut = (lambda a: jnp.asarray(a)) if size == 1 else (lambda a: jnp.asarray(a.reshape(-1, size, a.shape[1])))
    return train, cut(task.x), cut(task.t)


def one(task: Task):
    import jax

    train, x, t = _program(task)
    train = jax.jit(train)
    weights = tuple(jax.numpy.asarray(W[0]) for W in task.weights)

    def run() -> Weights:
        return tuple(np.asarray(W)[None] for W in train(weights, x, t))

    return run


def many(task: Task):
    import jax

    train, x, t = _program(task)
    train = jax.jit(jax.vmap(train, (0, None, None)))
    weights = tuple(jax.numpy.asarray(W) for W in task.weights)

    def run() -> Weights:
        return tuple(np.asarray(W) for W in train(weights, x, t))

    return run
