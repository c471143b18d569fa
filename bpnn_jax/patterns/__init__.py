"""Patterns to learn: `load` for a name or a file, the classic sets by name, and the record that they come in."""

import difflib
import importlib.resources
import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources.abc import Traversable

from bpnn_jax.patterns import files
from bpnn_jax.patterns._patterns import Patterns, is_name
from bpnn_jax.patterns.files import PatternFileError
from bpnn_jax.patterns.sets import (
    FAMILIES,
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

_DATA: Traversable = importlib.resources.files("bpnn_jax.patterns") / "data"


def code() -> Patterns:
    """The bundled source code, one pattern a chunk: how often each symbol occurs, and which language it is."""
    return _bundled("code.train.txt", "code")


def _bundled(file: str, name: str) -> Patterns:
    with importlib.resources.as_file(_DATA / file) as path:
        return replace(files.read(path), name=name, hidden=(8,))


_FAMILIES: dict[str, tuple[str, Callable[..., Patterns]]] = {**FAMILIES, "code": (r"code", code)}


def names() -> tuple[str, ...]:
    """The names that `load` knows, for help texts; a capital letter stands for a number.

    >>> names()[:3]
    ('and', 'or', 'nand')
    """
    return *GATES, *_FAMILIES


def is_set_name(name: str) -> bool:
    """Whether `load` takes this for a named set rather than a file.

    >>> is_set_name("parity-4"), is_set_name("./xor")
    (True, False)
    """
    return name in GATES or any(re.fullmatch(form, name) for form, _ in _FAMILIES.values())


def load(name_or_path: str | os.PathLike[str]) -> Patterns:
    """The pattern set of that name, or the patterns of a file (see `files.read`).

    A known name comes before a file of the same name: write ./xor for the file. Raises UnknownPatternsError for
    a name that is neither, and PatternFileError for a file that cannot be read.

    >>> load("encoder-10-5-10").x.shape
    (10, 10)
    >>> load("xnr")
    Traceback (most recent call last):
    bpnn_jax.patterns.sets.UnknownPatternsError: expected a pattern set or a file, got 'xnr': no such file, nearest names: \
xnor, xor, nor
    """
    if not isinstance(name_or_path, str):
        return files.read(name_or_path)
    if name_or_path in GATES:
        return gate(name_or_path)
    for form, make in _FAMILIES.values():
        if match := re.fullmatch(form, name_or_path):
            return make(*map(int, match.groups()))
    if os.path.exists(name_or_path):
        return files.read(name_or_path)
    near = difflib.get_close_matches(name_or_path.lower(), names(), n=3)
    hint = f"nearest names: {', '.join(near)}" if near else f"known names: {', '.join(names())}"
    raise UnknownPatternsError(f"expected a pattern set or a file, got {name_or_path!r}: no such file, {hint}")


def load_held_out(name: str) -> Patterns | None:
    """The patterns kept apart from the set of that name to test it with, or None where there are none.

    >>> load_held_out("xor") is None
    True
    """
    return _bundled("code.test.txt", "code (held out)") if name == "code" else None
