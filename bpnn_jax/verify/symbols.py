"""Symbols in NumPy arrays that follow the array API, so that the lines of ``manual`` run on them unchanged."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import sympy


class Symbols(np.ndarray):
    """An object array of SymPy expressions.

    >>> a = symbols("a", (2,))
    >>> (a * a).tolist()
    [a0**2, a1**2]
    """

    def __array_namespace__(self, *, api_version=None):
        return Namespace

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """Floating constants (0.5, 1.7159) enter as the rational numbers they stand for, before any arithmetic rounds them."""
        plain = [np.asarray(rational(i), dtype=object) for i in inputs]
        return of(getattr(ufunc, method)(*plain, **kwargs))


def symbols(name: str, shape: tuple[int, ...]) -> Symbols:
    """An array of real symbols, named by their index."""
    named = [sympy.Symbol(name + "_".join(map(str, index)), real=True) for index in np.ndindex(*shape)]
    return of(np.array(named, dtype=object).reshape(shape))


def of(array: Any) -> Symbols:
    return np.asarray(array, dtype=object).view(Symbols)


def rational(value):
    return _rational(value) if isinstance(value, float) else value


@cache
def _rational(value: float) -> sympy.Expr:
    return sympy.nsimplify(value, rational=True)


def entries(array: np.ndarray) -> list[sympy.Expr]:
    """The expressions in C order."""
    return [sympy.sympify(e) for e in np.asarray(array, dtype=object).ravel()]


def each(function) -> Any:
    """A function of one expression as a function of an array of them."""
    return lambda array: of(np.vectorize(function, otypes=[object])(np.asarray(array)))


class Namespace:
    """As much of the array API as ``manual`` calls."""

    concat = staticmethod(lambda arrays, axis=0: of(np.concatenate(arrays, axis=axis)))
    ones_like = staticmethod(lambda a: of(np.full(a.shape, sympy.Integer(1))))
    zeros_like = staticmethod(lambda a: of(np.full(a.shape, sympy.Integer(0))))
    reshape = staticmethod(lambda a, shape: of(np.reshape(a, shape)))
    sum = staticmethod(lambda a, axis=None, keepdims=False: of(np.sum(np.asarray(a), axis=axis, keepdims=keepdims)))
    max = staticmethod(lambda a, axis=None, keepdims=False: _shift(np.asarray(a)))
    eye = staticmethod(lambda n, dtype=None: of(np.array(sympy.eye(n).tolist(), dtype=object)))
    exp = staticmethod(each(sympy.exp))
    log = staticmethod(each(sympy.log))
    log1p = staticmethod(each(lambda e: sympy.log(1 + e)))
    tanh = staticmethod(each(sympy.tanh))
    expm1 = staticmethod(each(lambda e: sympy.exp(e) - 1))
    atanh = staticmethod(each(sympy.atanh))
    real = staticmethod(lambda a: _Sign(a))
    side = ">"  # of 0, on which every symbol is that a ``where`` asks about

    @staticmethod
    def where(condition, yes, no):
        return rational(yes if condition else no)


class _Sign:
    """The real part of a symbol, of which only the sign is ever asked, or the largest."""

    def __init__(self, a):
        self.a = a

    def __lt__(self, zero):
        return Namespace.side == "<"

    def __gt__(self, zero):
        return Namespace.side == ">"

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.a)


@contextmanager
def on_side(side: str) -> Iterator[None]:
    """Every symbol that a ``where`` asks about is ``<``, ``=`` or ``>`` 0."""
    before, Namespace.side = Namespace.side, side
    try:
        yield
    finally:
        Namespace.side = before


def _shift(a: np.ndarray) -> Symbols:
    """For the largest of a row, of shape (..., 1): any number whatever. What is proved holds for each."""
    return of(np.full((*a.shape[:-1], 1), sympy.Symbol("shift", real=True), dtype=object))
