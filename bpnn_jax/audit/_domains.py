"""Sets that are no box: how a draw is put on one, and which part of a gradient counts there."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpnn_jax.audit._leaves import Arguments, dtype_of, numbers
from bpnn_jax.errors import InputError, unknown

KINDS = ("binary", "one-hot", "symmetric", "skew", "positive-definite", "simplex", "unit")
Domain = str | Callable[[np.random.Generator, tuple[int, ...]], Any]


def on(domain: Domain, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A point of the set near, or in place of, ``value``.

    >>> on("simplex", np.array([1.0, 3.0]), np.random.default_rng(0))
    array([0.25, 0.75])
    """
    if callable(domain):
        return np.asarray(domain(rng, value.shape))
    turned = np.swapaxes(value, -1, -2) if value.ndim >= 2 else value
    if domain == "binary":
        return (rng.random(value.shape) > 0.5).astype(value.dtype)
    if domain == "one-hot":
        return np.eye(value.shape[-1])[rng.integers(0, value.shape[-1], value.shape[:-1])]
    if domain == "symmetric":
        return (value + turned) / 2
    if domain == "skew":
        return (value - turned) / 2
    if domain == "positive-definite":
        n = value.shape[-1]
        return value @ np.conj(turned) / n + 0.1 * np.eye(n)
    if domain == "simplex":
        return abs(value) / abs(value).sum(-1, keepdims=True)
    return value / np.sqrt((abs(value) ** 2).sum(-1, keepdims=True))  # unit


def tangent(domain: Any, at: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The part of a gradient that a step within the set can see."""
    if gradient.shape != at.shape:
        return gradient
    if domain in ("symmetric", "positive-definite"):
        return (gradient + np.swapaxes(gradient, -1, -2)) / 2
    if domain == "skew":
        return (gradient - np.swapaxes(gradient, -1, -2)) / 2
    if domain == "simplex":
        return gradient - gradient.mean(-1, keepdims=True)
    if domain == "unit":
        return gradient - at * (at * gradient).sum(-1, keepdims=True)
    return gradient


def of_leaves(arguments: Arguments, domain: Any) -> list[Domain | None]:
    """The domain of each live leaf. Raises InputError for a kind that there is not, or that the leaf's shape does not have."""
    chosen = by_leaf(arguments, domain, "domain")
    for kind, example in zip(chosen, arguments.examples, strict=True):
        if kind is None or callable(kind):
            continue
        if kind not in KINDS:
            raise unknown("domain", kind, KINDS)
        shape = np.shape(example)
        if kind in ("symmetric", "skew", "positive-definite") and (len(shape) < 2 or shape[-1] != shape[-2]):
            raise InputError(f"expected square matrices for the domain {kind!r}, got shape {shape}")
        if kind in ("one-hot", "simplex", "unit") and not shape:
            raise InputError(f"expected an array of one axis or more for the domain {kind!r}, got a scalar")
    return chosen


def by_leaf(arguments: Arguments, setting: Any, what: str) -> list[Any]:
    """One setting for all live leaves, or a mapping from a leaf's name, an argument or its number to one."""
    if not isinstance(setting, Mapping):
        return [setting] * len(arguments.live)
    known = set(arguments.names) | {f"argument {i}" for i in arguments.argnums} | set(arguments.argnums)
    for key in setting:
        if key not in known:
            raise InputError(f"expected {what} for leaves among {', '.join(arguments.names)}, got {key!r}")
    found = []
    for name in arguments.names:
        number = int(name.split("[")[0].split(".")[0].removeprefix("argument "))
        found.append(setting.get(name, setting.get(f"argument {number}", setting.get(number))))
    return found


def looks(example: Any) -> str:
    """The set that an example lies on, if it is one that a random draw would leave; else nothing.

    >>> looks(np.array([[0.0, 1.0], [1.0, 1.0]])), looks(np.array([[0.2, 0.8], [0.5, 0.5]])), looks(np.array([0.3, -2.0]))
    ('binary', 'simplex', '')
    """
    x = numbers(example)
    if x.size < 2 or np.iscomplexobj(x) or not np.isfinite(x).all():
        return ""
    if x.any() and not x.all() and bool(((x == 0) | (x == 1)).all()):
        return "one-hot" if x.ndim >= 2 and bool((x.sum(-1) == 1).all()) else "binary"
    close = 64 * float(np.finfo(np.float32).eps) if dtype_of(example).itemsize >= 4 else 0.02
    if (x >= 0).all() and np.allclose(x.sum(-1), 1, atol=close) and x.shape[-1] > 1:
        return "simplex"
    if (
        x.ndim >= 2
        and x.shape[-1] == x.shape[-2] > 1
        and np.allclose(x, np.swapaxes(x, -1, -2), atol=close * abs(x).max())
    ):
        definite = np.linalg.eigvalsh(x).min() > 0
        return "positive-definite" if definite else "symmetric"
    if (
        x.ndim >= 2
        and x.shape[-1] == x.shape[-2] > 1
        and np.allclose(x, -np.swapaxes(x, -1, -2), atol=close * abs(x).max())
    ):
        return "skew"
    if x.shape[-1] > 1 and np.allclose((x**2).sum(-1), 1, atol=close):
        return "unit"
    return ""


def is_diagonal(example: Any) -> bool:
    """Whether matrices are diagonal, as an author takes them who wants any regular matrix: symmetric by accident.

    >>> is_diagonal(2 * np.eye(3)), is_diagonal(np.ones((2, 2))), is_diagonal(np.ones(2))
    (True, False, False)
    """
    x = numbers(example)
    square = x.ndim >= 2 and x.shape[-1] == x.shape[-2] > 1
    return square and not x[..., ~np.eye(x.shape[-1], dtype=bool)].any() and bool(x.any())


def is_meant(kind: str, example: Any) -> bool:
    """Whether an example hardly lies on its set by accident: rows that sum to 1, or many zeros and ones, but no identity matrix."""
    x = numbers(example)
    if kind == "binary":
        return x.size >= 8
    if kind == "one-hot":
        return x.shape[0] != x.shape[-1] or not bool((x == np.eye(len(x))).all())
    return kind in ("", "simplex")
