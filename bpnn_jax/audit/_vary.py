"""What an example holds fixed, varied at its own shapes: values out of the program, ties, zeros, and what is carried along."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bpnn_jax.audit import _constants, _redraw
from bpnn_jax.audit._draws import Bounds, Drawn, bounds, exactly, wide_values
from bpnn_jax.audit._leaves import Arguments

# exp overflows beyond these, and 1 + exp(-x) is 1 to the last bit long before.
ZERO_ROW = "with a row of zeros"  # a draw
OVERFLOW = {
    "float64": 710.0,
    "float32": 89.0,
    "bfloat16": 89.0,
    "float16": 11.5,
    "complex128": 710.0,
    "complex64": 89.0,
}


class Plan(NamedTuple):
    """Draws at the example's shapes, the likeliest to show a mistake first; and what they vary, in words."""

    draws: list[Drawn]
    varied: list[str]
    kept: list[str]


class Known(NamedTuple):
    """What is known of the programs: the constants they compare with, and how they use their arguments.

    ``carries``: whether the carried arrays may be given other values; ``loops``: whether a loop may run for ever at large ones;
    ``zeros``: the live leaves that are compared with 0, of which a positive one may be 0; ``free``: the integers, by their number
    among all leaves, of which neither order nor repeats mean anything.
    """

    constants: _constants.Constants
    carries: bool = False
    loops: bool = False
    zeros: frozenset[int] = frozenset()
    free: frozenset[int] = frozenset()


def plan(arguments: Arguments, within: Bounds, known: Known, seed: int) -> Plan:
    """The draws that ``known`` suggests, within the bounds."""
    constants, loops = known.constants, known.loops
    draws: list[Drawn] = []
    varied, kept = [], []
    if known.carries and arguments.carried:
        draws, varied, kept = _carried(arguments, within, known, seed)
    elif arguments.carried:
        kept.append(f"{', '.join(arguments.carried_names)} (read while the rule is traced)")
    if loops:
        kept.append("large numbers (a loop might not end)")
    for name, values in _values(arguments, constants, loops):
        live = _placed(arguments, within, values, np.random.default_rng((seed, 23, len(draws))))
        if live is not None:
            draws.append(Drawn(name, live, placed=True))
    draws += list(_zeros_and_ties(arguments, within, seed))
    draws += list(_zeros_among_positive(arguments, within, known.zeros, seed))
    if constants.floats:
        varied.append(f"values at {', '.join(f'{c:.6g}' for c in constants.floats)}, with which the program compares")
    placed = [d.name for d in draws if d.placed and "constants" not in d.name]
    return Plan(draws, [*varied, *placed], kept)


def _values(arguments: Arguments, constants: _constants.Constants, loops: bool) -> Iterator[tuple[str, list[float]]]:
    """(a name, values to place among ordinary numbers)."""
    if constants.floats:
        steps = [max(0.02 * abs(c), 1e-3) for c in constants.floats]
        beside = [c + k * d for c, d in zip(constants.floats, steps, strict=True) for k in (-1.0, 1.0)]
        far = [x for c in constants.floats if c for x in (2 * c + np.sign(c), -2 * c)]
        yield "beside the program's constants", beside + far
        yield "at the program's constants", list(constants.floats)
    if loops:
        return
    large = OVERFLOW.get(arguments.dtype.name, 89.0)
    yield f"{large:g} among ordinary numbers", [large, -large]
    yield "large numbers", [large / 3.3, -large / 3.3, 2.5 * large, -2.5 * large]


def _placed(
    arguments: Arguments, within: Bounds, values: list[float], rng: np.random.Generator
) -> list[np.ndarray] | None:
    """Ordinary numbers with some of the values among them, at random positions of each leaf; None where none is allowed."""
    live, any_placed = [], False
    for k, example in enumerate(arguments.examples):
        x = wide_values(arguments, within, k, rng, 1.0)
        limit = within.ranges[k]
        allowed = [
            v for v in values if (limit is None or limit[0] <= v <= limit[1]) and (v > 0 or not within.positive[k])
        ]
        if allowed and x.size and within.domains[k] is None and not np.iscomplexobj(x):
            x = x.copy()
            places = rng.permutation(x.size)[: max(1, min(len(allowed), x.size // 3))]
            x.ravel()[places] = rng.permutation(allowed)[: len(places)] if len(places) <= len(allowed) else allowed[0]
            any_placed = True
        live.append(exactly(x, example))
    return within.kept(live) if any_placed else None


def _zeros_and_ties(arguments: Arguments, within: Bounds, seed: int) -> Iterator[Drawn]:
    rng = np.random.default_rng((seed, 29))
    base = [wide_values(arguments, within, k, rng, 1.0) for k in range(len(arguments.live))]
    free = [
        k
        for k, x in enumerate(base)
        if x.size and within.domains[k] is None and within.ranges[k] is None and not np.iscomplexobj(x)
    ]
    zeros, ties = list(base), list(base)
    for k in free:
        x = base[k].copy()
        if not within.positive[k]:
            z = x.copy()
            if z.ndim >= 2:
                z.reshape(-1, z.shape[-1])[rng.integers(z.size // z.shape[-1])] = 0.0
            else:
                z.ravel()[rng.integers(z.size)] = 0.0
            zeros[k] = exactly(z, arguments.examples[k])
        if x.ndim and x.shape[-1] > 1:
            top = x.argmax(-1)[..., None]
            np.put_along_axis(x, (top + 1) % x.shape[-1], np.take_along_axis(x, top, -1), -1)
            ties[k] = exactly(x, arguments.examples[k])
    if any(a is not b for a, b in zip(zeros, base, strict=True)):
        yield Drawn(ZERO_ROW, within.kept(zeros), placed=True)
    if any(a is not b for a, b in zip(ties, base, strict=True)):
        yield Drawn("with ties", within.kept(ties), placed=True)


def _zeros_among_positive(arguments: Arguments, within: Bounds, zeros: frozenset[int], seed: int) -> Iterator[Drawn]:
    """Leaves whose example is positive and that the program compares with 0: one 0 in each, and nothing negative."""
    own = bounds(arguments)
    chosen = [k for k in zeros if own.positive[k] and within.ranges[k] is None and within.domains[k] is None]
    if not chosen:
        return
    rng = np.random.default_rng((seed, 43))
    own = within._replace(positive=own.positive)
    live = [wide_values(arguments, own, k, rng, 1.0) for k in range(len(arguments.live))]
    for k in chosen:
        live[k] = live[k].copy()
        live[k].ravel()[rng.integers(live[k].size)] = 0.0
    yield Drawn("with a 0 among positive numbers", within.kept(live), placed=True)


def _carried(arguments: Arguments, within: Bounds, known: Known, seed: int) -> tuple[list[Drawn], list[str], list[str]]:
    lengths = {n for leaf in arguments.leaves for n in np.shape(leaf) if hasattr(leaf, "dtype")}
    wholes = list(known.constants.wholes)
    draws: list[Drawn] = []
    changed: set[str] = set()
    for turn in range(3):
        rng = np.random.default_rng((seed, 31, turn))
        carried: list[Any] = []
        for k, name, example in zip(arguments.carried, arguments.carried_names, arguments.others, strict=True):
            placed = wholes if turn else []
            found = _redraw.other(example, rng, turn, placed, lengths, k in known.free)
            carried.append(np.asarray(example) if found is None else _redraw.exact(found, example))
            if found is not None:
                changed.add(name)
        if not changed:
            break
        live = [wide_values(arguments, within, k, rng, 1.0) for k in range(len(arguments.live))]
        draws.append(Drawn(f"redrawn {turn + 1}", within.kept(live), tuple(carried)))
    names = [name for name in arguments.carried_names if name in changed]
    kept = [
        f"{name} (its values are all alike, or their order or sum means something)"
        for name in arguments.carried_names
        if name not in changed
    ]
    if not wholes:
        rows = zip(arguments.carried, arguments.carried_names, arguments.others, strict=True)
        once = [name for k, name, e in rows if _redraw.each_once(e) and k not in known.free]
        kept += [f"{name} (each number once, as in the example: examples= may repeat one)" for name in once]
    said = [
        f"{', '.join(names)} redrawn" + (f", with {', '.join(map(str, wholes))} among the integers" if wholes else "")
    ]
    return draws, said if names else [], kept


def largest_length(arguments: Arguments) -> int:
    return max((n for leaf in arguments.leaves if hasattr(leaf, "dtype") for n in np.shape(leaf)), default=1)


def stays_positive(arguments: Arguments, within: Bounds) -> list[str]:
    """Leaves that no draw takes below 0, because the example is positive throughout and no range says otherwise."""
    rows = zip(arguments.names, within.positive, within.ranges, within.domains, strict=True)
    return [name for name, positive, limit, domain in rows if positive and limit is None and domain is None]
