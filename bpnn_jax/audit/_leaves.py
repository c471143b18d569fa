"""Arguments as leaves: which ones a gradient is taken for, which are carried along and may be varied, and their dtypes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from bpnn_jax.errors import InputError

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
UNIT |= {"complex128": UNIT["float64"], "complex64": UNIT["float32"]}


def is_float(leaf: Any) -> bool:
    """A Python float or complex, or an array of a real or complex floating dtype (bfloat16 and float16 too)."""
    return isinstance(leaf, float | complex) or is_float_array(leaf)


def is_float_array(leaf: Any) -> bool:
    return is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.inexact)


def is_array(leaf: Any) -> bool:
    """An array of numbers or booleans: no PRNG key, and no array of objects."""
    if not isinstance(leaf, jax.Array | np.ndarray | np.generic) or isinstance(leaf, float | complex):
        return False
    return jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == np.bool_


def dtype_of(leaf: Any) -> np.dtype:
    if isinstance(leaf, float | complex) and not isinstance(leaf, np.generic):
        return np.dtype(jnp.complex64 if isinstance(leaf, complex) else jnp.float32)
    return np.dtype(leaf.dtype)


def unit_of(dtype: Any) -> float:
    """The unit roundoff of a real or complex floating dtype."""
    name = np.dtype(dtype).name
    return UNIT[name] if name in UNIT else float(jnp.finfo(dtype).eps) / 2


def is_double(dtype: Any) -> bool:
    return unit_of(dtype) <= UNIT["float64"]


def numbers(leaf: Any) -> np.ndarray:
    """As NumPy's float64, or complex128 for what is complex."""
    array = np.asarray(leaf)
    return np.asarray(array, np.complex128 if np.iscomplexobj(array) else np.float64)


def in_width(dtype: Any, width: Any) -> np.dtype:
    """The dtype that a leaf of ``dtype`` has when everything runs in ``width``, a real dtype; None leaves it as it is."""
    if width is None or not jnp.issubdtype(dtype, jnp.inexact):
        return np.dtype(dtype)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return np.dtype(np.complex128 if np.dtype(width) == np.float64 else np.complex64)
    return np.dtype(width)


class Arguments(NamedTuple):
    """Example arguments taken apart: ``live`` leaves are differentiated, ``carried`` are the other arrays; ``join`` puts them back."""

    args: tuple
    argnums: tuple[int, ...]
    treedef: Any
    leaves: list  # of all arguments
    live: list[int]  # positions in leaves
    carried: list[int]  # positions in leaves; no PRNG keys, nothing of a static argument
    names: list[str]  # of the live leaves: "argument 0['w'][1]"
    carried_names: list[str]
    called: tuple[str, ...] = ()  # what the author calls the arguments

    @property
    def examples(self) -> list:
        return [self.leaves[i] for i in self.live]

    @property
    def others(self) -> list:
        """The example's carried arrays."""
        return [self.leaves[i] for i in self.carried]

    @property
    def dtype(self) -> np.dtype:
        """The least precise dtype among the live leaves: that is what the rule is meant to run in."""
        return max((dtype_of(leaf) for leaf in self.examples), key=unit_of)

    def join(self, live: Sequence[Any], carried: Sequence[Any] = ()) -> tuple:
        """The arguments, with these values for the live leaves and, if any are given, for the carried ones."""
        leaves = list(self.leaves)
        for i, value in zip(self.live, live, strict=True):
            leaves[i] = value
        if carried:
            for i, value in zip(self.carried, carried, strict=True):
                leaves[i] = value
        return tuple(jax.tree.unflatten(self.treedef, leaves))

    def like(self, args: tuple) -> "Arguments":
        """Other arguments of the same structure, taken apart in the same way."""
        return self._replace(args=args, leaves=jax.tree.leaves(args))

    @property
    def fixed(self) -> tuple:
        """What is neither live nor carried, and the structure. Hashable if the former are."""
        arrays = {*self.live, *self.carried}
        rest = tuple(None if i in arrays else leaf for i, leaf in enumerate(self.leaves))
        return self.treedef, self.argnums, rest

    def name_at(self, k: int) -> str:
        """The name of any leaf, by its position: "argument 2", "argument 1[0]"."""
        path = tree_flatten_with_path(self.args)[0][k][0]
        return f"argument {path[0].idx}{keystr(path[1:])}"

    def pick(self, cotangents: Any) -> list:
        """The live leaves of what a rule returned for ``argnums``; None where it returned None. Raises StructureError."""
        chosen = [self.args[i] for i in self.argnums]
        treedef = jax.tree.structure(tuple(chosen))
        if not isinstance(cotangents, tuple | list) or len(cotangents) != len(self.argnums):
            raise StructureError(treedef, jax.tree.structure(cotangents))
        got: dict[int, list[Any]] = {}
        for i, part in zip(self.argnums, cotangents, strict=True):
            inner = jax.tree.structure(self.args[i])
            try:
                got[i] = [None] * inner.num_leaves if part is None else list(inner.flatten_up_to(part))
            except (ValueError, TypeError):
                raise StructureError(inner, jax.tree.structure(part)) from None
        every: list = []
        for i, argument in enumerate(self.args):
            every += got[i] if i in got else [None] * jax.tree.structure(argument).num_leaves
        for leaf in (every[i] for i in self.live):
            if leaf is not None and len(jax.tree.leaves(leaf)) != 1:
                raise StructureError(treedef, jax.tree.structure(cotangents))
        return [every[i] for i in self.live]


class StructureError(InputError):
    """A gradient that is not built like the arguments it belongs to."""

    def __init__(self, expected: Any, got: Any):
        super().__init__(f"expected a gradient of structure {expected}, got {got}")


def take_apart(
    args: tuple, argnums: int | Sequence[int] | None, static: Sequence[int] = (), settings: bool = False
) -> Arguments:
    """Find the live leaves. ``argnums`` None means every argument that has one; ``static`` arguments are never touched.

    ``settings``: Python numbers beside arrays are settings (an eps, a temperature) unless ``argnums`` names them.
    """
    untouched = {i % max(len(args), 1) for i in static}
    if argnums is None:
        free = [i for i in range(len(args)) if i not in untouched]
        for test in (is_float_array, is_float) if settings else (is_float,):
            chosen = tuple(i for i in free if any(map(test, jax.tree.leaves(args[i]))))
            if chosen:
                break
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
    pairs, treedef = tree_flatten_with_path(args)
    leaves = [leaf for _, leaf in pairs]
    order = [k for i in chosen for k, (path, _) in enumerate(pairs) if path[0].idx == i]
    live = [k for k in order if is_float_array(leaves[k])] if settings and argnums is None else []
    live = live or [k for k in order if is_float(leaves[k])]
    if not live:
        asked = [leaves[k] for k in order] or leaves
        kinds = ", ".join(str(getattr(leaf, "dtype", type(leaf).__name__)) for leaf in asked) or "none"
        raise InputError(f"expected at least one floating-point argument to differentiate, got leaves of: {kinds}")
    rest = [
        k for k, (path, leaf) in enumerate(pairs) if k not in live and path[0].idx not in untouched and is_array(leaf)
    ]

    def name(k: int) -> str:
        path = pairs[k][0]
        return f"argument {path[0].idx}{keystr(path[1:])}"

    return Arguments(args, chosen, treedef, leaves, live, rest, [name(k) for k in live], [name(k) for k in rest])


def put(value: Any, dtype: Any) -> jax.Array:
    """An array of JAX's; unlike ``jnp.asarray`` it compiles nothing for a new shape."""
    return jax.device_put(np.asarray(value).astype(dtype))


def cast(leaf: Any, dtype: Any) -> Any:
    # NumPy converts without compiling anything.
    return jnp.asarray(leaf if isinstance(leaf, jax.Array) else np.asarray(leaf, dtype), dtype)
