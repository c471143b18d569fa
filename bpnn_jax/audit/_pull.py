"""A function's cotangents by reverse mode, by forward mode where that has none, and what a cotangent is the gradient of. Traceable.

JAX's convention for complex numbers: of L = Re(sum(c y)) the cotangent g of z has dL = Re(sum(g dz)), without a conjugate.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

CHUNK = 256  # directions at once in forward mode


def weighed(out: Any, c: Any) -> jax.Array:
    """Re <c, out>, over the floating leaves of ``out``; ``c`` has None for the others."""
    pairs = zip(jax.tree.structure(out).flatten_up_to(c), jax.tree.leaves(out), strict=True)
    terms = [jnp.sum(jnp.asarray(a, o.dtype) * o).real for a, o in pairs if a is not None]
    return sum(terms, jnp.zeros((), terms[0].dtype) if terms else jnp.zeros(()))


def completed(out: Any, c: Any) -> Any:
    """A cotangent of the whole output: what is no float gets JAX's float0 zeros."""
    treedef = jax.tree.structure(out)
    leaves = []
    for a, o in zip(treedef.flatten_up_to(c), jax.tree.leaves(out), strict=True):
        leaves.append(np.zeros(np.shape(o), jax.dtypes.float0) if a is None else jnp.asarray(a, o.dtype))
    return jax.tree.unflatten(treedef, leaves)


def reverse(function: Callable, live: Sequence[jax.Array], c: Any) -> tuple[Any, list]:
    """(output, cotangents of ``live``) by ``jax.vjp``."""
    out, pull = jax.vjp(function, *live)
    return out, list(pull(completed(out, c)))


def forward(function: Callable, live: Sequence[jax.Array], c: Any) -> tuple[Any, list]:
    """The same, a direction per element: for loops of unknown length, which have forward mode only."""
    out = function(*live)

    def along(*tangents: jax.Array) -> jax.Array:
        _, moved = jax.jvp(function, tuple(live), tangents)
        pairs = zip(jax.tree.structure(out).flatten_up_to(c), jax.tree.leaves(moved), strict=True)
        terms = [jnp.sum(jnp.asarray(a, m.dtype) * m).real for a, m in pairs if a is not None]
        return sum(terms, jnp.zeros(()))

    found = []
    for i, leaf in enumerate(live):
        basis = jnp.eye(leaf.size, dtype=leaf.dtype).reshape((leaf.size, *leaf.shape))

        def one(direction: jax.Array, i: int = i) -> jax.Array:
            return along(*(direction if k == i else jnp.zeros_like(a) for k, a in enumerate(live)))

        slopes = jax.lax.map(one, basis, batch_size=CHUNK)
        if jnp.iscomplexobj(leaf):
            slopes = slopes - 1j * jax.lax.map(one, 1j * basis, batch_size=CHUNK)
        found.append(jnp.asarray(slopes.reshape(leaf.shape), leaf.dtype))
    return out, found


def pulled(function: Callable, live: Sequence[jax.Array], c: Any) -> tuple[Any, list]:
    """By reverse mode, or where JAX has none for this function by forward mode."""
    try:
        return reverse(function, live, c)
    except Exception as no_reverse:
        try:
            return forward(function, live, c)
        except Exception:
            raise no_reverse from None
