"""One pass through a small network with numbers, for docs/derivation.md: ``python -m docs.worked_pass`` prints it.

Every number is computed by ``manual``; this file only chooses the network and the words.
"""

import numpy as np

import manual
from docs.links import between

BEGIN, END = "<!-- python -m docs --write writes from here -->", "<!-- to here -->"
W1 = np.array([[0.5, -0.3], [0.2, 0.8], [0.1, -0.4]])  # two inputs and the bias node into two hidden nodes
W2 = np.array([[0.7], [-0.6], [0.3]])  # two hidden nodes and the bias node into one output
X, T = np.array([1.0, 0.5]), np.array([1.0])
LEARNING_RATE = 0.5
H = 1e-4  # for the difference quotient
FUNCTIONS = (manual.SIGMOID, manual.SIGMOID)


def inserted(page: str) -> str:
    """The page with the pass between its two markers."""
    return between(page, BEGIN, END, text())


def text() -> str:
    """The pass as Markdown.

    >>> "and the error falls from 0.0702 to 0.0637" in text()
    True
    """
    net = manual.forward((W1, W2), X, FUNCTIONS)
    deltas, gradient = manual.deltas(net, T), manual.gradient(net, T)
    return (
        "\n\n".join([_setting(), _table(net, deltas), _products(net, deltas, gradient), _quotient(), _step(gradient)])
        + "\n"
    )


def error(weights: tuple) -> float:
    """E of the one pattern."""
    return float(manual.half_squared_error(manual.forward(weights, X, FUNCTIONS).outputs, T))


def _setting() -> str:
    return (
        f"The network is 2-2-1 with sigmoids and a bias node on both layers. The input is $x = {_row(X, _short)}$, the target\n"
        f"$t = {_short(T[0])}$, and the weights are\n\n"
        f"$$\nW^1 = {_matrix(W1, _short)}, \\qquad W^2 = {_matrix(W2, _short)}\n$$\n\n"
        "The last row of each belongs to the bias node. Forward, then back, with the first of the two hidden nodes written out:"
    )


def _table(net: manual.Pass, deltas: tuple) -> str:
    """Every z, a, f' and δ, with the operations for the first node of the layer."""
    hidden, output = net.layers
    a, z = _number(output.a[0]), _number(output.z[0])
    rows = [
        (5, "z^1", _sum(X, W1[:, 0]), hidden.z),
        (6, "a^1", f"1 / (1 + e^{{{_number(-hidden.z[0])}}})", hidden.a),
        (5, "z^2", _sum(hidden.a, W2[:, 0]), output.z),
        (6, "a^2", f"1 / (1 + e^{{-{z}}})", output.a),
        (7, "E", f"\\frac{{1}}{{2}} ({a} - {_short(T[0])})^2", error((W1, W2))),
        (3, "f'(z^2)", f"{a} \\cdot (1 - {a})", output.derivative),
        (8, "\\delta^2", f"({a} - {_short(T[0])}) \\cdot {_number(output.derivative[0])}", deltas[1]),
        (3, "f'(z^1)", f"{_number(hidden.a[0])} \\cdot (1 - {_number(hidden.a[0])})", hidden.derivative),
        (
            9,
            "\\delta^1",
            f"{_number(hidden.derivative[0])} \\cdot ({_number(deltas[1][0])} \\cdot {_short(W2[0, 0])})",
            deltas[0],
        ),
    ]
    lines = ["| equation | number | first node | all nodes |", "|---|---|---|---|"]
    lines += [f"| ({n}) | ${name}$ | ${how}$ | ${_row(value, _number)}$ |" for n, name, how, value in rows]
    return "\n".join(lines)


def _products(net: manual.Pass, deltas: tuple, gradient: tuple) -> str:
    hidden, output = net.layers
    below = [_matrix(hidden.with_bias_node[:, None], _short), _matrix(output.with_bias_node[:, None], _number)]
    return (
        "The gradient (10) is the output of the node below times the delta above, and the bias node's output is 1 (11):\n\n"
        f"$$\n\\frac{{\\partial E}}{{\\partial W^1}} = {below[0]} {_row(deltas[0], _number)} =\n"
        f"{_matrix(gradient[0], _number)}, \\qquad\n"
        f"\\frac{{\\partial E}}{{\\partial W^2}} = {below[1]} "
        f"\\cdot ({_row(deltas[1], _number)}) =\n"
        f"{_matrix(gradient[1], _number)}\n$$"
    )


def _quotient() -> str:
    nudge = np.zeros_like(W1)
    nudge[0, 0] = H
    difference = error((W1 + nudge, W2)) - error((W1 - nudge, W2))
    return (
        f"Is it right? Change the first weight of $W^1$ by ${_short(H)}$ up and down, and compute nothing but $E$: the difference is\n"
        f"{difference:.3e}, and divided by {2 * H:g} that is {_number(difference / (2 * H))}, the first number of the gradient."
    )


def _step(gradient: tuple) -> str:
    stepped = tuple(W - LEARNING_RATE * g for W, g in zip((W1, W2), gradient, strict=True))
    return (
        f"A step $W - {_short(LEARNING_RATE)} \\thinspace \\partial E / \\partial W$, which is (13) without its second term, gives\n\n"
        f"$$\nW^1 = {_matrix(stepped[0], _number)}, \\qquad W^2 = {_matrix(stepped[1], _number)}\n$$\n\n"
        f"and the error falls from {_number(error((W1, W2)))} to {_number(error(stepped))}."
    )


def _number(value: float) -> str:
    return f"{value:.4f}"


def _short(value: float) -> str:
    return f"{value:g}"


def _sum(below: np.ndarray, weights: np.ndarray) -> str:
    """A weighted sum written out, the bias node's weight last."""
    return " + ".join(
        f"{a:.4g} \\cdot {f'({w:g})' if w < 0 else f'{w:g}'}" for a, w in zip([*below, 1], weights, strict=True)
    )


def _row(values, form) -> str:
    numbers = [form(v) for v in np.ravel(values)]
    return numbers[0] if len(numbers) == 1 else f"({', '.join(numbers)})"


def _matrix(values: np.ndarray, form) -> str:
    rows = r" \cr ".join(" & ".join(form(v) for v in row) for row in values)
    return f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}"


if __name__ == "__main__":
    print(text())
