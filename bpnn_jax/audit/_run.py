"""Running a rule and its reference: in float64 or in the rule's own dtype, compiled where that is possible."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import Drawn, as_jax, cotangent
from bpnn_jax.audit._leaves import UNIT, cast_floats, is_float, take_apart
from bpnn_jax.audit._programs import narrowest
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


class Runner:
    """A rule and its reference as functions of (live leaves, cotangent), each compiled once a dtype."""

    def __init__(self, rule: Rule, seed: int):
        self.rule = rule
        self.arguments = rule.arguments
        self.own = self.arguments.dtype
        self.traceable = True
        self._cache: dict[Any, Any] = {}
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
        out, found = self._call("reference", Runner.pull_reference, (self.rule.fun,), drawn, dtype)
        return out, [np.asarray(leaf, np.float64) for leaf in found]

    def hand(self, drawn: Drawn, dtype: Any = None, scale: float = 1.0) -> list:
        """The rule's cotangents as it returned them (None stays None), computed in ``dtype`` or in the leaves' own."""
        if not self.traceable:
            return self.eager(drawn, dtype)
        try:
            return self._call("hand", Runner.pull_hand, self.rule.source, drawn, dtype, scale)
        except NOT_TRACEABLE:
            self.traceable = False  # NumPy, or Python control flow: run it as it is
            return self.eager(drawn, dtype)

    def returned(self, drawn: Drawn) -> list:
        """What the rule returns in the leaves' own dtypes, for its shapes and dtypes: not run where tracing tells."""
        if not self.traceable:
            return self.eager(drawn)
        with wide(self.own):
            live = as_jax(drawn.live, self.arguments)
            hand = self.compiled("hand", Runner.pull_hand, self.rule.source)
            return jax.eval_shape(hand, live, self._typed(self.cotangent, None))

    def eager(self, drawn: Drawn, dtype: Any = None) -> list:
        """The rule run without compilation; on NumPy arrays of its own if it cannot be traced."""
        with wide(dtype or self.own):
            live = as_jax(drawn.live, self.arguments, dtype)
            c = self._typed(self.cotangent, dtype)
            if self.traceable:
                return self.pull_hand(live, c)
            args, before = (jax.tree.map(_writeable, self.args(live)) for _ in range(2))
            inner = take_apart(args, self.arguments.argnums)
            found = inner.pick(self.rule.pullback(args, jax.tree.map(np.asarray, c)))
            pairs = [zip(*map(jax.tree.leaves, pair), strict=True) for pair in zip(before, args, strict=True)]
            same = [all(a is b or np.array_equal(a, b, equal_nan=is_float(a)) for a, b in pair) for pair in pairs]
            self.mutated = [f"argument {i}" for i, unchanged in enumerate(same) if not unchanged]
            return found

    mutated: list[str] = []  # noqa: RUF012 - arguments that an untraceable rule changed in place, last time
    casts = False  # the reference itself leaves float64
    unit = UNIT["float64"]  # the roundoff of the algebra: coarser once ``find_unit`` found a cast that is meant
    narrowed = ""  # a dtype that the rule casts to, narrower than its arguments and its reference need

    def find_unit(self, drawn: Drawn) -> None:
        """Look for casts to less than float64, which no float64 run undoes.

        As coarse as the arguments or as the reference itself, and that is the precision to judge in; coarser, and it is a mistake.
        """
        with wide(jnp.float64):
            live = as_jax(drawn.live, self.arguments, jnp.float64)
            c = self._typed(self.cotangent, jnp.float64)
            reference = narrowest(jax.make_jaxpr(self.pull_reference)(live, c).jaxpr)
            hand = narrowest(jax.make_jaxpr(self.pull_hand)(live, c).jaxpr) if self.traceable else None
        self.unit = UNIT[reference or "float64"]
        if hand and UNIT[hand] <= max(self.unit, UNIT[self.own.name]):
            self.unit = max(self.unit, UNIT[hand])
        elif hand:
            self.narrowed = hand

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

    def shared(self, name: str, source: tuple) -> tuple[dict, Any]:
        """(a cache, a key in it) for what depends on ``source``, the author's functions: across audits inside ``reusing``."""
        if _reused:
            key = (name, source, self.rule.kind, self.arguments.fixed)
            try:
                hash(key)
                return _reused[-1], key
            except TypeError:  # an array of integers, say: a constant of the compiled function
                pass
        return self._cache, name

    def compiled(self, name: str, function: Callable, source: tuple) -> Callable:
        """``function(runner, live, c)`` as a compiled function of (live, c). ``source``: the author's functions in it."""
        cache, key = self.shared(name, source)
        carried = [] if cache is self._cache else self.arguments.carried
        if key not in cache:

            def traced(live, c, carried):
                runner = copy.copy(self)
                runner.arguments = self.arguments.carry(carried) if carried else self.arguments
                return function(runner, live, c)

            cache[key] = jax.jit(traced)
        return lambda live, c: cache[key](live, c, carried)

    def _call(self, name: str, function: Callable, source: tuple, drawn: Drawn, dtype: Any, scale: float = 1.0) -> Any:
        with wide(dtype or self.own):
            live = as_jax(drawn.live, self.arguments, dtype)
            c = self._typed(self.cotangent, dtype, scale)
            return self.compiled(name, function, source)(live, c)


def _writeable(leaf: Any) -> Any:
    """An array of NumPy's, a copy of its own; a PRNG key or a static value as it is."""
    array = isinstance(leaf, jax.Array | np.ndarray) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.array(leaf) if array else leaf


def unwrapped(leaf: Any) -> np.ndarray:
    return np.asarray(leaf, np.float64)


def finite(leaves: list) -> bool:
    return all(np.isfinite(leaf).all() for leaf in leaves if is_float(leaf))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0]}"
