"""A page per public package, and on it every public name, which mkdocstrings fills in from the docstring."""

import importlib
from typing import Any

FACES = (
    *("bpnn_jax", "bpnn_jax.training", "bpnn_jax.patterns", "bpnn_jax.settings", "bpnn_jax.sklearn", "bpnn_jax.audit"),
    *("bpnn_jax.verify", "bpnn_jax.ablation", "bpnn_jax.statistics", "bpnn_jax.article", "manual"),
)


def public(face: str) -> list[str]:
    """The public names of a package, as its ``__init__`` lists them, or those of a module that begin with no _ and are its own."""
    module = importlib.import_module(face)
    if listed := getattr(module, "__all__", None):
        return list(listed)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == face
    ]


def all_of_them() -> dict[str, str]:
    """Each page by its name. A name that several packages list is explained once, where it comes first."""
    found, seen = {}, {}
    for face in FACES:
        lines = [f"# {face}", "", (importlib.import_module(face).__doc__ or "").strip(), ""]
        for name in public(face):
            path = path_of(face, name)
            if path is None:
                lines += [f"## `{name}`", "", f"A constant of `{face}`.", ""]
            elif path in seen:
                lines += [f"## `{name}`", "", f"As in [{seen[path]}]({seen[path]}.md).", ""]
            else:
                seen[path] = face
                lines += [f"::: {path}", ""]
        found[f"reference/{face}.md"] = "\n".join(lines)
    return found


def path_of(face: str, name: str) -> str | None:
    """Where a class or a function is defined; None for a constant.

    >>> path_of("bpnn_jax", "train"), path_of("manual", "TANH")
    ('bpnn_jax.training._one.train', None)
    """
    thing: Any = getattr(importlib.import_module(face), name)
    if not hasattr(thing, "__qualname__"):
        return None
    return f"{thing.__module__}.{thing.__qualname__}"
