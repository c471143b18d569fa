"""scikit-learn's ``MLPRegressor``, one call of ``partial_fit`` an epoch: a linear output, a mean over the batch, heavy ball."""

import warnings

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def prepare(task: Task):
    from sklearn.neural_network import MLPRegressor  # pyright: ignore[reportMissingImports]

    def run() -> Weights:
        model = MLPRegressor(
            hidden_layer_sizes=task.sizes[1:-1],
            activation="logistic",
            solver="sgd",
            alpha=0.0,
            batch_size=task.batch_size,  # pyright: ignore[reportArgumentType]
            learning_rate_init=task.learning_rate * task.batch_size,  # its gradient is a mean, ours a sum
            momentum=task.momentum,
            nesterovs_momentum=False,
            shuffle=False,
            random_state=0,
        )
        with warnings.catch_warnings():  # of batches larger than the data, in the call that only makes the arrays
            warnings.simplefilter("ignore")
            model.partial_fit(task.x[: task.batch_size], task.t[: task.batch_size])
        for coefficients, intercepts, W in zip(model.coefs_, model.intercepts_, task.weights, strict=True):
            coefficients[:], intercepts[:] = W[0, :-1], W[0, -1]
        for velocity in model._optimizer.velocities:  # pyright: ignore[reportAttributeAccessIssue]
            velocity[:] = 0
        for _ in range(task.epochs):
            model.partial_fit(task.x, task.t)
        return tuple(np.vstack([c, i])[None] for c, i in zip(model.coefs_, model.intercepts_, strict=True))

    return run
