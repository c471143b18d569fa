"""How far the loops' sigmoid and tanh are off, over every float32: ``python -m benchmarks.activations`` (``--every 97``: in seconds).

In units in the last place of the exact value (as NumPy has it in float64), beside JAX's own functions on this CPU; values below the
smallest normal number are left out, and so are z that are. The last column is the largest relative error in units of 2^-24, which
``bpnn_jax.verify.bound`` counts an activation's error in.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro

BLOCK = 1 << 22
SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Sweep:
    """The sweep over the float32."""

    every: int = 1
    """Only every so many of them."""


def errors(function: Callable[[Any], Any], exact: Callable[[Any], Any], every: int) -> tuple[float, float, float]:
    """The largest error in units in the last place, at which z, and the largest relative error in units of 2^-24.

    ``function`` from float32 (n,) to float32 (n,); ``exact`` likewise in float64.
    """
    worst, at, relative = 0.0, 0.0, 0.0
    for start in range(0, 1 << 32, BLOCK * every):
        bits = np.arange(start, min(start + BLOCK * every, 1 << 32), every, dtype=np.int64).astype(np.uint32)
        z = bits.view(np.float32)
        z = z[np.isfinite(z) & (abs(z) >= SMALLEST)]
        value = exact(z.astype(np.float64))
        z, value = z[abs(value) >= SMALLEST], value[abs(value) >= SMALLEST]
        if not len(z):
            continue
        filled = np.concatenate([z, np.zeros(BLOCK - len(z), np.float32)])  # one shape: compiled once
        off = abs(np.asarray(function(filled), np.float64)[: len(z)] - value)
        units = off / np.spacing(abs(value).astype(np.float32))
        if not units.max() <= worst:  # NaN too
            worst, at = float(units.max()), float(z[units.argmax()])
        relative = max(relative, float((off / abs(value)).max()) * 2**24)
    return worst, at, relative


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = tyro.cli(Sweep, description=__doc__, args=arguments)
    if chosen.every < 1:
        print(f"benchmarks.activations: expected --every of 1 or more, got {chosen.every}", file=sys.stderr)
        return 2
    import jax
    import jax.numpy as jnp

    from bpnn_jax.training.fused.activations import sigmoid, tanh

    def exact_sigmoid(z: Any) -> Any:
        e = np.exp(-abs(z))
        return np.where(z < 0, e, 1.0) / (1.0 + e)

    for name, ours, jax_s, exact in (
        ("sigmoid", sigmoid, jax.nn.sigmoid, exact_sigmoid),
        ("tanh", tanh, jnp.tanh, np.tanh),
    ):
        for whose, function in (("ours", ours), ("JAX's", jax_s)):
            worst, at, relative = errors(jax.jit(function), exact, chosen.every)
            print(
                f"{name}, {whose}: {worst:.2f} units in the last place, at z = {at:.7g}; {relative:.2f} u", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
