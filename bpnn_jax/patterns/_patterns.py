"""The record of patterns: inputs with their targets."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpnn_jax._runtime.display import Card, few
from bpnn_jax.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Patterns(Card):
    """Inputs `x` (patterns, inputs) and targets `t` (patterns, outputs), both float64, finite and read-only.

    `inputs` and `outputs` name the columns, one printable word each, or are empty where no names are known.
    `hidden` holds the customary sizes of the hidden layers for this task; the default is the article's recogniser's.
    Raises InputError for arrays of other shapes or lengths, for what is no finite number, and for names that are none.

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

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        sides = (("inputs", self.x, self.inputs), ("targets", self.t, self.outputs))
        return f"Patterns {self.name!r}, {len(self)} of them", [
            (what, f"{side.shape[1]}, from {side.min():g} to {side.max():g}{': ' if names else ''}{few(names)}")
            for what, side, names in sides
        ]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def sha256(self) -> str:
        """The SHA-256 of x and t, in hexadecimal: two sets of patterns that have it train alike."""
        parts = (f"{self.x.shape} {self.t.shape}".encode(), self.x.tobytes(), self.t.tobytes())
        return hashlib.sha256(b"|".join(parts)).hexdigest()

    def __getitem__(self, rows: slice) -> "Patterns":
        """The patterns of a slice, with the names kept.

        >>> from bpnn_jax.patterns import load
        >>> load("xor")[1:3].x.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
        """
        if not isinstance(rows, slice):
            raise TypeError(f"expected a slice such as patterns[:500], got {rows!r}")
        return replace(self, x=self.x[rows], t=self.t[rows])

    def split(self, train: int, test: int | None = None) -> tuple["Patterns", "Patterns"]:
        """The first `train` patterns, and the `test` patterns that follow them (all the others by default).

        >>> from bpnn_jax.patterns import load
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

        >>> from bpnn_jax.patterns import load
        >>> load("xor").with_targets(-1, 1).t.ravel().tolist()
        [-1.0, 1.0, 1.0, -1.0]
        """
        others = self.t[(self.t != 0) & (self.t != 1)]
        if others.size:
            raise InputError(f"expected targets 0 and 1, got {others[0]}")
        return replace(self, t=np.where(self.t == 1, high, low))


def is_name(word: str) -> bool:
    """Whether a word can name a column: printable, not empty, no white space.

    >>> is_name("{"), is_name("two words"), is_name("")
    (True, False, False)
    """
    return word.isprintable() and word.split() == [word]


def _matrix(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """Read-only float64, once it is known to be a matrix of finite numbers: a copy, but of what nobody can write any more."""
    try:
        given = np.asarray(values)
    except ValueError:
        raise InputError(f"{what}: expected a 2-D array of numbers, got rows of different lengths") from None
    if given.dtype.kind not in "biuf":
        raise InputError(f"{what}: expected a 2-D array of numbers, got an array of {given.dtype}")
    if given.ndim != 2 or given.size == 0:
        raise InputError(f"{what}: expected a 2-D array, 1 or more rows by 1 or more columns, got shape {given.shape}")
    with np.errstate(over="ignore"):  # a longdouble too large for float64 becomes inf, refused below
        own = (
            isinstance(values, np.ndarray)
            and given.dtype == np.float64
            and given.base is None
            and not given.flags.writeable
        )
        matrix = given if own else np.array(given, dtype=np.float64)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0].tolist()
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
