"""SymPy symbols in NumPy arrays that follow the array API, so that the lines of ``manual`` run on them unchanged."""

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


def of(array: np.ndarray) -> Symbols:
    return np.asarray(array, dtype=object).view(Symbols)


def rational(value):
    return sympy.nsimplify(value, rational=True) if isinstance(value, float) else value


def entries(array: np.ndarray) -> list[sympy.Expr]:
    """The expressions in C order."""
    return [sympy.sympify(e) for e in np.asarray(array, dtype=object).ravel()]


class Namespace:
    """As much of the array API as ``manual`` calls."""

    concat = staticmethod(lambda arrays, axis=0: of(np.concatenate(arrays, axis=axis)))
    ones_like = staticmethod(lambda a: of(np.full(a.shape, sympy.Integer(1))))
    zeros_like = staticmethod(lambda a: of(np.full(a.shape, sympy.Integer(0))))
    reshape = staticmethod(lambda a, shape: of(np.reshape(a, shape)))
    sum = staticmethod(lambda a, axis=None: of(np.sum(np.asarray(a), axis=axis)))
    exp = staticmethod(lambda a: of(np.vectorize(sympy.exp, otypes=[object])(a)))
    tanh = staticmethod(lambda a: of(np.vectorize(sympy.tanh, otypes=[object])(a)))
    real = staticmethod(lambda a: _Sign())
    branch = False  # which branch every ``where`` takes: (1) is proved on both

    @staticmethod
    def where(condition, yes, no):
        return rational(yes if Namespace.branch else no)


class _Sign:
    """The real part of a symbol, of which only the sign is ever asked."""

    def __lt__(self, other):
        return self
