"""The article's program in Python 3: a class and loops, its quirks kept and named. The historical reference, nothing more.

After Neil Schemenauer's bpnn.py as the article annotates it. ``manual.backprop`` is what it should have been.
"""

import math
import random
from collections.abc import Iterable


def sigmoid(z: float) -> float:
    # Quirk: overflows. math.exp(-z) raises OverflowError for z below -709; see manual.activations for one that does not.
    return 1.0 / (1.0 + math.exp(-z))


def dsigmoid(y: float) -> float:
    return y * (1.0 - y)


def total(terms: Iterable[float]) -> float:
    """One after the other, as the article's loops add; Python's own sum() has been more exact than that since 3.12."""
    result = 0.0
    for term in terms:
        result += term
    return result


class NN:
    """Inputs, one hidden layer, outputs; a bias node among the inputs, and one on the hidden layer if ``hidden_bias``.

    Weights are drawn from ``rng`` (as the article does: ``random.seed(0)``), W1 row by row from ±0.2, then W2 from ±2.

    >>> net = NN(2, 2, 1)
    >>> nand = [[[0, 0], [1]], [[0, 1], [1]], [[1, 0], [1]], [[1, 1], [0]]]
    >>> ["%.12g" % e for e in net.train(nand, iterations=51)][::50]
    ['0.171204877501', '0.190866985872']
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, *, hidden_bias: bool = False, rng=None):
        rng = rng or random.Random(0)
        self.hidden_bias = hidden_bias
        self.ni = inputs + 1  # + the bias node
        self.nh = hidden + hidden_bias
        self.no = outputs
        # Quirk: the object remembers its last forward pass, and backPropagate relies on that.
        self.ai, self.ah = [1.0] * self.ni, [1.0] * self.nh
        self.ao: list[float] = []
        # Quirk: with the hidden bias node, W1 has a column for it, drawn like the others and never used.
        self.wi = [[rng.uniform(-0.2, 0.2) for _ in range(self.nh)] for _ in range(self.ni)]
        self.wo = [[rng.uniform(-2.0, 2.0) for _ in range(self.no)] for _ in range(self.nh)]
        # The last change of each weight: minus its gradient, unscaled.
        self.ci = [[0.0] * self.nh for _ in range(self.ni)]
        self.co = [[0.0] * self.no for _ in range(self.nh)]

    def runNN(self, inputs: list[float]) -> list[float]:
        if len(inputs) != self.ni - 1:
            print(
                "incorrect number of inputs"
            )  # Quirk: only printed. The run goes on, with whatever index comes first.
        for i in range(self.ni - 1):
            self.ai[i] = inputs[i]
        for j in range(self.nh - self.hidden_bias):
            self.ah[j] = sigmoid(total(self.ai[i] * self.wi[i][j] for i in range(self.ni)))
        self.ao = [sigmoid(total(self.ah[j] * self.wo[j][k] for j in range(self.nh))) for k in range(self.no)]
        return self.ao

    def backPropagate(self, targets: list[float], N: float, M: float) -> float:
        # Quirk: these deltas are minus dE/dz, so the step below adds where (13) subtracts.
        output_deltas = [(targets[k] - self.ao[k]) * dsigmoid(self.ao[k]) for k in range(self.no)]
        # Quirk: the output weights move before the hidden deltas are computed, which then see the moved weights.
        for j in range(self.nh):
            for k in range(self.no):
                change = output_deltas[k] * self.ah[j]
                self.wo[j][k] += N * change + M * self.co[j][k]
                self.co[j][k] = change
        # Quirk: the bias node gets a delta too; its activation is 1, so dsigmoid makes it 0, and its column never moves.
        hidden_deltas = [
            total(output_deltas[k] * self.wo[j][k] for k in range(self.no)) * dsigmoid(self.ah[j])
            for j in range(self.nh)
        ]
        for i in range(self.ni):
            for j in range(self.nh):
                change = hidden_deltas[j] * self.ai[i]
                self.wi[i][j] += N * change + M * self.ci[i][j]
                self.ci[i][j] = change
        error = 0.0
        for k in range(len(targets)):
            error = (
                0.5 * (targets[k] - self.ao[k]) ** 2
            )  # Quirk: "=" where "+=" is meant: the last output's error only.
        return error

    def train(self, patterns: list, iterations: int = 1000, N: float = 0.5, M: float = 0.1) -> list[float]:
        """The error after each iteration. Quirk: that of the last pattern only (and of its last output only)."""
        errors = []
        for _ in range(iterations):
            error = 0.0
            for inputs, targets in patterns:
                self.runNN(inputs)
                error = self.backPropagate(targets, N, M)
            errors.append(error)
        return errors
