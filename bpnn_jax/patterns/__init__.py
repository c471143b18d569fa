"""Patterns to learn: `load` for a name or a file, the classic sets by name, and the record that they come in."""

import difflib
import os
import re

from bpnn_jax.patterns import door
from bpnn_jax.patterns._patterns import Patterns, is_name
from bpnn_jax.patterns.door import code
from bpnn_jax.patterns.files import PatternFileError
from bpnn_jax.patterns.sets import (
    GATES,
    UnknownPatternsError,
    encoder,
    gate,
    parity,
    symmetry,
    two_spirals,
)

__all__ = [
    "PatternFileError",
    "Patterns",
    "UnknownPatternsError",
    "code",
    "encoder",
    "gate",
    "is_name",
    "is_set_name",
    "load",
    "load_held_out",
    "names",
    "parity",
    "symmetry",
    "two_spirals",
]


def names() -> tuple[str, ...]:
    """The names that `load` knows, for help texts; a capital letter stands for a number.

    >>> names()[:3]
    ('and', 'or', 'nand')
    """
    return *GATES, *door.SETS, *door.TABLES


def is_set_name(name: str) -> bool:
    """Whether `load` takes this for a named set rather than a file.

    >>> is_set_name("parity-4"), is_set_name("./xor")
    (True, False)
    """
    return name in (*GATES, *door.TABLES) or any(re.fullmatch(form, name) for form, _ in door.SETS.values())


def load(name_or_path: str | os.PathLike[str]) -> Patterns:
    """The pattern set of that name, or the patterns of a file (see `door.open_file`).

    A known name comes before a file of the same name: write ./xor for the file. Raises UnknownPatternsError for
    a name that is neither, and PatternFileError for a file that cannot be read.

    >>> load("encoder-10-5-10").x.shape
    (10, 10)
    >>> load("xnr")
    Traceback (most recent call last):
    bpnn_jax.patterns.sets.UnknownPatternsError: expected a pattern set or a file, got 'xnr': no such file, nearest names: \
xnor, xor, nor
    """
    if isinstance(name_or_path, str) and is_set_name(name_or_path):
        return door.open_set(name_or_path).patterns
    if not isinstance(name_or_path, str) or os.path.exists(name_or_path):
        return door.open_file(name_or_path).patterns
    near = difflib.get_close_matches(name_or_path.lower(), names(), n=3)
    hint = f"nearest names: {', '.join(near)}" if near else f"known names: {', '.join(names())}"
    raise UnknownPatternsError(f"expected a pattern set or a file, got {name_or_path!r}: no such file, {hint}")


def load_held_out(name: str) -> Patterns | None:
    """The patterns kept apart from the set of that name to test it with, or None where there are none.

    >>> load_held_out("xor") is None
    True
    """
    return door.bundled("code.test.txt", "code (held out)") if name == "code" else None
