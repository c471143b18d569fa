"""The one way to say that an input is no good: what was expected, what came, and the nearest known names."""

import difflib
import math
import operator
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used; the message says what was expected and what came."""


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """An InputError for a name that is not among the known ones.

    >>> str(unknown("activation", "sigmod", ["tanh", "sigmoid"]))
    "unknown activation 'sigmod'; did you mean 'sigmoid'? Known: tanh, sigmoid"
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return InputError(f"unknown {kind} {name!r}{hint} Known: {', '.join(known)}")


def whole_number(what: str, value: object, low: int, high: int = 2**31 - 1) -> int:
    """``value`` as an int from ``low`` to ``high``; NumPy's integers count as whole numbers, True and 3.0 do not.

    >>> whole_number("epochs", 3, 1)
    3
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < low:
        raise InputError(f"expected {what} as a whole number from {low} up, got {value!r}")
    if number > high:
        raise InputError(f"expected {what} as a whole number up to {high}, got {value!r}")
    return number


def seed(value: object) -> int:
    """A seed that means the same in every precision: JAX keeps the low 32 bits of it where float64 is off."""
    return whole_number("seed", value, 0, 2**32 - 1)


def finite(what: str, value: object, low: float = 0.0) -> float:
    """``value`` as a finite float from ``low`` up; a string is none, whatever it says.

    >>> finite("momentum", 1)
    1.0
    """
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number < math.inf:
        raise InputError(f"expected {what} as a finite number from {low:g} up, got {value!r}")
    return number


def switch(what: str, value: object) -> bool:
    """``value`` as a bool, if it is True or False, NumPy's too: "no", which Python takes for true, is an InputError.

    >>> switch("shuffle", False)
    False
    """
    kind = type(value)
    if kind is bool or (kind.__module__, kind.__name__) in (("numpy", "bool"), ("numpy", "bool_")):
        return bool(value)
    raise InputError(f"expected {what} as True or False, got {value!r}")
