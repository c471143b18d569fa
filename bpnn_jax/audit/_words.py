"""Other values of an option that is a word: those that the program compares words with, or the rest of a family that many share."""

import dis
import enum
import functools
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

MOST = 3  # other words for one option
DEPTH = 3  # calls from function to function that are followed
FAMILIES = (
    ("mean", "sum", "none"),
    ("same", "valid", "full"),
    ("SAME", "VALID"),
    ("backward", "ortho", "forward"),
    ("constant", "edge", "reflect", "wrap", "symmetric"),
    ("nearest", "linear", "cubic"),
    ("left", "right"),
    ("lower", "upper"),
    ("min", "max"),
)
COMPARES = {"COMPARE_OP", "CONTAINS_OP"}
MAPS = {"BUILD_CONST_KEY_MAP", "BUILD_MAP"}


def others(value: str | enum.Enum, compared: Sequence[str]) -> list:
    """What to try in place of ``value``, at most ``MOST``; ``compared`` as ``of`` gives it.

    >>> others("mean", []), others("ij,jk->ik", []), others("fast", ["exact", "fast"])
    (['sum', 'none'], [], ['exact'])
    """
    if isinstance(value, enum.Enum):
        return [other for other in type(value) if other is not value][:MOST]
    family = next((f for f in FAMILIES if value in f), ())
    return [word for word in dict.fromkeys((*compared, *family)) if word != value][:MOST]


def of(functions: Sequence[Any]) -> list[str]:
    """The words with which some functions, and those of their own module that they call, compare; keys of a dictionary, too.

    >>> of([lambda x, how: x if how == "plain" else {"double": 2 * x, "half": x / 2}[how]])
    ['plain', 'double', 'half']
    """
    found: dict[str, None] = {}
    for function in _reached(functions):
        found |= dict.fromkeys(_compared(function.__code__))
        for name in _named(function.__code__):
            table = function.__globals__.get(name)
            if isinstance(table, dict) and name != "__builtins__":
                found |= dict.fromkeys(key for key in table if isinstance(key, str))
    return list(found)


def _reached(functions: Sequence[Any]) -> list[FunctionType]:
    found: dict[int, FunctionType] = {}
    level = [f for given in functions for f in _plain(given)]
    for _ in range(DEPTH):
        level = [f for f in level if id(f) not in found]
        found |= {id(f): f for f in level}
        level = [g for f in level for given in _called(f) for g in _plain(given) if g.__module__ == f.__module__]
    return list(found.values())


def _plain(given: Any) -> Iterator[FunctionType]:
    """The Python functions in a ``custom_vjp``, a ``partial``, a decorated function or a method."""
    if isinstance(given, functools.partial):
        yield from _plain(given.func)
    elif isinstance(given, FunctionType):
        yield given
        if hasattr(given, "__wrapped__"):
            yield from _plain(given.__wrapped__)
    elif callable(given):
        parts: list[Callable | None] = [
            getattr(given, name, None) for name in ("fun", "fwd", "bwd", "jvp", "fn", "__func__")
        ]
        for part in (*parts, getattr(given, "__wrapped__", None)):
            if part is not given and part is not None:
                yield from _plain(part)


def _called(function: FunctionType) -> Iterator[Any]:
    for name in _named(function.__code__):
        if callable(found := function.__globals__.get(name)):
            yield found
    for cell in function.__closure__ or ():
        try:
            if callable(cell.cell_contents):
                yield cell.cell_contents
        except ValueError:  # a cell that nothing has been put into yet
            continue


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _named(code: CodeType) -> list[str]:
    return [name for one in _codes(code) for name in one.co_names]


def _compared(code: CodeType) -> Iterator[str]:
    """Words that stand next to a comparison, or are keys of a dictionary that is written out."""
    for one in _codes(code):
        recent: list[Any] = []
        for step in dis.get_instructions(one):
            if step.opname in COMPARES or step.opname in MAPS:
                near = recent[-2:] if step.opname in COMPARES else recent
                yield from (word for value in near for word in _words(value))
                recent = []
            elif step.opname == "STORE_FAST" or step.opname.startswith(("POP_JUMP", "RETURN")):
                recent = []
            else:
                recent.append(step.argval if step.opname.startswith("LOAD_CONST") else None)


def _words(value: Any) -> Iterator[str]:
    for word in value if isinstance(value, tuple | frozenset) else (value,):
        if isinstance(word, str) and word.isidentifier():
            yield word
