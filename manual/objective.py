"""The objective: half the squared error, equation (7)."""

from manual.activations import Array


def half_squared_error(a: Array, t: Array) -> Array:
    """E = ½ Σ_patterns Σ_k (a_k - t_k)², a scalar: a sum over outputs and over patterns, never a mean. Equation (7).

    ``a`` and ``t`` have the same shape, (n_out,) for one pattern or (patterns, n_out).

    >>> import numpy as np
    >>> float(half_squared_error(np.array([[1.0, 0.0], [0.5, 0.0]]), np.zeros((2, 2))))
    0.625
    """
    e = a - t
    return 0.5 * e.__array_namespace__().sum(e * e)
