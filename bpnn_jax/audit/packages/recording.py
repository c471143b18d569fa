"""Which hand-written rules does this code call, and with what? Recorded while it runs, without a change to what it computes.

Inside ``recording()`` every call of a ``jax.custom_vjp``, a ``jax.custom_jvp`` or one of equinox's filtered forms leaves a copy of
its arguments, once per rule and kind of arguments. Under ``jax.grad`` and ``jax.vmap`` the numbers behind the tracers are taken.
Under ``jax.jit`` there are none: such a rule is ``traced`` until the code runs again under ``jax.disable_jit()``.
"""

import functools
import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import core, dtypes

from bpnn_jax.audit.packages.places import Place, body_of, closure, place_of

CALLS = 3  # kinds of arguments kept per rule: shapes, and static options
BYTES = 256 * 2**20  # of copies kept by one recording
INSPECTED = 2000  # calls per rule whose arguments are looked at, once one of them was kept

_active: list["Recording"] = []
_lock = threading.RLock()
_replaced: dict[type, tuple[Any, Any]] = {}  # class -> its own __call__, and what stands in its place


class Call(NamedTuple):
    """One call of a rule. ``arguments()`` gives them as they were, in new copies."""

    face: str  # "custom_vjp" or "custom_jvp"
    rule: Any
    treedef: Any
    leaves: list  # numbers as NumPy arrays
    device: list[bool]  # whether the leaf was JAX's
    shown: str  # for people: float32[3,4], 2, 'mean'
    label: str  # what ran: a test's name, a script's

    def arguments(self) -> tuple:
        pairs = zip(self.leaves, self.device, strict=True)
        return jax.tree.unflatten(self.treedef, [_given_back(leaf, device) for leaf, device in pairs])


@dataclass
class Recorded:
    """One rule: its calls with numbers, the kinds of call that had tracers alone, and what was left out."""

    place: Place
    kind: str
    calls: list[Call] = field(default_factory=list)
    traced: dict[Any, set[str]] = field(default_factory=dict)  # a kind of call -> where it was seen
    left_out: list[str] = field(default_factory=list)
    count: int = 0
    seen: set[Any] = field(default_factory=set)


class Enough(BaseException):
    """All that a run was repeated for has been recorded."""


class Recording:
    """The rules that were called, in the order of their first calls. ``label`` is written beside each call."""

    def __init__(self, calls: int = CALLS, most_bytes: int = BYTES):
        self.rules: dict[Place, Recorded] = {}
        self.label = ""
        self.bytes = 0
        self.unheard = ""  # what ran before recording could begin
        self.awaited: set[Any] | None = None  # kinds of call; ``Enough`` is raised when the last one was recorded
        self._calls, self._most_bytes = calls, most_bytes

    def unseen(self) -> dict[Any, set[str]]:
        """Kinds of call that had tracers alone, of rules for which more calls are wanted, and where each was seen."""
        with _lock:
            return {
                kind: set(where)
                for rule in self.rules.values()
                if len(rule.calls) < self._calls
                for kind, where in rule.traced.items()
            }

    def looked_at(self, face: str, rule: Any, args: tuple, kwargs: dict) -> "_Pending | None":
        """What to keep of this call, if anything; before the call, which may change or delete its arguments."""
        body = body_of(rule)
        place = place_of(body)
        with _lock:
            found = self.rules.setdefault(place, Recorded(place, type(rule).__name__))
            found.count += 1
            if len(found.calls) >= self._calls or (found.calls and found.count > INSPECTED):
                return None
        bound = _positional(rule, body, args, kwargs)
        if bound is None:
            found.left_out.append("a call whose keyword arguments have no position")
            return None
        callable_rule, args = bound
        leaves, treedef = jax.tree.flatten(args)
        numbers = [_behind(leaf) for leaf in leaves]
        kind = (
            place,
            str(treedef),
            *(_kind(leaf if n is _TRACED else n) for leaf, n in zip(leaves, numbers, strict=True)),
            *_closed_over(rule, body),
        )
        if any(n is _TRACED for n in numbers) or _closes_over_tracers(rule):
            with _lock:
                if kind not in found.seen and len(found.traced) < 8 * self._calls:
                    found.traced.setdefault(kind, set()).add(self.label)
            return None
        with _lock:
            if kind in found.seen:
                return None
        size = sum(getattr(n, "nbytes", 0) for n in (*numbers, *closure(body).values()))
        with _lock:
            if self.bytes + size > self._most_bytes:
                if len(found.left_out) < self._calls:
                    found.left_out.append(f"a call of {size:,} bytes, beyond the {self._most_bytes:,} that are kept")
                return None
            self.bytes += size  # before the copies are made: threads do not pass the limit together
        device = [isinstance(n, jax.Array) or n is not leaf for n, leaf in zip(numbers, leaves, strict=True)]
        shown = ", ".join(_shown(n) for n in numbers)
        call = Call(face, callable_rule, treedef, [_copy(n) for n in numbers], device, shown, self.label)
        return _Pending(self, found, kind, call, size)

    def keep(self, pending: "_Pending") -> None:
        """The call went well: it is one to audit."""
        with _lock:
            found = pending.found
            if pending.kind in found.seen or len(found.calls) >= self._calls:
                self.bytes -= pending.size
                return
            found.seen.add(pending.kind)
            found.traced.pop(pending.kind, None)
            found.calls.append(pending.call)
            if self.awaited is not None:
                self.awaited.discard(pending.kind)
                if not self.awaited:
                    raise Enough


class _Pending(NamedTuple):
    recording: Recording
    found: Recorded
    kind: Any
    call: Call
    size: int


@contextmanager
def recording(calls: int = CALLS, most_bytes: int = BYTES) -> Iterator[Recording]:
    """Record the rules called inside, in any thread; what JAX's classes were before is put back at the end.

    >>> import jax, jax.numpy as jnp
    >>> @jax.custom_jvp
    ... def square(x):
    ...     return x * x
    >>> _ = square.defjvp(lambda primals, tangents: (square(*primals), 2 * primals[0] * tangents[0]))
    >>> with recording() as seen:
    ...     _ = jax.grad(square)(3.0)
    >>> [(rule.place.name, call.shown) for rule in seen.rules.values() for call in rule.calls]
    [('square', 'float32[]')]
    """
    seen = Recording(calls, most_bytes)
    start(seen)
    try:
        yield seen
    finally:
        stop(seen)


def start(seen: Recording) -> None:
    with _lock:
        _active.append(seen)
        patch()


def stop(seen: Recording) -> None:
    with _lock:
        if seen in _active:
            _active.remove(seen)
        if _active:
            return
        for cls, (own, ours) in list(_replaced.items()):
            if vars(cls).get("__call__") is ours:  # else somebody wrapped ours, which records nothing any more
                cls.__call__ = own
            del _replaced[cls]


def patch() -> None:
    """Stand before the classes' ``__call__``; equinox's too, once it has been imported."""
    with _lock:
        classes: list[tuple[str, Any]] = [("custom_vjp", jax.custom_vjp), ("custom_jvp", jax.custom_jvp)]
        equinox = sys.modules.get("equinox")
        for face in ("custom_vjp", "custom_jvp"):
            classes += [(face, c)] if (c := getattr(equinox, f"filter_{face}", None)) is not None else []
        for face, cls in classes:
            if cls not in _replaced and isinstance(cls, type):
                own = vars(cls)["__call__"]
                ours = _standing_before(face, own)
                _replaced[cls] = own, ours
                cls.__call__ = ours  # type: ignore[method-assign]


def _standing_before(face: str, own: Any) -> Any:
    @functools.wraps(own)
    def called(self, *args, **kwargs):
        __tracebackhide__ = True
        kept = [p for seen in tuple(_active) if (p := _looked_at(seen, face, self, args, kwargs)) is not None]
        out = own(self, *args, **kwargs)
        for pending in kept:
            pending.recording.keep(pending)
        return out

    return called


def _looked_at(seen: Recording, face: str, rule: Any, args: tuple, kwargs: dict) -> _Pending | None:
    """Whatever an argument does when it is looked at, the code under test does not hear of it."""
    try:
        if _is_equinox_s_own(rule):
            patch()
            return None
        return seen.looked_at(face, rule, args, kwargs)
    except Exception:
        return None


def _is_equinox_s_own(rule: Any) -> bool:
    """The rule of JAX inside one of equinox's, which is recorded itself."""
    name = getattr(getattr(rule, "fun", None), "__qualname__", "")
    return name.startswith("filter_custom_") and "<locals>" in name and rule.fun.__module__.startswith("equinox")


def _positional(rule: Any, body: Any, args: tuple, kwargs: dict) -> tuple[Any, tuple] | None:
    """A rule and its arguments by position. equinox takes keywords for what it does not differentiate."""
    if not kwargs:
        return rule, args
    if type(rule).__module__.startswith("equinox"):
        return functools.partial(rule, **kwargs), args
    try:
        bound = inspect.signature(body).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    bound.apply_defaults()
    return None if bound.kwargs else (rule, bound.args)


_TRACED = object()


def _behind(leaf: Any) -> Any:
    """The numbers of a leaf: behind the tracers of ``grad``, ``jvp`` and ``vmap`` (its first example) there are some."""
    for _ in range(16):
        if not isinstance(leaf, core.Tracer):
            return np.asarray(leaf, leaf.dtype) if type(leaf).__module__ == "jax._src.literals" else leaf
        if hasattr(leaf, "primal"):
            leaf = leaf.primal
        elif hasattr(leaf, "batch_dim") and hasattr(leaf, "val"):
            axis, inner = leaf.batch_dim, _behind(leaf.val)
            if inner is _TRACED or not isinstance(axis, int):
                return inner
            if jnp.issubdtype(inner.dtype, dtypes.extended):
                return _TRACED
            return np.take(
                np.asarray(inner), 0, axis
            )  # NumPy: an operation of JAX would be traced into the caller's program
        else:
            return _TRACED
    return _TRACED


def _kind(leaf: Any) -> Any:
    """What makes two calls of a rule different: shapes, dtypes, and the values of what is no array."""
    if isinstance(leaf, bool | int | float | complex | str | bytes | None) and not isinstance(leaf, np.generic):
        return type(leaf).__name__, repr(leaf)
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        return tuple(leaf.shape), str(leaf.dtype)
    if callable(leaf):
        return place_of(leaf)
    return f"{type(leaf).__module__}.{type(leaf).__qualname__}"


def _closed_over(rule: Any, body: Any) -> tuple:
    """Options that stand in closures: of the function, and of its rule."""
    functions = (body, *(getattr(rule, name, None) for name in ("fwd", "bwd", "jvp", "fn_fwd", "fn_bwd")))
    return tuple((name, _kind(v)) for f in functions for name, v in sorted(closure(f).items()) if v is not rule)


def _closes_over_tracers(rule: Any) -> bool:
    functions = [getattr(rule, name, None) for name in ("fun", "fwd", "bwd", "jvp", "fn", "fn_fwd", "fn_bwd")]
    seen: set[int] = set()
    while functions:
        function = functions.pop()
        if id(function) in seen or len(seen) > 100:
            continue
        seen.add(id(function))
        inside = closure(function).values()
        if isinstance(function, functools.partial):
            inside = (*inside, function.func, *function.args, *function.keywords.values())
        for value in inside:
            if callable(value):
                functions.append(value)
            elif any(isinstance(leaf, core.Tracer) for leaf in jax.tree.leaves(value)):
                return True
    return False


def _copy(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array):
        return leaf if jnp.issubdtype(leaf.dtype, dtypes.extended) else np.array(leaf)
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _given_back(leaf: Any, device: bool) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    if device and dtypes.canonicalize_dtype(leaf.dtype) == leaf.dtype:
        return jax.numpy.asarray(leaf)
    return leaf.copy()


def _shown(leaf: Any) -> str:
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        return f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"
    try:
        return f"{place_of(leaf).name}" if callable(leaf) else " ".join(repr(leaf).split())[:40]
    except Exception:
        return type(leaf).__name__
