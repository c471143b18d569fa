"""Named intermediates. ``stage("scores", x)`` is x; inside an audit a zero is added to it, whose cotangent is the reference's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _cause
from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import bound_float64, ratio
from bpnn_jax.audit._leaves import UNIT, numbers
from bpnn_jax.audit._report import Stage
from bpnn_jax.audit._subject import Subject, wide
from bpnn_jax.errors import InputError, unknown

_listeners: list[Callable[[str, Any], Any]] = []


def stage(name: str, x: Any) -> Any:
    """Name an intermediate of a reference function: an identity, except inside an audit.

    >>> stage("scores", 3.0)
    3.0
    """
    return _listeners[-1](name, x) if _listeners else x


@contextmanager
def _listening(listener: Callable[[str, Any], Any]) -> Iterator[None]:
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.pop()


class Tapped:
    """A reference with its stages: their values, and their cotangents by autodiff."""

    def __init__(self, execute: Executor):
        self.execute = execute
        example = execute.subject.example

        def names() -> tuple[str, ...]:  # in the order of the forward pass: jax's own dictionaries are sorted
            with wide(execute.subject.widest):
                subject, live, _ = execute.subject.at(example, execute.subject.widest)
                return tuple(_shapes(subject, live))

        self.names = execute.traced("names of the stages", (execute.subject.rule.fun,), example, names)

    def values_and_cotangents(self, drawn: Drawn, dtype: Any) -> tuple[dict, dict]:
        """For each stage its value and its reference cotangent, as NumPy float64 arrays."""
        with wide(dtype):
            pull = self.execute.compiled("stages", _pull, (self.execute.subject.rule.fun,))
            found = pull(*self.execute.subject.inputs(drawn, dtype))
        return jax.tree.map(numbers, found)


def _shapes(subject: Subject, live: list) -> dict[str, Any]:
    """The shape and dtype of each stage, in the order in which the reference names them."""
    shapes: dict[str, Any] = {}

    def record(name, x):
        if name in shapes:
            raise InputError(f"expected each stage to be named once, got {name!r} twice")
        shapes[name] = jax.typeof(x)
        return x

    def look(live):
        with _listening(record):
            return subject.rule.fun(*subject.args(live))

    jax.eval_shape(look, live)
    return shapes


def _pull(subject: Subject, live: list, c: Any) -> tuple[dict, dict]:
    def tapped(taps):
        values = {}

        def add(name, x):
            values[name] = x
            return x + taps[name]

        with _listening(add):
            out = subject.rule.fun(*subject.args(live))
        return out, values

    taps = {name: jnp.zeros(found.shape, found.dtype) for name, found in _shapes(subject, live).items()}
    _, pull, values = jax.vjp(tapped, taps, has_aux=True)
    return values, pull(c)[0]


def judge(tapped: Tapped, hands: Mapping[str, Callable], drawn: list[Drawn]) -> list[Stage]:
    """Each hand-written stage alone, from the output down: it is given the reference's cotangents, not its neighbours' own.

    ``hands[name](cotangents, values, *args)`` returns the cotangent of that stage. ``cotangents`` maps the names of all stages
    to reference cotangents, and "output" to the output's; ``values`` maps names to values. What it asks for above its own stage is
    therefore right, so that one mistake stays where it was made.
    """
    for name in hands:
        if name not in tapped.names:
            raise unknown("stage", name, tapped.names)
    worst = dict.fromkeys(tapped.names, (0.0, 0.0, 0.0))
    causes: dict[str, str] = {}
    for d in drawn:
        values, cotangents = tapped.values_and_cotangents(d, jnp.float64)
        _, low = tapped.values_and_cotangents(d, jnp.float32)
        above = {**cotangents, "output": tapped.execute.subject.cotangent}
        args = jax.tree.map(_numpy, _arguments(tapped.execute, d))
        for name, hand in hands.items():
            others = {k: v for k, v in above.items() if k != name}
            with wide(jnp.float64):
                found = numbers(hand(others, values, *args))
            allowed = bound_float64(cotangents[name], low[name], UNIT["float32"])
            r, index = ratio(found, cotangents[name], allowed)
            if r > 1 and found.shape == cotangents[name].shape:
                allowed += _lost(lambda v, h=hand, o=others, a=args: h(o, v, *a), values, found)
                r, index = ratio(found, cotangents[name], allowed)
            fits = found.shape == cotangents[name].shape
            error = float(abs(found - cotangents[name])[index]) if fits else float("inf")
            if r > 1 and not causes.get(name):
                causes[name] = _cause.guess(found, cotangents[name], {}, _factors(values))
            if r >= worst[name][0]:
                worst[name] = (r, error, allowed)
    stages = []
    for name in reversed(tapped.names):
        r, error, allowed = worst[name]
        verdict = "not judged" if name not in hands else "correct" if r <= 1 else "wrong"
        stages.append(Stage(name, verdict, error, allowed, causes.get(name, "")))
    return stages


NUDGES = 3
SCATTER = (
    4  # times the largest of three nudges: the largest of 10 000 stays below that, for a normal or a uniform scatter
)


def _lost(
    hand: Callable[[Mapping[str, np.ndarray]], Any], values: Mapping[str, np.ndarray], found: np.ndarray
) -> float:
    """What a stage may lose because the values it is given are rounded: how far it moves when they move by a unit in the last place.

    Near saturation that can be all of it: 1 - a² of an a that is 1 but for its last bit. A stage that is wrong moves as little as
    the right one.
    """
    random, largest = np.random.default_rng(0), 0.0
    for _ in range(NUDGES):
        moved = {
            name: value * (1 + UNIT["float64"] * random.choice([-2.0, 2.0], np.shape(value)))
            for name, value in values.items()
        }
        with wide(jnp.float64):
            off = abs(numbers(hand(moved)) - found)
        largest = max(largest, float(np.max(off, initial=0.0)))
    return SCATTER * largest if np.isfinite(largest) else 0.0


def _factors(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a derivative is made of, in terms of the stages' values: a factor that is missing may be one of these."""
    found = {}
    for name, v in values.items():
        found |= {name: v, f"1 - {name}": 1 - v, f"1 + {name}": 1 + v, f"1 - {name}²": 1 - v * v, f"{name}²": v * v}
        found |= {f"{name}(1 - {name})": v * (1 - v)}
    return found


def _arguments(execute: Executor, drawn: Drawn) -> tuple:
    with wide(jnp.float64):
        subject, live, _ = execute.subject.at(drawn, jnp.float64)
        return subject.args(live)


def _numpy(leaf: Any) -> Any:
    return (
        np.asarray(leaf)
        if isinstance(leaf, jax.Array) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        else leaf
    )
