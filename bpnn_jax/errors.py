"""The one way to say that an input is no good: what was expected, what came, and the nearest known names."""

import difflib
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
