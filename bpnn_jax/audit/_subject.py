"""What is under audit, frozen: the rule, its example, the cotangent that it is tried with, and the precision that it is judged in.

The functions here are the mathematics, and traceable; an executor (_executor.py) runs them.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._domains import tangent
from bpnn_jax.audit._draws import Drawn, as_jax, carried_as_jax, cotangent
from bpnn_jax.audit._leaves import UNIT, Arguments, in_width, is_double, numbers, put, unit_of
from bpnn_jax.audit._pull import forward, reverse, weighed
from bpnn_jax.audit._reused import remembered, shapes
from bpnn_jax.audit._rules import Rule, names_of
from bpnn_jax.errors import InputError

NOT_TRACEABLE = (
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.ConcretizationTypeError,
)
MOST_OUTPUT = 2**22  # numbers of a function's output at another shape


@contextmanager
def wide(dtype: Any) -> Iterator[None]:
    """float64 on or off here, whatever the caller's setting, and the caller's strictness about mixed dtypes set aside.

    Products of float32 are of float32, unless the caller set their precision: a GPU's default, TF32, hides what float32 would show.
    """
    precision = getattr(jax.config, "jax_default_matmul_precision", None) or "highest"
    with (
        jax.enable_x64(is_double(dtype)),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        jax.default_matmul_precision(precision),
    ):
        yield


@dataclass(frozen=True)
class Subject:
    """A rule and its reference as functions of (live leaves, cotangent)."""

    rule: Rule
    output: Any  # shapes and dtypes of the function's output in the widest precision
    own_output: Any  # of the same in the leaves' own dtypes
    cotangent: Any  # of the output, float64: 1 for a scalar loss, else random; None for what is no float
    widest: np.dtype  # float64, or the leaves' own dtype where the reference runs in no other
    mode: str = "reverse"  # how the reference is differentiated: reverse, forward, or by differences
    unit: float = UNIT[
        "float64"
    ]  # the roundoff of the algebra: coarser where a cast is meant, so that no float64 is left
    narrowed: str = ""  # a dtype that the rule casts to, narrower than its arguments and its reference need
    domains: tuple = ()  # the set that each live leaf lies on, if any does: only what is tangent to it is compared
    carried: tuple = ()  # values for the carried arrays; the example's where there are none

    @property
    def arguments(self) -> Arguments:
        return self.rule.arguments

    @property
    def own(self) -> np.dtype:
        """The dtype that the rule is meant to run in."""
        return self.arguments.dtype

    @property
    def example(self) -> Drawn:
        return Drawn("the example", [numbers(e) for e in self.arguments.examples])

    def carrying(self, values: Any) -> "Subject":
        """The same with other values for the carried arrays."""
        return replace(self, carried=tuple(values)) if values else self

    def args(self, live: list) -> tuple:
        """The arguments with these live leaves."""
        return self.arguments.join(live, self.carried)

    def function(self, *live: Any) -> Any:
        """The reference as a function of the live leaves."""
        return self.rule.fun(*self.args(list(live)))

    def weighed(self, live: list, c: Any) -> jax.Array:
        """<cotangent, f(live)>: what the cotangents are the gradient of. Traceable."""
        return weighed(self.function(*live), c)

    def pull_reference(self, live: list, c: Any) -> tuple[Any, list]:
        """(output, cotangents of the live leaves) by autodiff of the reference. Traceable."""
        return (forward if self.mode == "forward" else reverse)(self.function, live, c)

    def pull_hand(self, live: list, c: Any) -> list:
        """The rule's cotangents of the live leaves, as it returned them. Traceable if the rule is."""
        args = self.args(live)
        return self.arguments.like(args).pick(self.rule.pullback(args, c if self.rule.by_jax else self.filled(c)))

    def filled(self, c: Any) -> Any:
        """The cotangent as JAX would hand it to a rule: zeros of float0 for what is no float."""
        return _on_leaves(lambda a, o: np.zeros(o.shape, jax.dtypes.float0) if a is None else a, c, self.output)

    def on_set(self, leaves: list, drawn: Drawn) -> list:
        """The part of each cotangent that a step within its leaf's set can see."""
        if not any(self.domains):
            return leaves
        rows = zip(self.domains, drawn.live, leaves, strict=True)
        return [leaf if leaf is None or not d else tangent(d, at, numbers(leaf)) for d, at, leaf in rows]

    def typed(self, dtype: Any = None, scale: float = 1.0) -> Any:
        """The cotangent times ``scale``, in the dtypes that the output has in the width of ``dtype`` or in the leaves' own."""

        def one(c: Any, o: Any) -> Any:
            if c is None:
                return None
            follows = dtype is not None and unit_of(o.dtype) == unit_of(self.widest)  # or it is cast to something fixed
            return put(c * scale, in_width(o.dtype, dtype) if follows else o.dtype)

        return _on_leaves(one, self.cotangent, self.own_output if dtype is None else self.output)

    def at(self, drawn: Drawn, dtype: Any) -> tuple["Subject", list, Any]:
        """(the subject with the draw's carried arrays, live leaves, cotangent), for a trace or an eager run in ``dtype``."""
        live, c, carried = self.inputs(drawn, dtype)
        return self.carrying(carried), live, c

    def inputs(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> tuple[list, Any, list]:
        """(live leaves, cotangent, carried arrays) of a draw for a run in ``dtype`` or in the leaves' own."""
        live, carried = as_jax(drawn.live, self.arguments, dtype), carried_as_jax(drawn, self.arguments, dtype)
        return live, self.typed(dtype, scale), carried


def _on_leaves(f: Callable, c: Any, output: Any) -> Any:
    treedef = jax.tree.structure(output)
    pairs = zip(treedef.flatten_up_to(c), jax.tree.leaves(output), strict=True)
    return jax.tree.unflatten(treedef, [f(a, o) for a, o in pairs])


def subject(rule: Rule, seed: int) -> Subject:
    """Look at the shapes of a rule's reference, and draw the cotangent. Raises InputError for a function that has no gradient."""
    out, widest = _widest(rule)
    leaves = jax.tree.leaves(out)
    if rule.kind == "gradient" and (len(leaves) != 1 or leaves[0].shape != ()):
        raise InputError(f"expected a scalar loss, got output of shapes {[tuple(leaf.shape) for leaf in leaves]}")
    if not any(jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves):
        kinds = [str(leaf.dtype) for leaf in leaves]
        raise InputError(f"expected a function with a floating-point output, got {kinds}")
    own = _output(rule, None)
    # A scalar loss has one cotangent, 1; anything else is tried with random ones.
    drawn = cotangent(out, seed)
    c = jax.tree.map(np.ones_like, drawn) if rule.kind == "gradient" else drawn
    found = Subject(_named(rule), out, own, c, widest, unit=unit_of(widest))
    return replace(found, mode=_mode(found))


def sibling(parent: Subject, rule: Rule, seed: int) -> Subject:
    """The same rule at other shapes: only the output's shapes are looked at again."""
    out = _output(rule, None if parent.widest == parent.own else parent.widest)
    dtypes = jax.tree.leaves(parent.own_output)
    if jax.tree.structure(out) != jax.tree.structure(parent.own_output):
        raise InputError("expected an output of the same structure at another shape")
    if rule.kind == "gradient" and jax.tree.leaves(out)[0].shape != ():
        raise InputError("expected a scalar loss at another shape")
    if (many := sum(math.prod(o.shape) for o in jax.tree.leaves(out))) > MOST_OUTPUT:
        raise InputError(f"expected at most {MOST_OUTPUT} numbers of a function at another shape, got {many}")
    shapes = [jax.ShapeDtypeStruct(o.shape, d.dtype) for o, d in zip(jax.tree.leaves(out), dtypes, strict=True)]
    drawn = cotangent(out, seed)
    c = jax.tree.map(np.ones_like, drawn) if rule.kind == "gradient" else drawn
    own = jax.tree.unflatten(jax.tree.structure(out), shapes)
    return replace(parent, rule=_named(rule), output=out, own_output=own, cotangent=c, carried=())


def _named(rule: Rule) -> Rule:
    """With what the author calls the arguments."""
    return rule._replace(arguments=rule.arguments._replace(called=names_of(rule.body, rule.arguments.args)))


def _widest(rule: Rule) -> tuple[Any, np.dtype]:
    """(the output's shapes, the widest dtype in which the reference runs): a function may insist on its arguments' own."""
    own = np.dtype(np.float64 if is_double(rule.arguments.dtype) else in_width(rule.arguments.dtype, np.float32))
    own = np.dtype(np.float32) if jnp.issubdtype(own, jnp.complexfloating) else own
    try:
        return _output(rule, np.float64), np.dtype(np.float64)
    except InputError:
        raise
    except Exception:
        return _output(rule, None), own


def _output(rule: Rule, dtype: Any) -> Any:
    return remembered(("output", rule.fun, shapes(rule.arguments), dtype), lambda: _looked_at(rule, dtype))


def _looked_at(rule: Rule, dtype: Any) -> Any:
    arguments = rule.arguments
    with wide(dtype or arguments.dtype):
        live = as_jax([numbers(e) for e in arguments.examples], arguments, dtype)
        carried = carried_as_jax(Drawn("", []), arguments, dtype)
        try:
            return jax.eval_shape(lambda *live: rule.fun(*arguments.join(live, carried)), *live)
        except NOT_TRACEABLE as error:
            said = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise InputError(
                f"expected a reference that JAX can trace, got {said}; reference= takes another function to differentiate"
            ) from error


def _mode(found: Subject) -> str:
    """Reverse mode where the reference has it, else forward mode, else differences."""
    return remembered(("mode", found.rule.fun, shapes(found.arguments), found.widest), lambda: _tried(found))


def _tried(found: Subject) -> str:
    with wide(found.widest):
        live, c, carried = found.inputs(found.example, found.widest)
        for mode, pull in (("reverse", reverse), ("forward", forward)):
            try:
                jax.eval_shape(lambda live, c, pull=pull: pull(found.carrying(carried).function, live, c), live, c)
            except Exception:  # JAX has no single type for "this mode does not exist here"
                continue
            return mode
    return "differences"
