"""The classic sets: gates, parity, encoders, symmetry, two spirals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bpnn_jax.errors import InputError
from bpnn_jax.patterns._patterns import Patterns


class UnknownPatternsError(InputError):
    """A name that is no pattern set, no size that a set can have, and no file."""


GATES = {  # the outputs for the inputs 00, 01, 10, 11
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
    return Patterns(x=_bits(2), t=np.array(GATES[name], dtype=np.float64)[:, np.newaxis], name=name, hidden=(2,))


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


# Each family of sets as ``names()`` shows it: the form of its names, and what makes one of the numbers in it.
FAMILIES: dict[str, tuple[str, Callable[..., Patterns]]] = {
    "parity-N": (r"parity-([0-9]{1,6})", parity),
    "encoder-N": (r"encoder-([0-9]{1,6})", encoder),
    "encoder-N-H-N": (r"encoder-([0-9]{1,6})-([0-9]{1,6})-\1", encoder),
    "symmetry-N": (r"symmetry-([0-9]{1,6})", symmetry),
    "two-spirals": (r"two-spirals", two_spirals),
}
