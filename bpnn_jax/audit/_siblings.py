"""Other shapes and settings of the same function: each length of the example changed, one axis more, another static number."""

import enum
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from bpnn_jax.audit import _words
from bpnn_jax.audit._domains import looks, on
from bpnn_jax.audit._draws import is_rising
from bpnn_jax.audit._leaves import Arguments, dtype_of, is_float_array, numbers
from bpnn_jax.audit._redraw import is_order, is_permutation

ELEMENTS = 2**18  # a sibling with a larger array is left out
BLOCKS = (131, 1031)  # past a block of 128, and of 1024
MANY = 70_000  # elements of one array: past a counter of 16 bits, and of float16
SETTINGS = 6  # changes of static numbers, switches and words
PAIRED = 2  # of those changes are also made where every length is one more
OFF = 0.1  # instead of a static 0.0, with which a rate or a weight is switched off
PARTS = 4  # axes of one length that are parted in every way
FURTHER = 3  # times as long: so far numbers that rise go on with their last step
HEADS = 64  # a longer length is no number of heads or groups, of which one may be a multiple of another
Axis = tuple[int, int]  # (leaf, axis)


class Sibling(NamedTuple):
    """Arguments of another shape or with another static number, and how they came about.

    ``large``: only where the function costs little there, and then with all elements alike, too; ``smaller``: arguments halfway,
    which tell whether the program grows. ``stacked``: the leaves, by their number among all leaves, that have one leading axis more.
    ``covers``: which other siblings it makes superfluous, by what they are.
    """

    what: str
    args: tuple
    large: bool = False
    smaller: tuple = ()
    stacked: tuple[int, ...] = ()
    covers: tuple[str, ...] = ()


def siblings(arguments: Arguments, ranks: bool, words: Sequence[str] = ()) -> Iterator[Sibling]:
    """The likeliest to show a mistake first. ``ranks``: with one axis more, too; ``words`` as ``_words.of`` gives them.

    Whether the function takes them is not known here.

    Every length is changed at once, and alone where the function does not take that: each sibling is compiled, which is most of
    what it costs.
    """
    known = set()
    for other in _in_order(arguments, ranks, words):
        key = other.what, *map(np.shape, jax.tree.leaves(other.args))
        if key not in known:
            yield other
        known.add(key)


def _in_order(arguments: Arguments, ranks: bool, words: Sequence[str]) -> Iterator[Sibling]:
    arrays = _arrays(arguments)
    groups = _groups(arguments, arrays)
    longer = list(_lengthened(arguments, groups, lambda n: n + 1 if n > 1 else 3))
    yield from longer
    if ranks:
        yield from _one_rank_more(arguments, arrays)
    yield from settings(arguments, words)
    yield from _large(arguments, groups)
    for one in longer[:1]:  # a stride of 3 may be wrong at even lengths alone
        found = settings(arguments.like(one.args), words)
        yield from (other._replace(what=f"{other.what} with {one.what}") for other in itertools.islice(found, PAIRED))
    for one in groups:
        if one > 1:
            yield from _lengthened(arguments, groups, lambda n, one=one: 1 if n == one else 2 * n)
    for n, axes in groups.items():  # equal by accident: a length that another array has too, changed in some alone
        if len(axes) > 1 and n > 1:
            for part in _parts(axes, len(axes) - 1 if n <= HEADS else len(axes) // 2):
                yield from _apart(arguments, n, part, groups.keys() - {n})
    turns = {n: turn for turn, n in enumerate(groups)}
    for odd in range(2 if len(groups) == 1 else 1):  # an odd length and one less, in turn
        yield from _lengthened(
            arguments, groups, lambda n, odd=odd: n - 1 if (turns[n] + odd) % 2 else (n + 3 - n % 2 if n > 1 else 2)
        )


def longer(arguments: Arguments) -> tuple | None:
    """Arguments with every length as 2n + 1; None where they cannot be made."""
    found = _lengthened(arguments, _groups(arguments, _arrays(arguments)), lambda n: 2 * n + 1)
    return next((one.args for one in found), None)


def _lengthened(arguments: Arguments, groups: dict[int, list[Axis]], new: Callable[[int], int]) -> Iterator[Sibling]:
    """Every length as ``new`` says, at once; then each alone, which is left out where the first is taken."""
    lengths: dict[int, int] = {}
    for n in groups:
        if found := _distinct(n, new(n), lengths.values()):
            lengths[n] = found
    alone = ((n, _distinct(n, new(n), groups.keys() - {n})) for n in lengths)
    singles = [s for n, found in alone if found and (s := _changed(arguments, groups, {n: found}))]
    if len(lengths) > 1 and (every := _changed(arguments, groups, lengths)):
        yield every._replace(covers=tuple(one.what for one in singles))
    yield from singles


def _distinct(n: int, new: int, others: Collection[int]) -> int:
    """``new``, or the next number further from ``n`` that no other length is; 0 where there is none from 1 up.

    Two lengths that become equal may mean another function: a matrix with as many rows as there are inputs has no bias node.
    """
    while new > 1 and new in others:
        new += 1 if new > n else -1
    return max(new, 0)


def _arrays(arguments: Arguments) -> list[int]:
    def varies(leaf: Any) -> bool:
        return np.ndim(leaf) > 0 and np.size(leaf) > 0 and not np.issubdtype(dtype_of(leaf), np.unsignedinteger)

    return [k for k in sorted([*arguments.live, *arguments.carried]) if varies(arguments.leaves[k])]


def _groups(arguments: Arguments, arrays: Sequence[int]) -> dict[int, list[Axis]]:
    lengths = {n for k in arrays for n in np.shape(arguments.leaves[k])}
    found: dict[int, list[Axis]] = {}
    for k in arrays:
        if is_order(np.asarray(arguments.leaves[k]), lengths):
            return {}  # offsets into another array: no length can be changed alone
        for axis, n in enumerate(np.shape(arguments.leaves[k])):
            found.setdefault(n, []).append((k, axis))
    # First the lengths that are most often shared: batches and features.
    return dict(sorted(found.items(), key=lambda item: (item[0] == 1, -len(item[1]))))


def _large(arguments: Arguments, groups: dict[int, list[Axis]]) -> Iterator[Sibling]:
    """Past a block of 128 in each of the two most shared lengths; past 2¹⁶ elements in the first that can be, else past 1024."""

    def longer(n: int, new: int) -> Iterator[Sibling]:
        smaller = _changed(arguments, groups, {n: 2 * n + 1})
        if 1 < n < new and smaller and (found := _changed(arguments, groups, {n: new})):
            yield found._replace(large=True, smaller=smaller.args)

    for n in list(groups)[:2]:
        yield from longer(n, BLOCKS[0])
    block = [s for n in groups for s in longer(n, BLOCKS[1])][:1]
    for n, axes in groups.items():
        rows = max((_elements(arguments, k) // n for k, _ in axes), default=1)
        square = len({k for k, _ in axes}) < len(axes)
        if found := [] if square else list(longer(n, -(-MANY // rows))):
            yield found[0]._replace(covers=tuple(s.what for s in block))
            break
    yield from block


def _elements(arguments: Arguments, k: int) -> int:
    return max(1, int(np.size(arguments.leaves[k])))


def settings(arguments: Arguments, words: Sequence[str] = ()) -> Iterator[Sibling]:
    """A static number one higher or lower, or 0.7 of it, a switch turned, another word; no number that integers may refer to."""
    wholes = [np.asarray(leaf) for leaf in arguments.others if dtype_of(leaf).kind in "iu" and np.size(leaf)]
    arrays = {*arguments.live, *arguments.carried}
    changes: list[list[tuple[int, Any]]] = []
    for k, value in enumerate(arguments.leaves):
        if k not in arrays and isinstance(value, str | enum.Enum):
            changes.append([(k, other) for other in _words.others(value, words)])
        elif k not in arrays and isinstance(value, bool | int | float):
            changes.append([(k, other) for other in _other_settings(value, wholes)])
    order = [pair for turn in range(_words.MOST) for one in changes for pair in one[turn : turn + 1]]
    for k, other in order[:SETTINGS]:
        leaves = [other if i == k else leaf for i, leaf in enumerate(arguments.leaves)]
        what = f"{arguments.name_at(k)} as {other!r}"
        yield Sibling(what, tuple(jax.tree.unflatten(arguments.treedef, leaves)))


def _other_settings(value: bool | int | float, wholes: Sequence[np.ndarray]) -> list:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, float):
        return [0.7 * value or OFF] if np.isfinite(value) else []
    if abs(value) > 64 or any((array == value).any() for array in wholes):
        return []
    lower = [value - 1] if value < 0 or (value > 1 and not wholes) else []
    return [*lower, value + 1]


def _apart(arguments: Arguments, n: int, part: list[Axis], others: Collection[int]) -> Iterator[Sibling]:
    """One longer on some of the axes of length ``n``; twice as long where the function does not take that: heads that share keys."""
    where = ", ".join(f"axis {axis} of {arguments.name_at(k)}" for k, axis in part)
    longer = (_distinct(n, n + 1, others), *([2 * n] if n <= HEADS else []))
    found = [(new, _changed(arguments, {n: part}, {n: new})) for new in longer]
    named = [one._replace(what=f"length {n} as {new} on {where} alone") for new, one in found if one]
    for turn, one in enumerate(named):
        yield one._replace(covers=tuple(later.what for later in named[turn + 1 :]))


def _parts(axes: list[Axis], most: int) -> Iterator[list[Axis]]:
    """The same axis of every array of the group, then each alone; where they are few, every other part of up to ``most``, too."""
    by_axis: dict[int, list[Axis]] = {}
    for leaf, axis in axes:
        by_axis.setdefault(axis, []).append((leaf, axis))
    found = [*(by_axis.values() if len(by_axis) > 1 else ()), *([a] for a in axes)]
    if len(axes) <= PARTS:
        found += [list(part) for size in range(2, most + 1) for part in itertools.combinations(axes, size)]
    yield from (part for turn, part in enumerate(found) if part not in found[:turn])


def _changed(arguments: Arguments, groups: dict[int, list[Axis]], lengths: dict[int, int]) -> Sibling | None:
    """The arguments with each length n as ``lengths[n]`` on the axes ``groups[n]``.

    None where an array would be too large, or a permutation would be none any more.
    """
    leaves = list(arguments.leaves)
    for n, new in lengths.items():
        for k, axis in groups[n]:
            array = np.asarray(leaves[k])
            if array.size // max(n, 1) * new > ELEMENTS:
                return None
            leaves[k] = _longer(array, new, axis)
        if new < n:
            leaves = [_within(leaf, new) if k in arguments.carried else leaf for k, leaf in enumerate(leaves)]
    for k in arguments.carried:
        if is_permutation(arguments.leaves[k]):
            example = np.asarray(arguments.leaves[k])
            if not _indexes_as_before(arguments, groups, lengths, example.shape[-1]):
                return None
            leaves[k] = _permuted(example, np.shape(leaves[k]))
    what = ", ".join(f"length {n} as {new}" for n, new in lengths.items())
    return Sibling(what, tuple(jax.tree.unflatten(arguments.treedef, _like(arguments, leaves))))


def _longer(array: np.ndarray, new: int, axis: int) -> np.ndarray:
    """Repeated from the start, or cut; floats that rise along the last axis go on rising, and sorted integers stay sorted.

    Where many are wanted they rise within the example's own range: far outside it the function may be another (a solver that stops
    after so many turns).
    """
    n = array.shape[axis]
    found = np.take(array, np.arange(new) % n, axis=axis)
    if axis != array.ndim - 1 or new <= n or n < 3:
        return found
    if array.dtype.kind == "i" and (np.diff(array) >= 0).all():
        return np.sort(found)
    if is_float_array(array) and is_rising(array):
        if new > FURTHER * n:
            places = np.linspace(0, n - 1, new)
            rows = [np.interp(places, np.arange(n), row) for row in numbers(array).reshape(-1, n)]
            return np.reshape(rows, (*array.shape[:-1], new)).astype(array.dtype)
        steps = np.arange(1, new - n + 1) * (array[..., -1:] - array[..., -2:-1])
        return np.concatenate([array, array[..., -1:] + steps], axis=-1).astype(array.dtype)
    return found


def _indexes_as_before(arguments: Arguments, groups: dict[int, list[Axis]], lengths: dict[int, int], n: int) -> bool:
    """Whether every axis that a permutation of ``n`` may index, those as long and the longer ones, remains long enough."""
    before = [int(m) for k in _arrays(arguments) for m in np.shape(arguments.leaves[k])]
    whole = n not in lengths or len(groups[n]) == before.count(n)
    after: dict[Any, Any] = {m: lengths.get(m, m) for m in before}
    return whole and all(after[m] >= after[n] for m in before if m > n)


def _permuted(example: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Permutations along the last axis like the example's, longer by the next numbers or shorter by the largest."""
    rows = np.resize(example.reshape(-1, example.shape[-1]), (int(np.prod(shape[:-1])), example.shape[-1]))
    n, new = example.shape[-1], shape[-1]
    longer = np.concatenate([rows, np.broadcast_to(np.arange(n, new), (len(rows), max(0, new - n)))], axis=1)
    return longer[longer < new].reshape(shape).astype(example.dtype)


def _within(leaf: Any, new: int) -> Any:
    """Integers that may be indices into what has become ``new`` long."""
    if is_float_array(leaf) or dtype_of(leaf).kind != "i" or not np.size(leaf) or np.max(leaf) < new:
        return leaf
    array = np.asarray(leaf)
    return np.where(array >= new, array % new, array).astype(array.dtype)


def _one_rank_more(arguments: Arguments, arrays: Sequence[int]) -> Iterator[Sibling]:
    """A leading axis: on every array, on those of the highest rank, on the first alone.

    No other axis is as long, so that a rule that takes it for another one returns another shape, and not other numbers.
    """
    if not arrays:
        return
    lengths = {n for leaf in arguments.leaves for n in np.shape(leaf)}
    count = next(n for n in itertools.count(2) if n not in lengths)
    highest = max(np.ndim(arguments.leaves[k]) for k in arrays)
    live = [k for k in arrays if k in arguments.live]
    tops = [k for k in arrays if np.ndim(arguments.leaves[k]) == highest]
    seen = set()
    for chosen in (tops, live[:1], list(arrays)):
        if tuple(chosen) in seen or not chosen:
            continue
        seen.add(tuple(chosen))
        leaves = list(arguments.leaves)
        for k in chosen:
            leaves[k] = np.stack([np.asarray(leaves[k])] * count)
        args = jax.tree.unflatten(arguments.treedef, _like(arguments, leaves))
        yield Sibling("one axis more", tuple(args), stacked=tuple(chosen))


def _like(arguments: Arguments, leaves: list) -> list:
    """In the example's dtypes; a live leaf that was repeated is made less regular, and a carried one stays on its set."""
    rng = np.random.default_rng(17)
    found = []
    for k, (leaf, example) in enumerate(zip(leaves, arguments.leaves, strict=True)):
        if leaf is example or not is_float_array(example):
            found.append(leaf)
            continue
        x, kind = numbers(leaf), looks(example)
        if k in arguments.live:
            x = x if kind in ("binary", "one-hot") or is_rising(leaf) else x * (1 + 0.2 * rng.uniform(-1, 1, x.shape))
        elif kind == "one-hot":
            x = np.eye(x.shape[-1])[x.argmax(-1)]
        elif kind and kind != "binary":
            square = kind in ("symmetric", "skew", "positive-definite")
            x = on(kind, x, rng) if not square or x.shape[-1] == x.shape[-2] else x
        found.append(x.astype(dtype_of(example)))
    return found


def shapes(args: tuple) -> str:
    """The shapes of the arrays among some arguments, in words."""
    found = [f"argument {i}: {_shape(a)}" for i, a in enumerate(args) if jax.tree.leaves(a) and _shape(a)]
    return ", ".join(found)


def _shape(argument: Any) -> str:
    shaped = [str(np.shape(leaf)) for leaf in jax.tree.leaves(argument) if hasattr(leaf, "shape")]
    return " ".join(shaped[:3]) + (" ..." if len(shaped) > 3 else "")
