"""The rule at other shapes and with other static numbers: what the function takes there, the rule is held to."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np

from bpnn_jax.audit import _vary, _words, _work
from bpnn_jax.audit._draws import ALIKE, Bounds, Drawn, between, bounds, exactly, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import NARROW, cotangent_of, judge, loosened, off, together
from bpnn_jax.audit._leaves import Arguments, numbers, unit_of
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._precision import judging
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._siblings import Sibling, longer, shapes, siblings
from bpnn_jax.audit._subject import Subject, sibling, wide
from bpnn_jax.audit._vanishing import vanishes
from bpnn_jax.audit.checks import Seen, values

# A sibling's leaf this near, relative to its own or to any leaf's largest element, is right; what is further off is judged in full.
NEAR, NEAR_ZERO = 1e-9, 1e-14
SINGULAR, NUDGE = 0.01, 1e-12  # of a leaf, what so small a relative change of the arguments may do to the reference
LARGE, FEW = (
    2**16,
    4,
)  # elements of an example from which only so many siblings are tried: each takes as long as a small audit


class Elsewhere(NamedTuple):
    """What the siblings found; which were tried; and both in words for the report."""

    findings: list[Finding]
    tried: list[str]
    varied: list[str]
    kept: list[str]


class RuleFailsError(Exception):
    """The function takes these arguments, and the rule does not."""


def carried_out(execute: Executor, options: Options, most: int, late: float | None) -> Elsewhere:
    """At most ``most`` siblings, until something is wrong."""
    rule = execute.subject.rule
    if rule.again is None or most == 0 or callable(options.domain):
        return Elsewhere([], [], [], ["shapes"] if most == 0 else [])
    tried: list[str] = []
    failed: dict[str, str] = {}
    covered: set[str] = set()
    cut, costs = 0, _work.Costs(execute)
    few = most > FEW and sum(int(np.size(leaf)) for leaf in rule.arguments.leaves if hasattr(leaf, "dtype")) > LARGE
    most = FEW if few else most
    found: list[Finding] | None = []
    for other in siblings(rule.arguments, rule.kind != "gradient", _words.of((*rule.source, rule.body))):
        if len(tried) >= most:
            break
        if other.what in covered:
            continue
        if late is not None and time.process_time() > late:
            cut += 1
            continue
        if other.large and costs.grow(lambda args=other.smaller: _accepted(execute, args, options.seed)):
            continue
        there = _accepted(execute, other.args, options.seed)
        if there is None or (other.large and not costs.admit(there)):
            continue
        try:
            found = _at(there, rule.arguments, options, other)
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else ""
            failed.setdefault(
                other.what, said if isinstance(error, RuleFailsError) else f"{type(error).__name__}: {said}"
            )
            continue
        if found is None:
            continue
        tried.append(other.what)
        covered.update(other.covers)
        if found:
            break
    kept = [f"{what} (the rule fails there: {why[:100]})" for what, why in list(failed.items())[:2]]
    if cut:
        kept.append("further shapes, for want of time")
    if few and len(tried) == FEW and not found:
        kept.append(f"further shapes (the example has more than {LARGE} numbers: examples= takes others)")
    if any(what.startswith("argument") for what in tried):
        kept.append("a setting together with lengths other than n + 1")
    if not any(what.startswith("length") for what in tried):
        kept.append("shapes (the function takes no other)")
    if not found:
        kept += _longest(execute.subject.arguments, tried)
    return Elsewhere(found or [], tried, [f"shapes and settings ({', '.join(tried)})"] if tried else [], kept)


def _longest(arguments: Arguments, tried: list[str]) -> list[str]:
    """Up to which length and size the rule was looked at: a counter or an offset that overflows does so above that."""
    lengths = [int(n) for what in tried if what.startswith("length") for n in re.findall(r"as (\d+)", what)]
    longest = max([*lengths, _vary.largest_length(arguments)])
    return [f"lengths above {longest}"]


def _accepted(execute: Executor, args: tuple, seed: int) -> Executor | None:
    rule = execute.subject.rule
    try:
        assert rule.again is not None
        there = rule.again(args)
        if len(there.arguments.live) != len(rule.arguments.live):
            return None
        return execute.at(sibling(execute.subject, there, seed))
    except Exception:  # the function does not take these arguments
        return None


def _at(execute: Executor, parent: Arguments, options: Options, other: Sibling) -> list[Finding] | None:
    """Findings at a sibling; None where the function is not finite there, or takes it by broadcasting alone."""
    where = shapes(other.args) if other.what.startswith(("length", "one axis")) else other.what
    found: list[Finding] = []
    for drawn in _draws(execute, options, where, other.large):
        value, hand, exact = execute.both(drawn)
        if not all(np.isfinite(g).all() for g in exact):
            return None
        for name, h, g in zip(execute.subject.arguments.names, hand, exact, strict=True):
            if h is not None and np.shape(h) != np.shape(g):
                raise RuleFailsError(f"a cotangent of shape {np.shape(h)} for {name}, which has {np.shape(g)}")
        # A count that overflows does so in the half precision that the rule is meant to run in.
        if _near(hand, exact, execute.subject) and not (other.large and unit_of(execute.subject.own) > NARROW):
            continue
        if _is_written_in(
            execute, drawn, _lengths(parent) - _lengths(execute.subject.arguments) - {1, 2}, options.seed
        ):
            return None  # the function takes these shapes by broadcasting alone
        if not np.isfinite(value):
            return None  # outside the function's domain, where autodiff may give numbers all the same
        if _is_singular(execute, drawn, exact):
            return None  # a system with more unknowns than equations: any numbers are as good, or none
        if not _keeps_its_function(execute, drawn) or not _goes_by_slices(execute, drawn, other.stacked):
            return None
        if other.stacked and (many := _times_too_large(execute, hand, exact)):
            raise RuleFailsError(f"its gradient is {many} times that of a mean over all axes")
        if other.large and vanishes(execute, drawn):
            return None  # a product of so many factors is 0, for any rule
        right = "right at the example's own shapes and settings"
        judged = [f for f in _judged_at(execute, options, drawn) if f.weight in ("wrong", "imprecise")]
        found += [replace(f, sentence=f"{f.sentence}; {right}") for f in judged]
    return found


def _draws(execute: Executor, options: Options, where: str, large: bool) -> Iterator[Drawn]:
    arguments = execute.subject.arguments
    within = bounds(arguments, options.ranges, None) if options.ranges is not None else bounds(arguments)
    within = within._replace(domains=bounds(arguments, None, options.domain).domains)
    wide_draw = inputs(arguments, 2, options.seed, within)[1]._replace(name=where, placed=True)
    inside = options.ranges is not None or np.isfinite(_value(execute, wide_draw))
    yield wide_draw if inside else between(arguments, within, wide_draw, options.seed)
    if large and not any(within.domains) and options.ranges is None:
        yield _all_alike(arguments, within, where)


def _value(execute: Executor, drawn: Drawn) -> float:
    """The function's value, by the program that gives the gradients; a rule that is run as it is may fail where it is not finite."""
    return execute.both(drawn).value if execute.traceable else execute.value(drawn)(drawn.live)


def _all_alike(arguments: Arguments, within: Bounds, where: str) -> Drawn:
    """Every element of a leaf the same: as many ties as there are elements."""
    live = [exactly(np.full(np.shape(e), numbers(e).ravel()[0] if np.size(e) else 0.0), e) for e in arguments.examples]
    return Drawn(f"{where}, {ALIKE}", within.kept(live), placed=True)


def _near(hand: list, exact: list[np.ndarray], subject: Subject) -> bool:
    """A leaf that is 0 but for rounding, where all elements are alike, has the scale of the others and of the cotangent."""
    leaves = [*exact, *map(np.asarray, jax.tree.leaves(subject.cotangent))]
    scale = max((float(abs(g).max(initial=0.0)) for g in leaves), default=0.0)
    pairs = zip(hand, exact, strict=True)
    return all(
        (abs(cotangent_of(h, g) - g) <= max(NEAR * abs(g).max(initial=0.0), NEAR_ZERO * scale)).all() for h, g in pairs
    )


def _is_singular(execute: Executor, drawn: Drawn, exact: list[np.ndarray]) -> bool:
    """Whether arguments that differ in their twelfth digit move the reference's gradient by a hundredth of its size."""
    if drawn.name.endswith(ALIKE):  # ties, where they do
        return False
    near = [leaf * (1 + NUDGE * np.sin(1e3 * leaf + 1)) for leaf in drawn.live]  # equal numbers stay equal
    moved = execute.both(drawn._replace(live=near)).exact
    largest = max((float(abs(g).max(initial=0.0)) for g in exact), default=0.0)
    pairs = (
        (float(abs(m - g).max(initial=0.0)), float(abs(g).max(initial=0.0))) for m, g in zip(moved, exact, strict=True)
    )
    return any(not apart <= SINGULAR * size and size > NEAR * largest for apart, size in pairs)


def _times_too_large(execute: Executor, hand: list, exact: list[np.ndarray]) -> int | None:
    """The length by which a rule for a scalar would have had to divide, too: a mean over what had one axis more.

    The author may have meant one number of axes only, where a mean is over the first of them.
    """
    if jax.tree.leaves(execute.subject.output)[0].shape:
        return None
    lengths = sorted(_lengths(execute.subject.arguments) | {1})

    def times(h: np.ndarray, g: np.ndarray) -> int:
        near = (many for many in lengths if (abs(h - many * g) <= NEAR * abs(h).max(initial=0.0)).all())
        return next(near, 0)

    found = [times(cotangent_of(h, g), g) for h, g in zip(hand, exact, strict=True)]
    return max(found) if min(found) > 0 and max(found) > 1 else None


def _keeps_its_function(execute: Executor, drawn: Drawn) -> bool:
    """Whether the rule's forward pass still gives the function: where it does not, these arguments are not meant for it."""
    rule, width = execute.subject.rule, execute.subject.widest
    if rule.primal is None:
        return True
    with wide(width):
        subject, live, _ = execute.subject.at(drawn, width)
        args = subject.args(live)
        got, expected = jax.tree.leaves(rule.primal(*args)), jax.tree.leaves(rule.body(*args))
    return all(_alike(numbers(a), numbers(b)) for a, b in zip(got, expected, strict=True))


def _goes_by_slices(execute: Executor, drawn: Drawn, stacked: tuple[int, ...]) -> bool:
    """Whether the function at one axis more gives what it gives slice by slice, or their sum, mean or extreme.

    Where it does not (a new axis that is broadcast against another, a softmax over the first axis), it is another function there,
    which the author of the rule may not have meant.
    """
    if not stacked:
        return True
    with wide(execute.subject.widest):
        subject, live, _ = execute.subject.at(drawn, execute.subject.widest)
        args = subject.args(live)
        leaves, treedef = jax.tree.flatten(args)

        def at_slice(k: int) -> list[np.ndarray]:
            one = [leaf[k] if i in stacked else leaf for i, leaf in enumerate(leaves)]
            return list(map(numbers, jax.tree.leaves(subject.rule.fun(*jax.tree.unflatten(treedef, one)))))

        whole = list(map(numbers, jax.tree.leaves(subject.rule.fun(*args))))
        slices = list(zip(*map(at_slice, range(len(leaves[stacked[0]]))), strict=True))
    return all(any(_alike(out, of) for of in _together(parts)) for out, parts in zip(whole, slices, strict=True))


def _together(slices: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """What a function of one axis more may make of its slices."""
    stack = np.stack(slices)
    yield from (stack, stack.sum(0), stack.mean(0), stack.max(0), stack.min(0))


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, equal_nan=True)


def _lengths(arguments: Arguments) -> set[int]:
    return {n for leaf in arguments.leaves if hasattr(leaf, "dtype") for n in np.shape(leaf)}


def _is_written_in(execute: Executor, drawn: Drawn, gone: set[int], seed: int) -> bool:
    """Whether a length of the example, which no argument has any more, occurs in the function, here and at lengths above 2n."""
    found = gone & _inside(execute, drawn)
    args = longer(execute.subject.arguments) if found else None
    there = _accepted(execute, args, seed) if args else None
    return bool(found and (there is None or found & _inside(there, there.subject.example)))


def _inside(execute: Executor, drawn: Drawn) -> set[int]:
    """Every length that occurs while the reference is computed."""
    with wide(execute.subject.widest):
        subject, live, _ = execute.subject.at(drawn, execute.subject.widest)
        closed = jax.make_jaxpr(subject.function)(*live)
    found = [np.shape(c) for c in closed.consts]
    for eqn in closed.jaxpr.eqns:
        found += [getattr(out.aval, "shape", ()) for out in eqn.outvars]
    return {n for shape in found for n in shape}


def _judged_at(execute: Executor, options: Options, drawn: Drawn) -> list[Finding]:
    judged = together([judge(execute, drawn)], execute.subject)
    if off(judged[0]):
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    return list(values.findings(Seen(execute, replace(options, explain=False), tuple(judged), tuple(judged))))
