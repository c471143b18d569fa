"""One pass through a small network with numbers, for docs/derivation.md: ``python -m docs.worked_pass`` prints it.

Every number is computed by ``manual``; this file only chooses the network and the words.
"""

import numpy as np

import manual

BEGIN, END = "<!-- python -m docs --write writes from here -->", "<!-- to here -->"
W1 = np.array([[0.5, -0.3], [0.2, 0.8], [0.1, -0.4]])  # two inputs and the bias node into two hidden nodes
W2 = np.array([[0.7], [-0.6], [0.3]])  # two hidden nodes and the bias node into one output
X, T = np.array([1.0, 0.5]), np.array([1.0])
LEARNING_RATE = 0.5
FUNCTIONS = (manual.SIGMOID, manual.SIGMOID)


def inserted(page: str) -> str:
    """The page with the pass between its two markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"expected the lines {BEGIN} and {END} in the page, got a page without them")
    return f"{before}{BEGIN}\n\n{text()}\n{END}{after}"


def text() -> str:
    """The pass as Markdown.

    >>> "and the error falls from 0.0702 to 0.0637" in text()
    True
    """
    weights = (W1, W2)
    x, a1, a2 = manual.forward(weights, X, FUNCTIONS)
    d1, d2 = manual.deltas(weights, (x, a1, a2), T, FUNCTIONS)
    g1, g2 = manual.gradient(weights, (x, a1, a2), T, FUNCTIONS)
    z1, z2 = np.append(x, 1.0) @ W1, np.append(a1, 1.0) @ W2
    f1, f2 = (f.derivative(a) for f, a in zip(FUNCTIONS, (a1, a2), strict=True))
    back = d2 @ W2[:-1].T
    stepped = tuple(W - LEARNING_RATE * g for W, g in zip(weights, (g1, g2), strict=True))
    before, after = error(weights), error(stepped)

    h = 1e-4
    nudged = [error((W1 + sign * h * (np.arange(6).reshape(3, 2) == 0), W2)) for sign in (1, -1)]
    slope = (nudged[0] - nudged[1]) / (2 * h)
    k = 0  # the hidden node and the weight that are written out below
    rows = [
        (5, "z^1", f"{_sum([*zip(x, W1[:-1, k], strict=True)], W1[-1, k])}", z1),
        (6, "a^1", f"1 / (1 + e^{{{_number(-z1[k])}}})", a1),
        (5, "z^2", f"{_sum([*zip(a1, W2[:-1, 0], strict=True)], W2[-1, 0])}", z2),
        (6, "a^2", f"1 / (1 + e^{{{_number(-z2[0])}}})", a2),
        (7, "E", f"\\frac{{1}}{{2}} ({_number(a2[0])} - {_short(T[0])})^2", [before]),
        (3, "f'(z^2)", f"{_number(a2[0])} \\cdot (1 - {_number(a2[0])})", f2),
        (8, "\\delta^2", f"({_number(a2[0])} - {_short(T[0])}) \\cdot {_number(f2[0])}", d2),
        (3, "f'(z^1)", f"{_number(a1[k])} \\cdot (1 - {_number(a1[k])})", f1),
        (9, "\\delta^1", f"{_number(f1[k])} \\cdot ({_number(d2[0])} \\cdot {_short(W2[k, 0])})", d1),
    ]
    assert np.allclose(d1, f1 * back, rtol=1e-14)
    lines = [
        f"The network is 2-2-1 with sigmoids and a bias node on both layers. The input is $x = {_row(X, _short)}$, the target",
        f"$t = {_short(T[0])}$, and the weights are",
        "",
        f"$$\nW^1 = {_matrix(W1, _short)}, \\qquad W^2 = {_matrix(W2, _short)}\n$$",
        "",
        "The last row of each belongs to the bias node. Forward, then back, with the first of the two hidden nodes written out:",
        "",
        "| equation | number | first node | all nodes |",
        "|---|---|---|---|",
        *(f"| ({n}) | ${name}$ | ${how}$ | ${_row(np.asarray(value), _number)}$ |" for n, name, how, value in rows),
        "",
        "The gradient (10) is the output of the node below times the delta above, and the bias node's output is 1 (11):",
        "",
        f"$$\n\\frac{{\\partial E}}{{\\partial W^1}} = {_matrix(np.append(x, 1.0)[:, None], _short)} {_row(d1, _number)} =",
        f"{_matrix(g1, _number)}, \\qquad",
        f"\\frac{{\\partial E}}{{\\partial W^2}} = {_matrix(np.append(a1, 1.0)[:, None], _number)} \\cdot ({_row(d2, _number)}) =",
        f"{_matrix(g2, _number)}\n$$",
        "",
        f"Is it right? Change the first weight of $W^1$ by ${_short(h)}$ up and down, and compute nothing but $E$: the difference is",
        f"{nudged[0] - nudged[1]:.3e}, and divided by {2 * h:g} that is {_number(slope)}, the first number of the gradient.",
        "",
        f"A step $W - {_short(LEARNING_RATE)} \\thinspace \\partial E / \\partial W$, which is (13) without its second term, gives",
        "",
        f"$$\nW^1 = {_matrix(stepped[0], _number)}, \\qquad W^2 = {_matrix(stepped[1], _number)}\n$$",
        "",
        f"and the error falls from {_number(before)} to {_number(after)}.",
        "",
    ]
    return "\n".join(lines)


def error(weights: tuple) -> float:
    """E of the one pattern."""
    return float(manual.half_squared_error(manual.forward(weights, X, FUNCTIONS)[-1], T))


def _number(value: float) -> str:
    return f"{value:.4f}"


def _short(value: float) -> str:
    return f"{value:g}"


def _sum(terms: list, bias: float) -> str:
    products = [f"{a:.4g} \\cdot {_signed(w)}" for a, w in terms]
    return " + ".join([*products, f"1 \\cdot {_signed(bias)}"])


def _signed(value: float) -> str:
    return f"({value:g})" if value < 0 else f"{value:g}"


def _row(values: np.ndarray, form) -> str:
    numbers = [form(v) for v in np.ravel(values)]
    return numbers[0] if len(numbers) == 1 else f"({', '.join(numbers)})"


def _matrix(values: np.ndarray, form) -> str:
    rows = r" \cr ".join(" & ".join(form(v) for v in row) for row in values)
    return f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}"


if __name__ == "__main__":
    print(text())
