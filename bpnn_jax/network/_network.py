"""What a network is: its sizes, activations and bias nodes, and who feeds whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnn_jax.errors import InputError, switch, unknown, whole_number
from bpnn_jax.network._activations import OUTPUT_ACTIVATIONS

Weights = tuple[Any, ...]  # L arrays, W[l] of shape (n_in + bias, n_out)
DEEPEST = 100  # weight layers: each is compiled, and so is its way back
LARGEST_NETWORK = 100_000_000  # weights, 400 MB of float32; training holds them several times


@dataclass(frozen=True, init=False, repr=False)
class Network:
    """A layered network: hashable, so that it is static under ``jit``. It holds no weights.

    sizes:       (n0, ..., nL), n0 inputs and nL outputs, whole numbers from 1 up: a tuple, a list or an array of integers.
    activations: a name of ``ACTIVATIONS`` for each of the L weight layers, or one name for all; the last may be softmax.
    input_bias:  a bias node (output always 1) feeds the first weight layer.
    hidden_bias: a bias node feeds each later weight layer.
    skip:        skip connections: each layer is fed by all layers below it, the nearest first, the input last.

    Raises InputError for sizes, activations or switches that make no network.

    >>> Network((2, 3, 1), ("tanh", "linear")).shapes
    ((3, 3), (4, 1))
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    input_bias: bool
    hidden_bias: bool
    skip: bool

    def __init__(
        self,
        sizes: Sequence[int] | np.ndarray,
        activations: str | Sequence[str] = "sigmoid",
        input_bias: bool = True,
        hidden_bias: bool = True,
        skip: bool = False,
    ):
        sizes = _sizes(sizes)
        names = _activation_names(activations, len(sizes) - 1)
        _check_softmax(names, sizes)
        # A frozen dataclass is set this way, once.
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "activations", names)
        object.__setattr__(self, "input_bias", switch("input_bias", input_bias))
        object.__setattr__(self, "hidden_bias", switch("hidden_bias", hidden_bias))
        object.__setattr__(self, "skip", switch("skip", skip))
        if len(sizes) - 1 > DEEPEST:
            raise InputError(
                f"expected at most {DEEPEST} layers of weights (hidden, and the output's), got {len(sizes) - 1}"
            )
        weights = sum(rows * columns for rows, columns in self.shapes)
        if weights > LARGEST_NETWORK:
            raise InputError(
                f"expected a network of at most {LARGEST_NETWORK:,} weights, got {weights:,}: fewer hidden nodes would fit"
            )

    @property
    def biases(self) -> tuple[bool, ...]:
        """For each weight layer, whether a bias node feeds it."""
        return (self.input_bias,) + (self.hidden_bias,) * (len(self.sizes) - 2)

    @property
    def below(self) -> tuple[tuple[int, ...], ...]:
        """For each weight layer the layers that feed it, by their number, in the order of its rows: 0 is the input.

        >>> Network((2, 3, 1)).below, Network((2, 3, 1), skip=True).below
        (((0,), (1,)), ((0,), (1, 0)))
        """
        return tuple(tuple(range(l, -1, -1)) if self.skip else (l,) for l in range(len(self.sizes) - 1))

    def rows(self, l: int, k: int) -> slice:
        """The rows of weight layer ``l`` (counted from 0) that layer ``k`` feeds.

        >>> Network((2, 3, 1), skip=True).rows(1, 0)
        slice(3, 5, None)
        """
        below = self.below[l]
        first = sum(self.sizes[j] for j in below[: below.index(k)])
        return slice(first, first + self.sizes[k])

    def above(self, k: int) -> tuple[int, ...]:
        """The weight layers (counted from 0) that layer ``k`` feeds, from the nearest up.

        >>> Network((2, 3, 3, 1)).above(1), Network((2, 3, 3, 1), skip=True).above(1)
        ((1,), (1, 2))
        """
        return tuple(l for l, below in enumerate(self.below) if k in below)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape (n_in + bias, n_out) of each weight matrix."""
        return tuple(
            (sum(self.sizes[k] for k in below) + bias, n_out)
            for below, n_out, bias in zip(self.below, self.sizes[1:], self.biases, strict=True)
        )

    def __repr__(self) -> str:
        """What makes it again.

        >>> Network((2, 3, 1), "tanh", hidden_bias=False)
        Network((2, 3, 1), 'tanh', hidden_bias=False)
        """
        names = self.activations if len(set(self.activations)) > 1 else self.activations[0]
        switches = {"input_bias": True, "hidden_bias": True, "skip": False}
        others = [f", {name}={not usual}" for name, usual in switches.items() if getattr(self, name) is not usual]
        return f"Network({self.sizes}, {names!r}{''.join(others)})"

    def __str__(self) -> str:
        names = self.activations if len(set(self.activations)) > 1 else self.activations[:1]
        bias = {(True, True): "", (True, False): ", no hidden bias", (False, True): ", no input bias"}
        return (
            "-".join(map(str, self.sizes))
            + " "
            + "/".join(names)
            + bias.get((self.input_bias, self.hidden_bias), ", no bias")
            + (", skip connections" if self.skip else "")
        )


def _sizes(given: Any) -> tuple[int, ...]:
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        sizes = tuple(whole_number("each size", n, 1) for n in given)
    except (TypeError, InputError):
        sizes = ()
    if len(sizes) < 2:
        shown = tuple(given) if isinstance(given, list) else given
        raise InputError(f"expected sizes as two or more positive whole numbers, got {shown!r:.200}")
    return sizes


def _activation_names(given: Any, layers: int) -> tuple[str, ...]:
    names: tuple[Any, ...] = (given,) * layers if isinstance(given, str) or callable(given) else tuple(given)
    for name in names:
        if callable(name):
            called = getattr(name, "__name__", repr(name))
            known = repr(called) if called in OUTPUT_ACTIVATIONS else f"one of {', '.join(OUTPUT_ACTIVATIONS)}"
            raise InputError(f"expected each activation by its name, {known}, got the function {called}")
    if len(names) != layers:
        raise InputError(f"expected {layers} activations for {layers + 1} sizes, got {len(names)}: {names!r}")
    for name in names:
        if not isinstance(name, str) or name not in OUTPUT_ACTIVATIONS:
            raise unknown("activation", name, OUTPUT_ACTIVATIONS)
    return names


def _check_softmax(names: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    """Raise InputError for a softmax below the output layer, or of one output."""
    if "softmax" in names[:-1]:
        raise InputError(
            f"expected softmax as the activation of the output layer alone, got it in layer {names.index('softmax') + 1} of "
            f"{len(names)}: each of its outputs depends on every node of its layer; sigmoid or tanh serve below it"
        )
    if names[-1] == "softmax" and sizes[-1] == 1:
        raise InputError(
            "expected softmax with two outputs or more, got one, which would always be 1: sigmoid serves a single output"
        )
