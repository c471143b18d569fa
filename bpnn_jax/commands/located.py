"""What MODULE:NAME or FILE.py:NAME names: somebody else's module, imported, and what it does instead in its own words."""

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from bpnn_jax._runtime import wall
from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of a repr: another one each time
FILE = re.compile(r"(.+\.py):([^:]+)")  # in place of a module's name


class NotAuditedError(InputError):
    """A module or a function that could not be audited: what it did instead, in its own words."""


def module_source(name: str) -> Path | None:
    """The file of the module that MODULE:NAME names, or the folder of its package, found without importing it."""
    if (file := FILE.fullmatch(name)) is not None:
        return Path(file[1])
    top = name.partition(":")[0].partition(".")[0]
    try:
        found = PathFinder.find_spec(top, [os.getcwd(), *sys.path]) if top.isidentifier() else None
    except (ImportError, OSError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)


def find(name: str) -> Any:
    """What MODULE:NAME or FILE.py:NAME names; modules are looked for in the current folder too.

    Raises InputError where it names nothing.
    """
    module, attribute, root = _located(name)
    if not all(part.isidentifier() for dotted in (module, attribute) for part in dotted.split(".")):
        raise InputError(f"expected MODULE:NAME, such as mypackage.kernels:softmax, got {one_line(repr(name))}")
    sys.path.insert(0, root)
    try:
        with theirs(f"{module}, when it was imported,"):
            found: Any = importlib.import_module(module)
    finally:
        with contextlib.suppress(ValueError):  # the module may have changed it
            sys.path.remove(root)
    _check_file(name, found)
    for part in attribute.split("."):
        with theirs(f"{module}:{attribute}"):
            there = hasattr(found, part)
            names = ", ".join(n for n in dir(found) if n[0] != "_")
            found = getattr(found, part, None)
        if not there:
            raise InputError(f"expected {part!r} in {module}, got only: {one_line(names)[:1000]}")
    return found


def _located(name: str) -> tuple[str, str, str]:
    """(module, attribute, the folder to import it from). A file of a package is imported as that, so that it may import relatively."""
    file = FILE.fullmatch(name)
    module, _, attribute = name.partition(":")
    inside = Path("__init__.py").is_file() and module.isidentifier() and Path(f"{module}.py").is_file()
    if file is None and not inside:
        return module, attribute, ""
    path = Path(file[1] if file else f"{module}.py").resolve()
    if not path.is_file():
        raise InputError(f"expected the file of a module before the colon, got {one_line(repr(name))}: no such file")
    parts, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():
        parts, folder = [folder.name, *parts], folder.parent
    parts = parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts
    return ".".join(parts), file[2] if file else attribute, str(folder)


def _check_file(name: str, found: Any) -> None:
    """That a file's name did not import another module of that name."""
    file, theirs = FILE.fullmatch(name), getattr(found, "__file__", None)
    if file is not None and (theirs is None or not Path(theirs).samefile(file[1])):
        raise InputError(
            f"expected a file whose name is not another module's, got {one_line(repr(name))}, for which Python "
            f"imports {theirs or found.__name__}: rename it"
        )


@contextlib.contextmanager
def theirs(what: str) -> Iterator[None]:
    """Around somebody else's code: whatever it raises, be it the end of the process, is a NotAuditedError with its words."""
    try:
        yield
    except InputError:
        raise
    except BaseException as error:
        if wall.is_ctrl_c(error):
            raise
        did = "ended the process" if isinstance(error, SystemExit) else f"raised {type(error).__name__}"
        raise NotAuditedError(f"expected {what} to be audited, but it {did}: {words(error)}") from error


def words(thing: object) -> str:
    """What an exception says, or how a thing shows itself; whatever its own code does instead."""
    if isinstance(thing, dict):  # of a module, it would show what is Python's
        return f"a dict of {len(thing)}"
    try:
        said = str(thing) if isinstance(thing, BaseException) else ADDRESS.sub("", repr(thing))
        return one_line(said)[:500] or "without a word"
    except BaseException as error:
        if wall.is_ctrl_c(error):
            raise
        return f"a {type(thing).__name__} that cannot be shown ({type(error).__name__})"
