"""Patterns to learn: inputs with their targets, the classic sets by name, and `load` for a name or a file."""

import difflib
import importlib.resources
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpnn_jax.errors import InputError

_DATA: Traversable = importlib.resources.files("bpnn_jax") / "data"


@dataclass(frozen=True, eq=False)
class Patterns:
    """Inputs `x` (patterns, inputs) and targets `t` (patterns, outputs), both float64, finite and read-only.

    `inputs` and `outputs` name the columns, one printable word each, or are empty where no names are known.
    `hidden` holds the customary sizes of the hidden layers for this task; the default is the article's recogniser's.

    >>> patterns = Patterns(x=[[0, 1], [1, 1]], t=[[1], [0]], name="two", outputs=("differ",))
    >>> patterns.x.shape, patterns.t.shape, len(patterns)
    ((2, 2), (2, 1), 2)
    """

    x: NDArray[np.float64]
    t: NDArray[np.float64]
    name: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    hidden: tuple[int, ...] = (8,)

    def __post_init__(self) -> None:
        x, t = _matrix("x", self.x), _matrix("t", self.t)
        if len(x) != len(t):
            raise InputError(f"expected as many rows in t as in x, {len(x)}, got {len(t)}")
        hidden = tuple(self.hidden)
        if not all(isinstance(size, int) and size >= 1 for size in hidden):
            raise InputError(f"hidden: expected sizes of 1 or more, got {hidden}")
        # a frozen dataclass is set this way, once
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "inputs", _names("inputs", self.inputs, x.shape[1]))
        object.__setattr__(self, "outputs", _names("outputs", self.outputs, t.shape[1]))
        object.__setattr__(self, "hidden", hidden)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> "Patterns":
        """The patterns of a slice, with the names kept.

        >>> load("xor")[1:3].x.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
        """
        if not isinstance(rows, slice):
            raise TypeError(f"expected a slice such as patterns[:500], got {rows!r}")
        return replace(self, x=self.x[rows], t=self.t[rows])

    def split(self, train: int, test: int | None = None) -> tuple["Patterns", "Patterns"]:
        """The first `train` patterns, and the `test` patterns that follow them (all the others by default).

        >>> [len(part) for part in load("parity-3").split(5, 2)]
        [5, 2]
        """
        if test is None:
            test = len(self) - train
        if train < 1 or test < 1 or train + test > len(self):
            raise InputError(f"expected 1 or more to train and to test, {len(self)} in all, got {train} and {test}")
        return self[:train], self[train : train + test]

    def with_targets(self, low: float, high: float) -> "Patterns":
        """The same patterns with target 0 replaced by `low` and target 1 by `high`, say -1 and 1 for tanh.

        >>> load("xor").with_targets(-1, 1).t.ravel().tolist()
        [-1.0, 1.0, 1.0, -1.0]
        """
        others = self.t[(self.t != 0) & (self.t != 1)]
        if others.size:
            raise InputError(f"expected targets 0 and 1, got {others[0]}")
        return replace(self, t=np.where(self.t == 1, high, low))


class UnknownPatternsError(InputError):
    """A name that is no pattern set, no size that a set can have, and no file."""


def is_name(word: str) -> bool:
    """Whether a word can name a column: printable, not empty, no white space.

    >>> is_name("{"), is_name("two words"), is_name("")
    (True, False, False)
    """
    return word.isprintable() and word.split() == [word]


def _matrix(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """A read-only float64 copy, once it is known to be a matrix of finite numbers."""
    try:
        given = np.asarray(values)
    except ValueError:
        raise InputError(f"{what}: expected a 2-D array of numbers, got rows of different lengths") from None
    if given.dtype.kind not in "biuf":
        raise InputError(f"{what}: expected a 2-D array of numbers, got an array of {given.dtype}")
    if given.ndim != 2 or given.size == 0:
        raise InputError(f"{what}: expected a 2-D array, 1 or more rows by 1 or more columns, got shape {given.shape}")
    with np.errstate(over="ignore"):  # a longdouble too large for float64 becomes inf, refused below
        matrix = np.array(given, dtype=np.float64)
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = bad[0].tolist()
        raise InputError(
            f"{what}: expected finite numbers, got {matrix[row, column]} at row {row}, column {column} (from 0)"
        )
    matrix.flags.writeable = False
    return matrix


def _names(what: str, names: tuple[str, ...], columns: int) -> tuple[str, ...]:
    names = tuple(names)
    if names and len(names) != columns:
        raise InputError(f"{what}: expected {columns} names, got {len(names)}")
    for name in names:
        if not is_name(name):
            raise InputError(f"{what}: expected names that are one printable word, got {name!r}")
    return names


_GATES = {  # the outputs for the inputs 00, 01, 10, 11
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
    "xor": (0, 1, 1, 0),
    "xnor": (1, 0, 0, 1),
}


def _bits(n: int) -> NDArray[np.float64]:
    """All 2^n patterns of n bits, (2^n, n), in the order of counting, the first bit the most significant."""
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)[::-1]) & 1
    return bits.astype(np.float64)


def _check_size(name: str, n: int, low: int, high: int) -> None:
    if not low <= n <= high:
        raise UnknownPatternsError(f"{name}: expected N from {low} to {high}, got {n}")


def gate(name: str) -> Patterns:
    """A logic gate of two inputs: x (4, 2), t (4, 1), two hidden nodes as in the article.

    >>> gate("nand").t.ravel().tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    return Patterns(x=_bits(2), t=np.array(_GATES[name], dtype=np.float64)[:, np.newaxis], name=name, hidden=(2,))


def parity(n: int) -> Patterns:
    """n-bit parity: x (2^n, n), t (2^n, 1), target 1 where the number of ones is odd; n hidden nodes.

    The hidden size is that of Rumelhart, Hinton and Williams, "Learning internal representations by error
    propagation", 1986.

    >>> parity(2).t.ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    _check_size("parity-N", n, 2, 16)
    x = _bits(n)
    return Patterns(x=x, t=x.sum(axis=1, keepdims=True) % 2, name=f"parity-{n}", hidden=(n,))


def encoder(n: int, hidden: int | None = None) -> Patterns:
    """The encoder: each of n one-hot patterns is its own target, x and t (n, n).

    Without `hidden` the code is as short as bits can be, ceil(log2 n) nodes: 8-3-8, the encoder of Rumelhart,
    Hinton and Williams, 1986.

    >>> encoder(3).x.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> encoder(8).hidden, encoder(10, 5).hidden
    ((3,), (5,))
    """
    _check_size("encoder-N", n, 2, 1024)
    if hidden is None:
        hidden = (n - 1).bit_length()
    if hidden < 1:
        raise UnknownPatternsError(f"encoder-N-H-N: expected H of 1 or more, got {hidden}")
    return Patterns(x=np.eye(n), t=np.eye(n), name=f"encoder-{n}-{hidden}-{n}", hidden=(hidden,))


def symmetry(n: int) -> Patterns:
    """Is it a palindrome? All patterns of n bits, n even: x (2^n, n), t (2^n, 1), target 1 where symmetric.

    Two hidden nodes are enough for any n (Rumelhart, Hinton and Williams, 1986).

    >>> symmetry(2).t.ravel().tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    _check_size("symmetry-N", n, 2, 16)
    if n % 2:
        raise UnknownPatternsError(f"symmetry-N: expected an even N, got {n}")
    x = _bits(n)
    same = (x == x[:, ::-1]).all(axis=1, keepdims=True)
    return Patterns(x=x, t=same.astype(np.float64), name=f"symmetry-{n}", hidden=(2,))


def two_spirals() -> Patterns:
    """Two interlocked spirals of 97 points: x (194, 2), t (194, 1), one point of each in turn, targets 1, 0, 1, 0...

    Lang and Witbrock, "Learning to tell two spirals apart", Proceedings of the 1988 Connectionist Models Summer
    School, as given out in the CMU neural network benchmarks: for i = 0..96

        angle = i pi / 16, radius = 6.5 (104 - i) / 104,
        (radius cos(angle), radius sin(angle)) has target 1, its mirror image through the origin has target 0.

    The hidden sizes are theirs; their network also had shortcut connections.

    >>> two_spirals().x[:2].tolist()
    [[6.5, 0.0], [-6.5, 0.0]]
    """
    i = np.arange(97)
    angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
    one = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    x = np.stack([one, 0.0 - one], axis=1).reshape(194, 2)  # 0 - 0 is 0, where -0 would be -0
    return Patterns(x=x, t=np.tile([1.0, 0.0], 97)[:, np.newaxis], name="two-spirals", hidden=(5, 5, 5))


def code() -> Patterns:
    """The bundled source code, one pattern a chunk: how often each symbol occurs, and which language it is."""
    return _bundled("code.train.txt", "code")


def _bundled(file: str, name: str) -> Patterns:
    with importlib.resources.as_file(_DATA / file) as path:
        return replace(_read(path), name=name, hidden=(8,))


def _read(path: str | os.PathLike[str]) -> Patterns:
    from bpnn_jax import pattern_files  # here, because pattern_files makes Patterns

    return pattern_files.read(path)


_FAMILIES: dict[str, tuple[str, Callable[..., Patterns]]] = {  # how names() shows it: its form, what makes it
    "parity-N": (r"parity-([0-9]{1,6})", parity),
    "encoder-N": (r"encoder-([0-9]{1,6})", encoder),
    "encoder-N-H-N": (r"encoder-([0-9]{1,6})-([0-9]{1,6})-\1", encoder),
    "symmetry-N": (r"symmetry-([0-9]{1,6})", symmetry),
    "two-spirals": (r"two-spirals", two_spirals),
    "code": (r"code", code),
}


def names() -> tuple[str, ...]:
    """The names that `load` knows, for help texts; a capital letter stands for a number.

    >>> names()[:3]
    ('and', 'or', 'nand')
    """
    return *_GATES, *_FAMILIES


def is_set_name(name: str) -> bool:
    """Whether `load` takes this for a named set rather than a file.

    >>> is_set_name("parity-4"), is_set_name("./xor")
    (True, False)
    """
    return name in _GATES or any(re.fullmatch(form, name) for form, _ in _FAMILIES.values())


def load(name_or_path: str | os.PathLike[str]) -> Patterns:
    """The pattern set of that name, or the patterns of a file (see `pattern_files.read`).

    A known name comes before a file of the same name: write ./xor for the file. Raises UnknownPatternsError for
    a name that is neither, and PatternFileError for a file that cannot be read.

    >>> load("encoder-10-5-10").x.shape
    (10, 10)
    >>> load("xnr")
    Traceback (most recent call last):
    bpnn_jax.patterns.UnknownPatternsError: expected a pattern set or a file, got 'xnr': no such file, nearest names: \
xnor, xor, nor
    """
    if not isinstance(name_or_path, str):
        return _read(name_or_path)
    if name_or_path in _GATES:
        return gate(name_or_path)
    for form, make in _FAMILIES.values():
        if match := re.fullmatch(form, name_or_path):
            return make(*map(int, match.groups()))
    if os.path.exists(name_or_path):
        return _read(name_or_path)
    near = difflib.get_close_matches(name_or_path.lower(), names(), n=3)
    hint = f"nearest names: {', '.join(near)}" if near else f"known names: {', '.join(names())}"
    raise UnknownPatternsError(f"expected a pattern set or a file, got {name_or_path!r}: no such file, {hint}")


def load_held_out(name: str) -> Patterns | None:
    """The patterns kept apart from the set of that name to test it with, or None where there are none.

    >>> load_held_out("xor") is None
    True
    """
    return _bundled("code.test.txt", "code (held out)") if name == "code" else None
