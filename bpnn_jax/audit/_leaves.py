"""Arguments as leaves: which ones a gradient is taken for, and their dtypes. Everything else is carried along untouched."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from bpnn_jax.errors import InputError

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def is_float(leaf: Any) -> bool:
    """A Python float, or an array of a real floating dtype (bfloat16 and float16 too)."""
    if isinstance(leaf, float):
        return True
    return isinstance(leaf, jax.Array | np.ndarray | np.generic) and jnp.issubdtype(leaf.dtype, jnp.floating)


def _is_float_array(leaf: Any) -> bool:
    return is_float(leaf) and not isinstance(leaf, float)


def dtype_of(leaf: Any) -> np.dtype:
    return np.dtype(jnp.float32) if isinstance(leaf, float) else np.dtype(leaf.dtype)


class Arguments(NamedTuple):
    """Example arguments taken apart: ``live`` leaves are differentiated, and put back by ``join``."""

    args: tuple
    argnums: tuple[int, ...]
    treedef: Any
    leaves: list  # of the arguments in argnums, live or not
    live: list[int]  # positions in leaves
    names: list[str]  # of the live leaves: "argument 0['w'][1]"

    @property
    def examples(self) -> list:
        return [self.leaves[i] for i in self.live]

    @property
    def dtype(self) -> np.dtype:
        """The least precise dtype among the live leaves: that is what the rule is meant to run in."""
        return max((dtype_of(leaf) for leaf in self.examples), key=lambda d: UNIT[d.name])

    def join(self, live: Sequence[Any]) -> tuple:
        """The arguments, with these values for the live leaves."""
        leaves = list(self.leaves)
        for i, value in zip(self.live, live, strict=True):
            leaves[i] = value
        inside = jax.tree.unflatten(self.treedef, leaves)
        args = list(self.args)
        for i, value in zip(self.argnums, inside, strict=True):
            args[i] = value
        return tuple(args)

    @property
    def carried(self) -> list:
        """The floating arrays among the arguments that are not differentiated."""
        rest = [a for i, a in enumerate(self.args) if i not in self.argnums]
        return [leaf for leaf in jax.tree.leaves(rest) if _is_float_array(leaf)]

    def carry(self, values: Sequence[Any]) -> "Arguments":
        """The same with other values for the arrays in ``carried``."""
        following = iter(values)

        def other(argument: Any) -> Any:
            return jax.tree.map(lambda leaf: next(following) if _is_float_array(leaf) else leaf, argument)

        return self._replace(args=tuple(a if i in self.argnums else other(a) for i, a in enumerate(self.args)))

    @property
    def fixed(self) -> tuple:
        """What is neither: the structure, and the other leaves. Hashable if these are."""
        leaves, treedef = jax.tree.flatten(self.args)
        return treedef, self.argnums, tuple(None if _is_float_array(leaf) else leaf for leaf in leaves)

    def pick(self, cotangents: Any) -> list:
        """The live leaves of what a rule returned for ``argnums``; None where it returned None. Raises StructureError."""
        if not isinstance(cotangents, tuple | list) or len(cotangents) != len(self.argnums):
            raise StructureError(self.treedef, jax.tree.structure(cotangents))
        got: list = []
        for argument, part in zip(jax.tree.unflatten(self.treedef, self.leaves), cotangents, strict=True):
            inner = jax.tree.structure(argument)
            try:
                got += [None] * inner.num_leaves if part is None else inner.flatten_up_to(part)
            except (ValueError, TypeError):
                raise StructureError(inner, jax.tree.structure(part)) from None
        for leaf in (got[i] for i in self.live):
            if leaf is not None and len(jax.tree.leaves(leaf)) != 1:
                raise StructureError(self.treedef, jax.tree.structure(cotangents))
        return [got[i] for i in self.live]


class StructureError(InputError):
    """A gradient that is not built like the arguments it belongs to."""

    def __init__(self, expected: Any, got: Any):
        super().__init__(f"expected a gradient of structure {expected}, got {got}")


def take_apart(args: tuple, argnums: int | Sequence[int] | None) -> Arguments:
    """Find the live leaves. ``argnums`` None means every argument that has one."""
    if argnums is None:
        chosen = tuple(i for i, a in enumerate(args) if any(is_float(leaf) for leaf in jax.tree.leaves(a)))
    else:
        chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not args:
        raise InputError("expected example arguments, got none")
    for i in chosen:
        if not isinstance(i, int):
            raise InputError(f"expected argnums as whole numbers, got {i!r}")
        if not -len(args) <= i < len(args):
            raise InputError(f"expected argnums from 0 to {len(args) - 1}, got {i}")
    chosen = tuple(i % len(args) for i in chosen)
    pairs, treedef = tree_flatten_with_path(tuple(args[i] for i in chosen))
    leaves = [leaf for _, leaf in pairs]
    live = [i for i, leaf in enumerate(leaves) if is_float(leaf)]
    if not live:
        kinds = ", ".join(str(getattr(leaf, "dtype", type(leaf).__name__)) for leaf in leaves) or "none"
        raise InputError(f"expected at least one floating-point argument to differentiate, got leaves of: {kinds}")
    names = []
    for i in live:
        path = pairs[i][0]
        names.append(f"argument {chosen[path[0].idx]}{keystr(path[1:])}")
    return Arguments(args, chosen, treedef, leaves, live, names)


def cast(leaf: Any, dtype: Any) -> Any:
    # NumPy converts without compiling anything.
    return jnp.asarray(leaf if isinstance(leaf, jax.Array) else np.asarray(leaf, dtype), dtype)


def cast_floats(tree: Any, dtype: Any) -> Any:
    """Every floating leaf of a tree in ``dtype``, the rest as it is."""
    return jax.tree.map(lambda leaf: cast(leaf, dtype) if is_float(leaf) else leaf, tree)
