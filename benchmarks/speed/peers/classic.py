"""The article's program, and the same loop in NumPy."""

import numpy as np

from benchmarks.speed.tasks import Task, Weights


def article(task: Task):
    """``manual.article``, untouched: lists and loops, float64, the article's order."""
    from manual.article import NN

    pairs = list(zip(task.x.tolist(), task.t.tolist(), strict=True))
    W1, W2 = (W[0].astype(float) for W in task.weights)

    def run() -> Weights:
        net = NN(*task.sizes, hidden_bias=True)
        net.wi = [[*row, 0.0] for row in W1.tolist()]  # a column for the hidden bias node, which the program never uses
        net.wo = W2.tolist()
        net.train(pairs, task.epochs, task.learning_rate, task.momentum)
        return np.array(net.wi)[None, :, :-1], np.array(net.wo)[None]

    return run


def numpy_loop(task: Task):
    """An update for each pattern or batch, by hand, as one writes it in NumPy."""
    N, M, size = np.float32(task.learning_rate), np.float32(task.momentum), task.batch_size
    ones = np.ones((len(task.x), 1), np.float32)
    x = np.hstack([task.x, ones])

    def run() -> Weights:
        W1, W2 = (W[0].copy() for W in task.weights)
        before1, before2 = np.zeros_like(W1), np.zeros_like(W2)
        for _ in range(task.epochs):
            for p in range(0, len(x), size):
                xp = x[p : p + size]
                h = 1 / (1 + np.exp(-(xp @ W1)))
                a1 = np.hstack([h, ones[:size]])
                o = 1 / (1 + np.exp(-(a1 @ W2)))
                d2 = (o - task.t[p : p + size]) * o * (1 - o)
                d1 = d2 @ W2[:-1].T * h * (1 - h)
                g1, g2 = xp.T @ d1, a1.T @ d2
                W1 -= N * g1 + M * before1
                W2 -= N * g2 + M * before2
                before1, before2 = g1, g2
        return W1[None], W2[None]

    return run
