"""JAX runs a subject: in float64 or in the rule's own dtype, compiled where that is possible.

Checks ask an executor for four things (``reference``, ``hand``, ``eager``, ``returned``) and for a compiled function of their own;
another executor stands beside this one by answering the same.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._compiling import quick
from bpnn_jax.audit._draws import Drawn, in_dtype
from bpnn_jax.audit._leaves import StructureError, is_float, numbers, unit_of
from bpnn_jax.audit._pull import weighed
from bpnn_jax.audit._reused import shapes, store
from bpnn_jax.audit._subject import NOT_TRACEABLE, Subject, wide


class Eager(NamedTuple):
    """A run without compilation: the rule's cotangents, and the arguments that it changed in place."""

    leaves: list
    mutated: tuple[str, ...]


class Both(NamedTuple):
    """One draw in the widest precision. ``value``: <cotangent, f>."""

    value: float
    hand: list
    exact: list[np.ndarray]


class How(NamedTuple):
    """The way in which a rule can be run. ``carried``: whether the carried arrays may change without another compilation."""

    traced: bool
    carried: bool
    arrays: str  # "jax" or "numpy", for a run without tracing
    width: Any
    failure: str = ""


class Executor:
    """Runs one subject, each of its functions compiled once per dtype."""

    def __init__(self, subject: Subject, cache: dict | None = None):
        self.subject = subject
        self.cache: dict[Any, Any] = {} if cache is None else cache

    def at(self, subject: Subject) -> "Executor":
        """An executor of the same rule at other shapes, which is run in the same way."""
        return Executor(subject, {"how": self.how})

    def judging_in(self, unit: float, narrowed: str = "") -> "Executor":
        """The same with another precision to judge in; what is compiled is shared."""
        return Executor(replace(self.subject, unit=max(unit, self.subject.unit), narrowed=narrowed), self.cache)

    @property
    def how(self) -> How:
        """The first way in which the rule runs at the example."""
        if "how" not in self.cache:
            self.cache["how"] = self._find_out()
        return self.cache["how"]

    @property
    def traceable(self) -> bool:
        """Whether JAX can trace the rule; NumPy, or Python control flow, is run as it is."""
        return self.how.traced

    def _find_out(self) -> How:
        subject, error = self.subject, None
        numpy_first = subject.rule.kind == "gradient"
        for width in dict.fromkeys((subject.widest, subject.own)):
            with wide(width):
                live, c, carried = subject.inputs(subject.example, None if width == subject.own else width)
                # A gradient that reads what it is not asked about with NumPy is NumPy's: run as it is.
                for traced in (True,) if numpy_first else (True, False):
                    try:
                        run = lambda live, c, carried: subject.carrying(carried).pull_hand(live, c)  # noqa: E731
                        if traced:
                            jax.eval_shape(run, live, c, carried)
                        else:
                            jax.eval_shape(lambda live, c: run(live, c, carried), live, c)  # noqa: B023
                        return How(True, traced, "jax", width)
                    except StructureError:
                        raise
                    except Exception as failed:
                        error = error or failed
            for arrays in ("numpy", "jax") if numpy_first else ("jax", "numpy"):
                how = How(False, True, arrays, width)
                try:
                    self._eagerly(how, subject.example, width, 1.0)
                    return how
                except StructureError:
                    raise
                except Exception as failed:
                    error = failed if isinstance(error, NOT_TRACEABLE) else error
        said = str(error).splitlines()[0] if str(error) else ""
        return How(False, False, "jax", subject.widest, f"{type(error).__name__}: {said}")

    def reference(self, drawn: Drawn, dtype: Any = None) -> list[np.ndarray]:
        """The reference's cotangents by autodiff as float64 arrays, computed in ``dtype`` or in the leaves' own."""
        _, found = self._call("reference", Subject.pull_reference, (self.subject.rule.fun,), drawn, self._width(dtype))
        return self.subject.on_set([numbers(leaf) for leaf in found], drawn)

    def value(self, drawn: Drawn) -> Callable[[list], float]:
        """<cotangent, f> in the widest precision, as a function of the live leaves of a draw."""
        jitted = self.compiled("value", Subject.weighed, (self.subject.rule.fun,))
        width = self._width(self.subject.widest)
        with wide(width):
            _, c, carried = self.subject.inputs(drawn, width)

        def value(live: list) -> float:
            with wide(width):
                return float(jitted(in_dtype(live, self.subject.arguments, width), c, carried))

        return value

    def hand(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> list:
        """The rule's cotangents as it returned them (None stays None), computed in ``dtype`` or in the leaves' own."""
        if not self.traceable:
            return self.eager(drawn, dtype, scale).leaves
        found = self._call("hand", Subject.pull_hand, self.subject.rule.source, drawn, self._width(dtype), scale)
        return self.subject.on_set(found, drawn)

    def both(self, drawn: Drawn) -> Both:
        """The function's value, the rule's cotangents and the reference's, out of one program where the rule can be traced."""
        widest = self.subject.widest
        if not self.traceable or self.subject.mode == "differences":
            return Both(self.value(drawn)(drawn.live), self.hand(drawn, widest), self.reference(drawn, widest))
        source = (*self.subject.rule.source, self.subject.rule.fun)
        value, hand, exact = self._call("both", _both, source, drawn, self._width(widest))
        on_set = self.subject.on_set
        return Both(float(value), on_set(hand, drawn), on_set([numbers(leaf) for leaf in exact], drawn))

    def _width(self, dtype: Any) -> Any:
        """``dtype``, or where rule or reference do not run in it the widest in which they do."""
        widest = max(self.how.width, self.subject.widest, key=unit_of)
        return widest if dtype is not None and unit_of(dtype) < unit_of(widest) else dtype

    def returned(self, drawn: Drawn) -> list:
        """What the rule returns in the leaves' own dtypes, for its shapes and dtypes: not run where tracing tells."""
        if not self.traceable:
            return self.eager(drawn).leaves
        with wide(self.subject.own):
            if not self.how.carried:  # a jit with options of its own is no part of another trace
                subject, live, c = self.subject.at(drawn, None)
                return jax.eval_shape(subject.pull_hand, live, c)
            hand = self.compiled("hand", Subject.pull_hand, self.subject.rule.source)
            return jax.eval_shape(hand, *self.subject.inputs(drawn))

    def eager(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0, layout: Callable | None = None) -> Eager:
        """The rule run without compilation; on NumPy arrays of its own, laid out by ``layout``, if that is what it takes."""
        found = self._eagerly(self.how, drawn, self._width(dtype), scale, layout)
        return found._replace(leaves=self.subject.on_set(found.leaves, drawn))

    def _eagerly(self, how: How, drawn: Drawn, dtype: Any, scale: float, layout: Callable | None = None) -> Eager:
        subject = self.subject
        with wide(dtype or subject.own):
            live, c, carried = subject.inputs(drawn, dtype, scale)
            subject = subject.carrying(carried)
            if how.arrays == "jax":
                return Eager(subject.pull_hand(live, c), ())
            args, before = (jax.tree.map(_writeable, subject.args(live)) for _ in range(2))
            args = jax.tree.map(lambda a: layout(a) if isinstance(a, np.ndarray) else a, args) if layout else args
            found = subject.arguments.like(args).pick(
                subject.rule.pullback(args, jax.tree.map(np.asarray, subject.filled(c)))
            )
            found = [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in found]
            pairs = [zip(*map(jax.tree.leaves, pair), strict=True) for pair in zip(before, args, strict=True)]
            same = [all(a is b or np.array_equal(a, b, equal_nan=is_float(a)) for a, b in pair) for pair in pairs]
            return Eager(found, tuple(f"argument {i}" for i, unchanged in enumerate(same) if not unchanged))

    def shared(self, name: str, source: tuple) -> tuple[dict, Any]:
        """(a cache, a key in it) for what depends on ``source``, the author's functions: across audits inside ``reusing``."""
        subject = self.subject
        key = (name, source, subject.rule.kind, subject.mode, subject.arguments.fixed)
        kept = store(key) if self.how.carried else None
        return (self.cache, name) if kept is None else (kept, key)

    def traced(self, name: str, source: tuple, drawn: Drawn, make: Callable[[], Any]) -> Any:
        """What a trace of ``source``, the author's functions, tells at the shapes of a draw: ``make()``, once for each of them."""
        cache, key = self.shared(name, source)
        key = (key, None if cache is self.cache else shapes(self.subject.arguments, drawn.carried))
        if key not in cache:
            cache[key] = make()
        return cache[key]

    def compiled(self, name: str, function: Callable, source: tuple) -> Callable:
        """``function(subject, live, c)`` as a compiled function of ``subject.inputs``. ``source``: the author's functions in it."""
        cache, key = self.shared(name, source)
        if key not in cache:
            if self.how.carried:
                run = lambda live, c, carried: function(self.subject.carrying(carried), live, c)  # noqa: E731
                cache[key] = jax.jit(run, compiler_options=quick())
            else:  # the carried arrays are read while the rule is traced: constants, the example's own
                cache[key] = self._with_constants(function)
        return cache[key]

    def _with_constants(self, function: Callable) -> Callable:
        jitted: dict[Any, Callable] = {}

        def run(live: list, c: Any, carried: list) -> Any:
            key = tuple(leaf.dtype for leaf in live)
            if key not in jitted:
                fixed = lambda live, c: function(self.subject.carrying(carried), live, c)  # noqa: E731
                jitted[key] = jax.jit(fixed, compiler_options=quick())
            return jitted[key](live, c)

        return run

    def _call(self, name: str, function: Callable, source: tuple, drawn: Drawn, dtype: Any, scale: float = 1.0) -> Any:
        with wide(dtype or self.subject.own):
            return self.compiled(name, function, source)(*self.subject.inputs(drawn, dtype, scale))


def _both(subject: Subject, live: list, c: Any) -> tuple[jax.Array, list, list]:
    out, exact = subject.pull_reference(live, c)
    return weighed(out, c), subject.pull_hand(live, c), exact


def _writeable(leaf: Any) -> Any:
    """An array of NumPy's, a copy of its own; a PRNG key or a static value as it is."""
    array = isinstance(leaf, jax.Array | np.ndarray) and not jnp.issubdtype(leaf.dtype, jax.dtypes.extended)
    return np.array(leaf) if array and leaf.dtype != jax.dtypes.float0 else leaf
