"""Products of float32 matrices in float32, on every device.

JAX's default on a GPU rounds the factors to TF32, with 10 bits of a float32's 23: the weights of a 784-128-10 network were 2e-4 of
their way off after 48 updates, and in float32 1e-5 (``python -m benchmarks.gpu.generic``). On a CPU no bit differs.
"""

from contextlib import AbstractContextManager

import jax


def exact() -> AbstractContextManager:
    """What to trace products within: the precision that the user set by ``jax_default_matmul_precision``, or else the highest."""
    return jax.default_matmul_precision(getattr(jax.config, "jax_default_matmul_precision", None) or "highest")
