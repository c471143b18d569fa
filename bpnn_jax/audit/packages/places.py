"""Where a rule stands: the function that its author decorated, and that function's file and line."""

import functools
import inspect
from typing import Any, NamedTuple


class Place(NamedTuple):
    """The same for every rule that one decorator makes: a rule in a closure is one rule, however often it is made."""

    module: str
    name: str
    file: str
    line: int

    @property
    def title(self) -> str:
        return f"{self.module}.{self.name}" if self.module else self.name

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


def body_of(rule: Any) -> Any:
    """The function that the author decorated: behind JAX's ``custom_gradient`` and equinox's own wrappers too."""
    body = getattr(rule, "fun", None) or getattr(rule, "fn", None) or rule
    if body is not rule and type(body).__name__ == "custom_jvp":  # equinox's filter_custom_jvp holds one of JAX's
        body = getattr(body, "fun", body)
    inside = getattr(body, "__qualname__", "")
    for wrapper, name in (("custom_gradient.<locals>", "fun"), ("filter_custom_jvp.__init__.<locals>", "fn")):
        if inside.startswith(wrapper):
            body = closure(body).get(name, body)
    return body


def closure(function: Any) -> dict[str, Any]:
    """What a function closes over, by name; a cell that is still empty is left out."""
    found = {}
    for name, cell in zip(
        getattr(getattr(function, "__code__", None), "co_freevars", ()),
        getattr(function, "__closure__", None) or (),
        strict=False,
    ):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def place_of(body: Any) -> Place:
    """Module, qualified name, file and line of a function, a method, a partial or an object that can be called."""
    while isinstance(body, functools.partial):
        body = body.func
    try:
        function = inspect.unwrap(body)
    except ValueError:  # it wraps itself
        function = body
    if not hasattr(function, "__code__"):
        function = getattr(function, "__func__", None) or getattr(type(function), "__call__", function)  # noqa: B004
    code = getattr(function, "__code__", None)
    name = getattr(body, "__qualname__", None) or getattr(function, "__qualname__", None) or type(body).__qualname__
    module = getattr(body, "__module__", None) or getattr(function, "__module__", None) or ""
    return Place(str(module), str(name), code.co_filename if code else "", code.co_firstlineno if code else 0)
