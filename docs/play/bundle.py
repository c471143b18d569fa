"""ES modules as one script: each in a function of its own, in the order in which they need each other."""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|const|class) (\w+))", re.MULTILINE)


def bundled(folder: Path, entry: str, exposed: tuple[str, ...] = ()) -> str:
    """``entry`` and all that it imports, as one module. What the modules ``exposed`` export is put on ``window.bpnn``.

    Raises ValueError where a module imports what another does not export or what it does not use, where imports go in a circle, and
    for an import or an export that is written in another way than ``import { names } from "./file.js"`` and ``export`` before a
    definition.
    """
    sources: dict[str, str] = {}
    order: list[str] = []
    _visit(folder, entry, sources, order, ())
    exports = {name: EXPORT.findall(text) for name, text in sources.items()}
    parts = [_wrapped(name, sources[name], exports) for name in order]
    shown = "".join(f", {_variable(name)}" for name in exposed)
    return "\n".join(["", *parts, f"window.bpnn = Object.assign({{}}{shown});", ""])


def _visit(folder: Path, name: str, sources: dict[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"expected imports that lead down, got a circle: {' > '.join((*above, name))}")
    if name in sources:
        return
    sources[name] = (folder / name).read_text("utf-8")
    for _, source in IMPORT.findall(sources[name]):
        _visit(folder, source, sources, order, (*above, name))
    order.append(name)


def _wrapped(name: str, text: str, exports: dict[str, list[str]]) -> str:
    def taken(match: re.Match) -> str:
        names = [one.strip() for one in match[1].split(",") if one.strip()]
        missing = set(names) - set(exports[match[2]])
        if missing:
            raise ValueError(f"{name}: expected {match[2]} to export {', '.join(sorted(missing))}")
        unused = [one for one in names if len(re.findall(rf"\b{one}\b", text)) == 1]
        if unused:
            raise ValueError(f"{name}: expected every import to be used, got {', '.join(unused)} from {match[2]}")
        return f"const {{ {', '.join(names)} }} = {_variable(match[2])};\n"

    body = EXPORT.sub("", IMPORT.sub(taken, text)).strip()
    left = re.search(r"^(import|export)\b.*", body, re.MULTILINE)
    if left:
        raise ValueError(
            f'{name}: expected import {{ names }} from "./file.js" and export before a definition, got {left[0]}'
        )
    given = ", ".join(exports[name])
    return f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n"


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))
