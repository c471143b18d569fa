"""A package's public names, declared once in its ``__init__.pyi``, each imported when it is first used.

So ``bpnn --help`` needs no JAX, and a type checker, an editor and ``__all__`` read one list.
"""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def declared(stub: str) -> dict[str, tuple[str, str]]:
    """The names that a stub imports, or gives to an import: for each the module that it is in, and its name there.

    >>> declared("from bpnn_jax.rules import rule as rule")
    {'rule': ('bpnn_jax.rules', 'rule')}
    >>> declared("from bpnn_jax.patterns import load as _load; load_patterns = _load")
    {'load_patterns': ('bpnn_jax.patterns', 'load')}
    """
    found: dict[str, tuple[str, str]] = {}
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Assign):  # in a stub, an import under another name is public only this way
            found |= {target.id: found[node.value.id] for target in node.targets}  # pyright: ignore
    return {name: where for name, where in found.items() if not name.startswith("_")}


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of the package whose ``__init__.py`` is ``file``."""
    names = declared(Path(file).with_suffix(".pyi").read_text("utf-8"))

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, inside = names[name]
        return getattr(importlib.import_module(module), inside)

    return get, lambda: sorted(names), sorted(names)
