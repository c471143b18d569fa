"""What to tell about a wrong leaf besides its numbers: a guess at the cause, and the smallest draw that shows it."""

import contextlib
import re
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _cause, _programs, _repair
from bpnn_jax.audit._draws import Drawn, bounds, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of, judge, ratio
from bpnn_jax.audit._leaves import UNIT, dtype_of, numbers
from bpnn_jax.audit._siblings import siblings
from bpnn_jax.audit._subject import Subject, sibling, wide

EXPLAINED = 3  # failing draws that a guess must explain
SATURATED = 1e-3  # of the leaf's size on another draw: f' = 1 - a² has then lost three digits and more
PASTED = 64  # elements of all arguments together that are printed to be copied


class Explanations:
    """Of what is wrong in a rule. What they are drawn from is computed when something is wrong, and once."""

    def __init__(self, execute: Executor):
        self.execute = execute
        self._known: dict[str, dict[str, np.ndarray]] = {}

    def known(self, drawn: Drawn) -> dict[str, np.ndarray]:
        """Values at a draw that a missing factor may equal."""
        if drawn.name not in self._known:
            self._known[drawn.name] = _intermediates(self.execute, drawn)
        return self._known[drawn.name]

    @cached_property
    def sizes(self) -> dict[int, str]:
        return _sizes(self.execute)

    def shape(self, hand: np.ndarray, exact: np.ndarray) -> str:
        """A guess at why a leaf has another shape."""
        return _cause.guess(hand, exact, self.sizes, {})

    def cause(self, i: int, j: Judged, first: Judged, failing: list[Judged]) -> str:
        """A guess at why leaf ``i`` is wrong on draw ``j``; one from the numbers of a draw must explain every draw that fails."""
        draws = _telling(i, [first, *(f for f in failing if f is not first)])[:EXPLAINED]
        guesses = []
        for guess in (lambda: self._cause(i, j, draws[0], draws), lambda: _repair.told(self.execute, i, draws)):
            with contextlib.suppress(Exception):  # the function raises outside its domain: that costs the guess
                guesses.append(guess())
        return "; ".join(filter(None, guesses))

    def _cause(self, i: int, j: Judged, first: Judged, failing: list[Judged]) -> str:
        whole = _narrowed(self.execute, i, j) or _swapped(self.execute, i, first) or _of_cotangents(self.execute, first)
        if whole:
            return whole
        guesses = [_cause.guess(f.hand[i], f.exact[i], self.sizes, self.known(f.drawn)) for f in failing]
        told = guesses[0] if len(set(guesses)) == 1 else ""
        return told or _stateful(self.execute, i, j) or _forgotten(self.execute, i, j)

    def smallest(self, i: int, j: Judged) -> dict[str, Any]:
        """Leaf after leaf zeroed or rounded as long as leaf ``i`` stays wrong: a draw as small as can be found."""
        return _shrink(self.execute, i, j)


def _telling(i: int, failing: list[Judged]) -> list[Judged]:
    """The draws at which leaf ``i`` is not all but 0 beside the others: a saturated one has no digits that a guess could explain."""
    sizes = [abs(f.exact[i][np.isfinite(f.exact[i])]).max(initial=0.0) for f in failing]
    return [f for f, size in zip(failing, sizes, strict=True) if size >= SATURATED * max(sizes)]


def _narrowed(execute: Executor, i: int, j: Judged) -> str:
    size = abs(j.exact[i][np.isfinite(j.exact[i])]).max(initial=0.0)
    small = (
        execute.subject.narrowed and ratio(j.hand[i], j.exact[i], 64 * UNIT[execute.subject.narrowed] * size)[0] <= 1
    )
    return f"a cast to {execute.subject.narrowed} in the rule" if small else ""


def _swapped(execute: Executor, i: int, j: Judged) -> str:
    for k, name in enumerate(execute.subject.arguments.names):
        if k != i and ratio(j.hand[i], j.exact[k], j.allowed[k])[0] <= 1 and j.exact[k].any():
            return f"it is the gradient of {name}"
    return ""


def _of_cotangents(execute: Executor, j: Judged) -> str:
    """Whether the cotangent, or that of one output, makes no difference to the rule."""
    subject = execute.subject
    if not subject.rule.linear:
        return ""
    leaves, treedef = jax.tree.flatten(subject.cotangent)
    width = subject.widest

    def without(chosen: list[int]) -> list[np.ndarray]:
        other = [leaf * -1.7 + 0.3 if n in chosen else leaf for n, leaf in enumerate(leaves)]
        changed = Executor(replace(subject, cotangent=jax.tree.unflatten(treedef, other)), execute.cache)
        return [np.zeros(()) if leaf is None else numbers(leaf) for leaf in changed.hand(j.drawn, width)]

    here = [np.zeros(()) if leaf is None else numbers(leaf) for leaf in execute.hand(j.drawn, width)]

    def alike(found: list[np.ndarray]) -> bool:
        return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, here, strict=True))

    if alike(without(list(range(len(leaves))))):
        return "the cotangent is not multiplied in: it makes no difference"
    idle = [n for n in range(len(leaves)) if len(leaves) > 1 and alike(without([n]))]
    return f"the cotangent of output {', '.join(map(str, idle))} has no effect" if idle else ""


def _stateful(execute: Executor, i: int, j: Judged) -> str:
    """Whether a rule that is run as it is gives the right gradient on the first call in a new shape, and not on the next."""
    if execute.traceable:
        return ""
    rule = execute.subject.rule
    for other in islice(siblings(rule.arguments, False), 4):
        try:
            assert rule.again is not None
            at = execute.at(sibling(execute.subject, rule.again(other.args), 0))
            draws = inputs(at.subject.arguments, 3, 5, bounds(at.subject.arguments))[1:]
            right = []
            for drawn in draws:
                _, hand, exact = at.both(drawn)
                size = abs(exact[i]).max(initial=0.0)
                right.append(bool((abs(cotangent_of(hand[i], exact[i]) - exact[i]) <= 1e-6 * size).all()))
        except Exception:  # the function does not take these shapes
            continue
        if right == [True, False]:
            return "state: the first call in a new shape is right, and the next gives what belongs to an earlier call"
    return ""


def _forgotten(execute: Executor, i: int, j: Judged) -> str:
    """Whether leaf ``i`` is right as soon as some leaf is all ones: then a factor of that leaf is forgotten."""
    for k, name in enumerate(execute.subject.arguments.names):
        live = [np.ones_like(a) if n == k else a for n, a in enumerate(j.drawn.live)]
        tried = judge(execute, j.drawn._replace(name="ones", live=live))
        live_still = abs(tried.exact[i]).max(initial=0.0) > 1e-6 * abs(j.exact[i]).max(initial=0.0)
        if live_still and ratio(tried.hand[i], tried.exact[i], tried.allowed[i])[0] <= 1:
            return f"right only where {name} is all ones: a factor of it is forgotten, or stands where it should not"
    return ""


def _shrink(execute: Executor, i: int, j: Judged) -> dict[str, Any]:
    """Halve, then zero, leaf after leaf, as long as leaf ``i`` stays wrong: the smallest draw that shows the mistake."""
    best = j
    for k in range(len(j.drawn.live)):
        for change in (lambda a: a * 0.0, np.round, lambda a: np.round(a, 1)):
            live = [change(a) if n == k else a for n, a in enumerate(best.drawn.live)]
            try:
                tried = judge(execute, best.drawn._replace(name=f"{j.drawn.name}, made smaller", live=live))
            except Exception:  # outside of the function's domain
                continue
            r, _ = ratio(tried.hand[i], tried.exact[i], tried.allowed[i])
            if np.isfinite(r) and r > 1:
                best = tried
                break
    shown = {}
    for name, a in zip(execute.subject.arguments.names, best.drawn.live, strict=True):
        shown[name] = np.array2string(a, threshold=8, precision=4) if a.size <= 12 else f"{a.shape}, {_describe(a)}"
    return {"draw": best.drawn.name, "values": shown, "paste": _paste(execute, best.drawn)}


def _paste(execute: Executor, drawn: Drawn) -> str:
    """The arguments as Python, where they are few enough to be copied."""
    arguments = execute.subject.arguments
    if sum(a.size for a in drawn.live) + sum(np.size(a) for a in arguments.others) > PASTED:
        return ""
    live = [_code(a, dtype_of(e)) for a, e in zip(drawn.live, arguments.examples, strict=True)]
    carried = [_code(np.asarray(a), np.asarray(a).dtype) for a in drawn.carried or arguments.others]
    args = jax.tree.map(_key_code, arguments.join(live, carried), is_leaf=lambda a: isinstance(a, _Code))
    return f"args = {args!r}"


def _key_code(leaf: Any) -> Any:
    """A PRNG key as Python, anything else as it is."""
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = np.asarray(jax.random.key_data(leaf))
        return _Code(
            f"jax.random.wrap_key_data(np.array({data.tolist()}, 'uint32'), impl={str(jax.random.key_impl(leaf))!r})"
        )
    return leaf


def _code(a: np.ndarray, dtype: np.dtype) -> "_Code":
    """An array as Python, with no more digits than its dtype has."""
    values = a.tolist()
    if a.dtype.kind == "f" and dtype.itemsize <= 4:
        values = np.vectorize(lambda v: float(str(np.float32(v))), otypes=[object])(a).tolist() if a.size else values
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(values))
    return _Code(f"np.array({text}, {dtype.name!r})")


class _Code:
    """What stands for an array in a tuple of arguments that is printed."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _describe(a: np.ndarray) -> str:
    return "all 0" if not a.any() else f"from {a.min():.4g} to {a.max():.4g}"


def _intermediates(execute: Executor, drawn: Drawn) -> dict[str, np.ndarray]:
    """What a missing factor may equal: the arguments, then what the reference's own pullback computes, by the line that does."""

    def program(subject: Subject, live: list, c: Any) -> tuple[_programs.Program, list]:
        flat = jax.tree.leaves((live, c))
        return _programs.flatten(jax.make_jaxpr(lambda a, b: subject.pull_reference(a, b)[1])(live, c)), flat

    widest = execute.subject.widest
    with wide(widest):
        run = execute.compiled(
            "intermediates", lambda *args: _programs.run(*program(*args)), (execute.subject.rule.fun,)
        )
        slots = run(*execute.subject.inputs(drawn, widest))
        subject, live, c = execute.subject.at(drawn, widest)
        operations = program(subject, live, c)[0].operations
    shapes = {np.shape(a) for a in live}
    found = {name: numbers(a) for name, a in zip(execute.subject.arguments.names, live, strict=True)}
    for operation in operations:
        out = slots[operation.outputs[0]]
        if np.shape(out) in shapes and jnp.issubdtype(jnp.result_type(out), jnp.inexact) and len(found) < 200:
            found.setdefault(f"the {operation.name} of {operation.where}", numbers(out))
    return found


def _sizes(execute: Executor) -> dict[int, str]:
    """Lengths by which a gradient is divided by mistake: every axis of every array among the arguments."""
    found: dict[int, str] = {}
    for number, argument in enumerate(execute.subject.arguments.args):
        for leaf in jax.tree.leaves(argument):
            for axis, n in enumerate(np.shape(leaf)):
                found.setdefault(int(n), f"the length of axis {axis} of argument {number}")
    for number, argument in enumerate(execute.subject.arguments.args):
        for leaf in jax.tree.leaves(argument):
            found.setdefault(int(np.size(leaf)), f"the number of elements of argument {number}")
    return found
