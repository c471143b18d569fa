"""Rung 2: a derivative that owes nothing to JAX. Im E(W + ih)/h on the NumPy forward pass, with h = 1e-100.

No difference is taken, so nothing cancels: the step is exact to rounding (Squire and Trapp 1998). It needs every operation to be
analytic, which those of ``manual`` are.
"""

from collections.abc import Iterator

import numpy as np

import manual
from bpnn_jax.verify.bound import Bound
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.equations import CORRECT
from bpnn_jax.verify.reference import Draw

STEP = 1e-100
RESOLVED = 1e-200  # a smaller derivative, times the step, leaves the normal numbers: where a gelu is far out


def derivative(draw: Draw, l: int, index: tuple[int, int]) -> float:
    """∂E/∂W[l][index] by the complex step."""
    weights = [W.astype(np.complex128) for W in draw.weights]
    weights[l][index] += 1j * STEP
    functions = CORRECT.functions(draw.network.activations)
    net = manual.forward(tuple(weights), draw.x.astype(np.complex128), functions, draw.network.skip)
    return float(draw.by_hand.error(net.layers[-1], draw.t).imag / STEP)


def compare(draw: Draw, allowed: Bound) -> Iterator[Comparison]:
    """Equation (10), every weight: the gradient by hand beside the complex step."""
    functions = CORRECT.functions(draw.network.activations)
    net = manual.forward(draw.weights, draw.x, functions, draw.network.skip)
    hand = manual.gradient(net, draw.t, draw.by_hand.equations)
    for l, W in enumerate(draw.weights):
        exact = np.array([[derivative(draw, l, (i, j)) for j in range(W.shape[1])] for i in range(W.shape[0])])
        yield Comparison(10, hand[l], exact, allowed.gradient[l] + RESOLVED, f"layer {l + 1} of {draw.name}")
