"""Back-propagation derived by hand, and nothing else: NumPy and the array API, no automatic differentiation.

Every function takes its namespace from its arguments (``x.__array_namespace__()``), so the same lines run on NumPy in any
precision, on JAX inside ``jit``, ``vmap`` and ``scan``, and on SymPy symbols.

>>> import numpy as np
>>> import manual
>>> weights = (np.array([[0.5], [-0.5], [0.1]]),)          # two inputs and the bias node, one output
>>> functions = (manual.SIGMOID,)
>>> x, t = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])
>>> (g,) = manual.gradient(manual.forward(weights, x, functions), t)
>>> g.shape
(3, 1)
"""

from manual.activations import ACTIVATIONS, LECUN_TANH, LINEAR, SIGMOID, TANH, Activation
from manual.backprop import (
    CORRECT,
    Equations,
    delta_below,
    deltas,
    gradient,
    gradient_of_input,
    gradient_with_bias_vectors,
    input_gradient,
    per_pattern_gradients,
)
from manual.curvature import hessian_vector_product
from manual.network import Layer, Pass, as_pass, forward, forward_with_bias_vectors
from manual.objective import (
    CROSS_ENTROPY,
    HALF_SQUARED_ERROR,
    OBJECTIVES,
    OUTPUT_ACTIVATIONS,
    SOFTMAX,
    Objective,
    cross_entropy,
    half_squared_error,
)
from manual.rules import RULES, Rule, decayed, heavy_ball, nesterov, previous_gradient, quickprop, rprop

__all__ = [
    "ACTIVATIONS",
    "CORRECT",
    "CROSS_ENTROPY",
    "HALF_SQUARED_ERROR",
    "LECUN_TANH",
    "LINEAR",
    "OBJECTIVES",
    "OUTPUT_ACTIVATIONS",
    "RULES",
    "SIGMOID",
    "SOFTMAX",
    "TANH",
    "Activation",
    "Equations",
    "Layer",
    "Objective",
    "Pass",
    "Rule",
    "as_pass",
    "cross_entropy",
    "decayed",
    "delta_below",
    "deltas",
    "forward",
    "forward_with_bias_vectors",
    "gradient",
    "gradient_of_input",
    "gradient_with_bias_vectors",
    "half_squared_error",
    "heavy_ball",
    "hessian_vector_product",
    "input_gradient",
    "nesterov",
    "per_pattern_gradients",
    "previous_gradient",
    "quickprop",
    "rprop",
]
