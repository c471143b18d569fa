"""Plain JAX: ``jax.grad`` of the error under ``scan``, and the same under ``vmap``, in one compiled program."""

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def _program(task: Task):
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", task.dtype == "float64")  # a process of its own

    def error(weights, x, t):
        a = x
        for W in weights:
            a = jax.nn.sigmoid(jnp.dot(a, W[:-1]) + W[-1])
        return 0.5 * jnp.sum((a - t) ** 2)

    def previous_gradient(carry, pattern):
        weights, before = carry
        g = jax.grad(error)(weights, *pattern)
        step = jax.tree.map(lambda W, new, old: W - task.learning_rate * new - task.momentum * old, weights, g, before)
        return (step, g), None

    def sgd(weights, pattern):
        g = jax.grad(error)(weights, *pattern)
        return jax.tree.map(lambda W, new: W - task.learning_rate * new, weights, g), None

    adam = optax.adam(task.learning_rate)

    def by_adam(carry, pattern):
        weights, state = carry
        steps, state = adam.update(jax.grad(error)(weights, *pattern), state, weights)
        return (optax.apply_updates(weights, steps), state), None

    update, first, last = {
        "previous-gradient": (
            previous_gradient,
            lambda weights: (weights, jax.tree.map(jnp.zeros_like, weights)),
            lambda c: c[0],
        ),
        "sgd": (sgd, lambda weights: weights, lambda weights: weights),
        "adam": (by_adam, lambda weights: (weights, adam.init(weights)), lambda c: c[0]),
    }[task.rule]

    def train(weights, x, t):
        run = lambda _, c: jax.lax.scan(update, c, (x, t))[0]  # noqa: E731
        return last(jax.lax.fori_loop(0, task.epochs, run, first(weights)))

    size = task.batch_size
    typed = lambda a: jnp.asarray(a, task.dtype)  # noqa: E731
    cut = typed if size == 1 else lambda a: typed(a.reshape(-1, size, a.shape[1]))
    return train, cut(task.x), cut(task.t)


def one(task: Task):
    import jax

    train, x, t = _program(task)
    train = jax.jit(train)
    weights = tuple(jax.numpy.asarray(W[0], task.dtype) for W in task.weights)

    def run() -> Weights:
        return tuple(np.asarray(W)[None] for W in train(weights, x, t))

    return run


def many(task: Task):
    import jax

    train, x, t = _program(task)
    train = jax.jit(jax.vmap(train, (0, None, None)))
    weights = tuple(jax.numpy.asarray(W, task.dtype) for W in task.weights)

    def run() -> Weights:
        return tuple(np.asarray(W) for W in train(weights, x, t))

    return run
