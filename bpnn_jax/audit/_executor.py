"""JAX runs a subject: in float64 or in the rule's own dtype, compiled where that is possible.

Checks ask an executor for four things (``reference``, ``hand``, ``eager``, ``returned``) and for a compiled function of their own;
another executor stands beside this one by answering the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import Drawn, as_jax
from bpnn_jax.audit._leaves import UNIT, is_float, take_apart
from bpnn_jax.audit._programs import narrowest
from bpnn_jax.audit._subject import NOT_TRACEABLE, Subject, wide

_reused: list[dict] = []


@contextmanager
def reusing() -> Iterator[None]:
    """Inside, audits of the same functions at arguments of the same shapes share what was compiled.

    For many audits of one rule: seeds of a study, a hypothesis search. The functions must be the same objects, and compute from
    their arguments alone; floating arrays that are not differentiated are traced here, where otherwise they are constants.
    """
    _reused.append({})
    try:
        yield
    finally:
        _reused.pop()


class Eager(NamedTuple):
    """A run without compilation: the rule's cotangents, and the arguments that it changed in place."""

    leaves: list
    mutated: tuple[str, ...]


class Executor:
    """Runs one subject, each of its functions compiled once per dtype."""

    def __init__(self, subject: Subject, cache: dict | None = None):
        self.subject = subject
        self._cache: dict[Any, Any] = {} if cache is None else cache

    def judging_in(self, drawn: Drawn) -> "Executor":
        """The same with the precision that its casts leave to judge in; what is compiled is shared."""
        unit, narrowed = precision(self, drawn)
        return Executor(replace(self.subject, unit=unit, narrowed=narrowed), self._cache)

    @cached_property
    def traceable(self) -> bool:
        """Whether JAX can trace the rule; NumPy, or Python control flow, is run as it is."""
        subject = self.subject
        try:
            with wide(jnp.float64):
                live = as_jax(
                    [np.asarray(e, np.float64) for e in subject.arguments.examples], subject.arguments, jnp.float64
                )
                jax.eval_shape(
                    self.compiled("hand", Subject.pull_hand, subject.rule.source), live, subject.typed(jnp.float64)
                )
        except NOT_TRACEABLE:
            return False
        return True

    def reference(self, drawn: Drawn, dtype: Any = None) -> tuple[Any, list[np.ndarray]]:
        """(output, cotangents) of the reference as float64 arrays, computed in ``dtype`` or in the leaves' own."""
        out, found = self._call("reference", Subject.pull_reference, (self.subject.rule.fun,), drawn, dtype)
        return out, [np.asarray(leaf, np.float64) for leaf in found]

    def hand(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> list:
        """The rule's cotangents as it returned them (None stays None), computed in ``dtype`` or in the leaves' own."""
        if not self.traceable:
            return self.eager(drawn, dtype, scale).leaves
        return self._call("hand", Subject.pull_hand, self.subject.rule.source, drawn, dtype, scale)

    def returned(self, drawn: Drawn) -> list:
        """What the rule returns in the leaves' own dtypes, for its shapes and dtypes: not run where tracing tells."""
        if not self.traceable:
            return self.eager(drawn).leaves
        subject = self.subject
        with wide(subject.own):
            live = as_jax(drawn.live, subject.arguments)
            return jax.eval_shape(self.compiled("hand", Subject.pull_hand, subject.rule.source), live, subject.typed())

    def eager(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> Eager:
        """The rule run without compilation; on NumPy arrays of its own if it cannot be traced."""
        subject = self.subject
        with wide(dtype or subject.own):
            live = as_jax(drawn.live, subject.arguments, dtype)
            c = subject.typed(dtype, scale)
            if self.traceable:
                return Eager(subject.pull_hand(live, c), ())
            args, before = (jax.tree.map(_writeable, subject.args(live)) for _ in range(2))
            inner = take_apart(args, subject.arguments.argnums)
            found = inner.pick(subject.rule.pullback(args, jax.tree.map(np.asarray, c)))
            pairs = [zip(*map(jax.tree.leaves, pair), strict=True) for pair in zip(before, args, strict=True)]
            same = [all(a is b or np.array_equal(a, b, equal_nan=is_float(a)) for a, b in pair) for pair in pairs]
            return Eager(found, tuple(f"argument {i}" for i, unchanged in enumerate(same) if not unchanged))

    def shared(self, name: str, source: tuple) -> tuple[dict, Any]:
        """(a cache, a key in it) for what depends on ``source``, the author's functions: across audits inside ``reusing``."""
        if _reused:
            key = (name, source, self.subject.rule.kind, self.subject.arguments.fixed)
            try:
                hash(key)
                return _reused[-1], key
            except TypeError:  # an array of integers, say: a constant of the compiled function
                pass
        return self._cache, name

    def compiled(self, name: str, function: Callable, source: tuple) -> Callable:
        """``function(subject, live, c)`` as a compiled function of (live, c). ``source``: the author's functions in it."""
        cache, key = self.shared(name, source)
        carried = [] if cache is self._cache else self.subject.arguments.carried
        if key not in cache:
            cache[key] = jax.jit(lambda live, c, carried: function(self.subject.carrying(carried), live, c))
        return lambda live, c: cache[key](live, c, carried)

    def _call(self, name: str, function: Callable, source: tuple, drawn: Drawn, dtype: Any, scale: float = 1.0) -> Any:
        with wide(dtype or self.subject.own):
            live = as_jax(drawn.live, self.subject.arguments, dtype)
            return self.compiled(name, function, source)(live, self.subject.typed(dtype, scale))


def precision(execute: Executor, drawn: Drawn) -> tuple[float, str]:
    """(unit roundoff to judge the algebra in, a dtype that the rule narrows to by mistake or ""), from the casts in the programs.

    No float64 run undoes a cast to less. As coarse as the arguments or as the reference itself, and that is the precision to judge
    in; coarser, and it is a mistake.
    """
    subject = execute.subject
    with wide(jnp.float64):
        live = as_jax(drawn.live, subject.arguments, jnp.float64)
        c = subject.typed(jnp.float64)
        reference = narrowest(jax.make_jaxpr(subject.pull_reference)(live, c).jaxpr)
        hand = narrowest(jax.make_jaxpr(subject.pull_hand)(live, c).jaxpr) if execute.traceable else None
    unit = UNIT[reference or "float64"]
    if hand and UNIT[hand] <= max(unit, UNIT[subject.own.name]):
        return max(unit, UNIT[hand]), ""
    return unit, hand or ""


def _writeable(leaf: Any) -> Any:
    """An array of NumPy's, a copy of its own; a PRNG key or a static value as it is."""
    array = isinstance(leaf, jax.Array | np.ndarray) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.array(leaf) if array else leaf


def unwrapped(leaf: Any) -> np.ndarray:
    return np.asarray(leaf, np.float64)
