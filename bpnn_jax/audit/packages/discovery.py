"""Which hand-written rules a package has: by its source, so that those behind failing imports are listed too, and by import."""

import ast
import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from bpnn_jax.errors import InputError

DECORATORS = ("custom_vjp", "custom_jvp", "custom_gradient", "filter_custom_vjp", "filter_custom_jvp")


@dataclass(frozen=True)
class Listed:
    """A rule that a package has; ``found`` says how it is known: "source", "import" or both."""

    module: str
    name: str
    kind: str
    file: str
    line: int
    found: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.module}.{self.name}"


def folder_of(package: str) -> Path:
    """The folder of a package, or the file of a module, without an import of it. Raises InputError where there is none."""
    parts = package.split(".")
    if not all(part.isidentifier() for part in parts):
        raise InputError(f"expected the name of a package that can be imported, such as optax, got {package!r}")
    try:
        # This folder is not in the path of the program bpnn; a package that is being developed has a finder of its own.
        spec = PathFinder.find_spec(parts[0], [os.getcwd(), *sys.path]) or find_spec(parts[0])
    except (ImportError, ValueError, AttributeError):
        spec = None
    places = [Path(folder).joinpath(*parts[1:]) for folder in (spec and spec.submodule_search_locations) or ()]
    places += [Path(spec.origin)] if spec is not None and spec.origin and not places else []
    for place in places:
        for found in (place, place.with_suffix(".py")):
            if found.is_dir() or (found.is_file() and found.suffix == ".py"):
                return found
    raise InputError(f"expected the name of a package that is installed here or in this folder, got {package!r}")


def together(by_source: list[Listed], by_import: list[Listed]) -> list[Listed]:
    """Every rule once, in the order of its place; ``found`` holds the ways in which it was found."""
    known = {(rule.file, rule.line): rule for rule in by_source}
    for rule in by_import:
        there = known.get((rule.file, rule.line))
        known[rule.file, rule.line] = rule if there is None else replace(there, found=("source", "import"))
    return sorted(known.values(), key=lambda r: (r.module, r.line))


# --- by source ---


def in_source(package: str) -> list[Listed]:
    """Functions that are decorated as rules or handed to a decorator, in every file; a file that does not parse is left out."""
    root = folder_of(package)
    files = [root] if root.is_file() else sorted(root.rglob("*.py"))
    return [rule for file in files for rule in _in_file(file, _module_of(file, root, package))]


def _module_of(file: Path, root: Path, package: str) -> str:
    inside = file.relative_to(root).with_suffix("").parts if root.is_dir() else ()
    return ".".join((package, *(part for part in inside if part != "__init__")))


def _in_file(file: Path, module: str) -> Iterator[Listed]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    names = _names(tree)
    for name, kind, line in _Rules(names).among(tree.body, ()):
        yield Listed(module, name, kind, str(file), line, ("source",))


def _names(tree: ast.Module) -> dict[str, str]:
    """What a file calls each decorator, after its imports and plain assignments (``cv = jax.custom_vjp``)."""
    found = {name: name for name in DECORATORS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname: a.name for a in node.names if a.asname and a.name in DECORATORS}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr in DECORATORS:
            found |= {target.id: node.value.attr for target in node.targets if isinstance(target, ast.Name)}
    return found


class _Rules:
    def __init__(self, names: dict[str, str]):
        self.names = names

    def kind_of(self, node: ast.expr) -> str:
        """Of ``jax.custom_vjp``, ``custom_vjp``, ``partial(jax.custom_vjp, ...)`` and ``jax.custom_vjp(nondiff_argnums=...)``."""
        if isinstance(node, ast.Attribute):
            return node.attr if node.attr in DECORATORS else ""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "partial" and node.args:
                return self.kind_of(node.args[0])
            return self.kind_of(node.func)
        return ""

    def among(self, body: list[ast.stmt], inside: tuple[str, ...]) -> Iterator[tuple[str, str, int]]:
        """(qualified name, kind, line where the function begins) in a body and below it."""
        functions = {n.name: n for n in ast.walk(ast.Module(body, [])) if isinstance(n, ast.FunctionDef)}
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                kind = next(filter(None, map(self.kind_of, node.decorator_list)), "")
                if kind:
                    yield ".".join((*inside, node.name)), kind, min(d.lineno for d in node.decorator_list)
                yield from self.among(node.body, (*inside, node.name, "<locals>"))
            elif isinstance(node, ast.ClassDef):
                yield from self.among(node.body, (*inside, node.name))
            else:
                yield from self.handed_over(node, functions, inside)
                for part in ("body", "orelse", "finalbody"):
                    yield from self.among(getattr(node, part, []), inside)
                for handler in getattr(node, "handlers", []):
                    yield from self.among(handler.body, inside)

    def handed_over(
        self, node: ast.stmt, functions: dict[str, ast.FunctionDef], inside: tuple[str, ...]
    ) -> Iterator[tuple[str, str, int]]:
        """``f = jax.custom_vjp(g)``, and ``return jax.custom_vjp(g)``: the rule is g's."""
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
            return
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and call.args and (kind := self.kind_of(call.func)):
                given = call.args[0]
                name = given.id if isinstance(given, ast.Name) else ast.unparse(given)[:40]
                there = functions.get(name)
                first = given if there is None else min([there, *there.decorator_list], key=lambda n: n.lineno)
                yield ".".join((*inside, name if not isinstance(given, ast.Lambda) else "<lambda>")), kind, first.lineno


# --- by import ---


def in_modules(package: str) -> list[Listed]:
    """What the modules hold once they are imported; one that fails, or would run a program, is left out."""
    found: dict[tuple[str, int], Listed] = {}
    for module in modules(package):
        for thing in _things(module):
            rule = _unwrapped(thing)
            if rule is None:
                continue
            from bpnn_jax.audit.packages.places import body_of, place_of

            place = place_of(body_of(rule))
            if place.module == package or place.module.startswith(f"{package}."):
                key = place.file, place.line
                found[key] = Listed(place.module, place.name, type(rule).__name__, place.file, place.line, ("import",))
    return list(found.values())


def modules(package: str) -> Iterator[ModuleType]:
    folder = folder_of(package)
    names = [package]
    if folder.is_dir():
        names += [
            m for m in _below(folder, package) if not {"__main__", "tests", "test", "conftest"} & set(m.split("."))
        ]
    for name in names:
        with contextlib.suppress(BaseException):  # SystemExit too: a script among the modules
            importlib.import_module(name)
        if name in sys.modules:
            yield sys.modules[name]


def _below(folder: Path, package: str) -> Iterator[str]:
    for module in pkgutil.iter_modules([str(folder)]):
        name = f"{package}.{module.name}"
        yield name
        if module.ispkg:
            yield from _below(folder / module.name, name)


def _things(module: ModuleType) -> Iterator[object]:
    for thing in list(vars(module).values()):
        yield thing
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            yield from list(vars(thing).values())


def _unwrapped(thing: object) -> object | None:
    """The rule itself, behind jit and the like."""
    for _ in range(20):
        if type(thing).__name__ in DECORATORS and type(thing).__module__.split(".")[0] in ("jax", "equinox"):
            return thing
        inner = getattr(thing, "__wrapped__", None) if callable(thing) and not isinstance(thing, type) else None
        if inner is None:
            return None
        thing = inner
    return None
