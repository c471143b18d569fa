"""Running a rule and its reference: in float64 or in the rule's own dtype, compiled where that is possible."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import Drawn, as_jax, cotangent
from bpnn_jax.audit._leaves import UNIT, cast_floats, is_float, take_apart
from bpnn_jax.audit._rules import Rule
from bpnn_jax.errors import InputError

NOT_TRACEABLE = (
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.ConcretizationTypeError,
)


@contextmanager
def wide(dtype: Any):
    """float64 on or off here, whatever the caller's setting, and the caller's strictness about mixed dtypes set aside."""
    on = jnp.dtype(dtype) == jnp.float64
    with jax.enable_x64(on), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


class Runner:
    """A rule and its reference as functions of (live leaves, cotangent), each compiled once a dtype."""

    def __init__(self, rule: Rule, seed: int):
        self.rule = rule
        self.arguments = rule.arguments
        self.own = self.arguments.dtype
        self.traceable = True
        self._jitted: dict[str, Callable] = {}
        self.output = self._output_shape()
        # A scalar loss has one cotangent, 1; anything else is tried with random ones.
        drawn = cotangent(self.output, seed)
        self.cotangent = jax.tree.map(np.ones_like, drawn) if rule.kind == "gradient" else drawn

    def args(self, live: list) -> tuple:
        """The arguments with these live leaves; every other float in the same precision as the widest of them."""
        dtype = max((leaf.dtype for leaf in live), key=lambda d: -UNIT[np.dtype(d).name])
        joined = self.arguments.join(live)
        return cast_floats(joined, dtype) if np.dtype(dtype) == np.float64 else joined

    def _output_shape(self) -> Any:
        with wide(jnp.float64):
            live = as_jax([np.asarray(e, np.float64) for e in self.arguments.examples], self.arguments, jnp.float64)
            try:
                out = jax.eval_shape(lambda *live: self.rule.fun(*self.args(list(live))), *live)
            except NOT_TRACEABLE as error:
                raise InputError(f"expected a reference that JAX can trace, got {_first_line(error)}") from error
        leaves = jax.tree.leaves(out)
        if self.rule.kind == "gradient" and (len(leaves) != 1 or leaves[0].shape != ()):
            shapes = [tuple(leaf.shape) for leaf in leaves]
            raise InputError(f"expected a scalar loss, got output of shapes {shapes}")
        if not leaves or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
            kinds = [str(leaf.dtype) for leaf in leaves]
            raise InputError(f"expected a function with floating-point outputs only, got {kinds}")
        if not all(leaf.dtype == jnp.float64 for leaf in leaves):
            self.casts = True
        return out

    def pull_reference(self, live: list, c: Any) -> tuple[Any, list]:
        """(output, cotangents of the live leaves) by autodiff of the reference. Traceable."""
        out, pull = jax.vjp(lambda *live: self.rule.fun(*self.args(list(live))), *live)
        c = jax.tree.map(lambda leaf, o: jnp.asarray(leaf, o.dtype), c, out)
        return out, list(pull(c))

    def pull_hand(self, live: list, c: Any) -> list:
        """The rule's cotangents of the live leaves, as it returned them. Traceable if the rule is."""
        args = self.args(live)
        inner = take_apart(args, self.arguments.argnums)
        return inner.pick(self.rule.pullback(args, c))

    def reference(self, drawn: Drawn, dtype: Any = None) -> tuple[Any, list[np.ndarray]]:
        """(output, cotangents) of the reference as float64 arrays, computed in ``dtype`` or in the leaves' own."""
        out, found = self._call("reference", self.pull_reference, drawn, dtype)
        return out, [np.asarray(leaf, np.float64) for leaf in found]

    def hand(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> list:
        """The rule's cotangents as it returned them (None stays None), computed in ``dtype`` or in the leaves' own."""
        if not self.traceable:
            return self.eager(drawn, dtype)
        try:
            return self._call("hand", self.pull_hand, drawn, dtype, scale)
        except NOT_TRACEABLE:
            self.traceable = False  # NumPy, or Python control flow: run it as it is
            return self.eager(drawn, dtype)

    def eager(self, drawn: Drawn, dtype: Any = None) -> list:
        """The rule run without compilation; on NumPy arrays of its own if it cannot be traced."""
        with wide(dtype or self.own):
            live = as_jax(drawn.live, self.arguments, dtype)
            c = self._typed(self.cotangent, dtype)
            if self.traceable:
                return self.pull_hand(live, c)
            before = [np.array(leaf) for leaf in live]
            given = [np.array(leaf) for leaf in live]
            found = self.pull_hand(given, c)
            self.mutated = [i for i, (a, b) in enumerate(zip(before, given, strict=True)) if not np.array_equal(a, b)]
            return found

    mutated: list[int] = []  # noqa: RUF012 - live leaves that an untraceable rule changed in place, last time
    casts = False  # the reference itself leaves float64

    def _typed(self, c: Any, dtype: Any, scale: float = 1.0) -> Any:
        """The cotangent in the dtype that the output has when run in ``dtype``."""
        if dtype is not None:
            return jax.tree.map(lambda leaf: jnp.asarray(leaf * scale, dtype), c)
        return jax.tree.map(lambda leaf, d: jnp.asarray(leaf * scale, d), c, self.own_output_dtypes())

    def own_output_dtypes(self) -> Any:
        if not hasattr(self, "_dtypes"):
            with wide(self.own):
                live = as_jax([np.asarray(e, np.float64) for e in self.arguments.examples], self.arguments)
                out = jax.eval_shape(lambda *live: self.rule.fun(*self.args(list(live))), *live)
            self._dtypes = jax.tree.map(lambda leaf: leaf.dtype, out)
        return self._dtypes

    def _call(self, name: str, function: Callable, drawn: Drawn, dtype: Any, scale: float = 1.0) -> Any:
        with wide(dtype or self.own):
            live = as_jax(drawn.live, self.arguments, dtype)
            c = self._typed(self.cotangent, dtype, scale)
            if name not in self._jitted:
                self._jitted[name] = jax.jit(function)
            return self._jitted[name](live, c)


def unwrapped(leaf: Any) -> np.ndarray:
    return np.asarray(leaf, np.float64)


def finite(leaves: list) -> bool:
    return all(np.isfinite(leaf).all() for leaf in leaves if is_float(leaf))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"
