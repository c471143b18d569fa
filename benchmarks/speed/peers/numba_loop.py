"""The same loops under Numba: what a Python programmer compiles without leaving Python. Online only."""

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def _loop(W1, W2, x, t, epochs, N, M):
    inputs, hidden, outputs = W1.shape[0] - 1, W1.shape[1], W2.shape[1]
    one = np.float32(1)
    G1, G2 = np.zeros_like(W1), np.zeros_like(W2)
    h, o = np.zeros(hidden, np.float32), np.zeros(outputs, np.float32)
    d1, d2 = np.zeros(hidden, np.float32), np.zeros(outputs, np.float32)
    for _ in range(epochs):
        for p in range(x.shape[0]):
            h[:] = W1[inputs]
            for i in range(inputs):
                for j in range(hidden):
                    h[j] += x[p, i] * W1[i, j]
            for j in range(hidden):
                h[j] = one / (one + np.exp(-h[j]))
            o[:] = W2[hidden]
            for j in range(hidden):
                for k in range(outputs):
                    o[k] += h[j] * W2[j, k]
            for k in range(outputs):
                o[k] = one / (one + np.exp(-o[k]))
                d2[k] = (o[k] - t[p, k]) * o[k] * (one - o[k])
            for j in range(hidden):
                s = np.float32(0)
                for k in range(outputs):
                    s += d2[k] * W2[j, k]
                    g = h[j] * d2[k]
                    W2[j, k] -= N * g + M * G2[j, k]
                    G2[j, k] = g
                d1[j] = s * h[j] * (one - h[j])
            for k in range(outputs):
                W2[hidden, k] -= N * d2[k] + M * G2[hidden, k]
                G2[hidden, k] = d2[k]
            for i in range(inputs):
                for j in range(hidden):
                    g = x[p, i] * d1[j]
                    W1[i, j] -= N * g + M * G1[i, j]
                    G1[i, j] = g
            for j in range(hidden):
                W1[inputs, j] -= N * d1[j] + M * G1[inputs, j]
                G1[inputs, j] = d1[j]


def prepare(task: Task):
    import numba  # pyright: ignore[reportMissingImports]

    loop = numba.njit(_loop)
    N, M = np.float32(task.learning_rate), np.float32(task.momentum)

    def run() -> Weights:
        W1, W2 = (W[0].copy() for W in task.weights)
        loop(W1, W2, task.x, task.t, task.epochs, N, M)
        return W1[None], W2[None]

    return run
