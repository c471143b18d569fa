"""What is under audit, frozen: the rule, its example, the cotangent that it is tried with, and the precision that it is judged in.

The functions here are the mathematics, and traceable; whoever runs them is an executor (_executor.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import as_jax, cotangent
from bpnn_jax.audit._leaves import UNIT, Arguments, cast_floats, take_apart
from bpnn_jax.audit._rules import Rule
from bpnn_jax.errors import InputError

NOT_TRACEABLE = (
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.ConcretizationTypeError,
)


@contextmanager
def wide(dtype: Any) -> Iterator[None]:
    """float64 on or off here, whatever the caller's setting, and the caller's strictness about mixed dtypes set aside."""
    on = jnp.dtype(dtype) == jnp.float64
    with jax.enable_x64(on), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@dataclass(frozen=True)
class Subject:
    """A rule and its reference as functions of (live leaves, cotangent)."""

    rule: Rule
    output: Any  # shapes and dtypes of the function's output in float64
    output_dtypes: Any  # of the same in the leaves' own dtypes
    cotangent: Any  # of the output, float64: 1 for a scalar loss, else random
    unit: float = UNIT[
        "float64"
    ]  # the roundoff of the algebra: coarser where a cast is meant, so that no float64 is left
    narrowed: str = ""  # a dtype that the rule casts to, narrower than its arguments and its reference need

    @property
    def arguments(self) -> Arguments:
        return self.rule.arguments

    @property
    def own(self) -> np.dtype:
        """The dtype that the rule is meant to run in."""
        return self.arguments.dtype

    def carrying(self, values: list) -> "Subject":
        """The same with other values for the floating arrays that are not differentiated."""
        return replace(self, rule=self.rule._replace(arguments=self.arguments.carry(values))) if values else self

    def args(self, live: list) -> tuple:
        """The arguments with these live leaves; every other float in the same precision as the widest of them."""
        return arguments_of(self.arguments, live)

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

    def typed(self, dtype: Any = None, scale: float = 1.0) -> Any:
        """The cotangent times ``scale``, in ``dtype`` or in the dtypes that the output has in the leaves' own."""
        if dtype is not None:
            return jax.tree.map(lambda leaf: jnp.asarray(leaf * scale, dtype), self.cotangent)
        return jax.tree.map(lambda leaf, d: jnp.asarray(leaf * scale, d), self.cotangent, self.output_dtypes)


def subject(rule: Rule, seed: int) -> Subject:
    """Look at the shapes of a rule's reference, and draw the cotangent. Raises InputError for a function that has no gradient."""
    out = _output(rule, jnp.float64)
    leaves = jax.tree.leaves(out)
    if rule.kind == "gradient" and (len(leaves) != 1 or leaves[0].shape != ()):
        raise InputError(f"expected a scalar loss, got output of shapes {[tuple(leaf.shape) for leaf in leaves]}")
    if not leaves or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
        kinds = [str(leaf.dtype) for leaf in leaves]
        raise InputError(f"expected a function with floating-point outputs only, got {kinds}")
    dtypes = jax.tree.map(lambda leaf: leaf.dtype, _output(rule, None))
    # A scalar loss has one cotangent, 1; anything else is tried with random ones.
    drawn = cotangent(out, seed)
    return Subject(rule, out, dtypes, jax.tree.map(np.ones_like, drawn) if rule.kind == "gradient" else drawn)


def _output(rule: Rule, dtype: Any) -> Any:
    arguments = rule.arguments
    with wide(dtype or arguments.dtype):
        live = as_jax([np.asarray(e, np.float64) for e in arguments.examples], arguments, dtype)
        try:
            return jax.eval_shape(lambda *live: rule.fun(*arguments_of(arguments, list(live))), *live)
        except NOT_TRACEABLE as error:
            said = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise InputError(f"expected a reference that JAX can trace, got {said}") from error


def arguments_of(arguments: Arguments, live: list) -> tuple:
    """The arguments with these live leaves; every other float in float64 where they are."""
    dtype = max((leaf.dtype for leaf in live), key=lambda d: -UNIT[np.dtype(d).name])
    joined = arguments.join(live)
    return cast_floats(joined, dtype) if np.dtype(dtype) == np.float64 else joined
