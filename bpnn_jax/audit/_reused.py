"""What audits of the same functions at arguments of the same shapes share, inside ``reusing``: what was traced and compiled."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bpnn_jax.audit._leaves import Arguments, dtype_of

_kept: list[dict] = []


@contextmanager
def reusing() -> Iterator[None]:
    """Inside, audits of the same functions at arguments of the same shapes share what was compiled.

    For many audits of one rule: seeds of a study, a hypothesis search. The functions must be the same objects, and compute from
    their arguments alone; floating arrays that are not differentiated are traced here, where otherwise they are constants.
    """
    _kept.append({})
    try:
        yield
    finally:
        _kept.pop()


def store(key: Any) -> dict | None:
    """Where what belongs to ``key`` is kept; None outside ``reusing``, and for a key without a hash (a static argument has none).

    >>> store("a") is None
    True
    >>> with reusing():
    ...     store("a") is store("b"), store([])
    (True, None)
    """
    try:
        hash(key)
    except TypeError:
        return None
    return _kept[-1] if _kept else None


def remembered(key: tuple, make: Callable[[], Any]) -> Any:
    """``make()``, or inside ``reusing`` what it was for that key before.

    >>> with reusing():
    ...     remembered(("a", 1), lambda: 2), remembered(("a", 1), lambda: 3), remembered(("a", []), lambda: 4)
    (2, 2, 4)
    """
    kept = store(key)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]


def shapes(arguments: Arguments, carried: Sequence[Any] = ()) -> tuple:
    """All of the arguments that a trace can tell apart: the live leaves' shapes, the carried ones' values, the rest as it is."""
    live = tuple((np.shape(e), dtype_of(e)) for e in arguments.examples)
    others = tuple((np.shape(o), dtype_of(o), np.asarray(o).tobytes()) for o in carried or arguments.others)
    treedef, argnums, rest = arguments.fixed
    return treedef, argnums, rest, tuple(map(type, rest)), live, others
