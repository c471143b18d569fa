"""The notebooks: ``python -m docs.notebooks --write`` runs their cells and keeps what they give; a test runs them again.

A cell's last expression shows itself as in Jupyter, by ``_repr_html_`` where it has one. Cells run here without Jupyter, in a folder
of their own.
"""

import ast
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
NOTEBOOKS = ("pencil_to_certificate.ipynb", "table_to_study.ipynb")


def run(content: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its code cells, run in order in one namespace and an empty folder."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                cell = {**cell, "execution_count": count, "outputs": _outputs("".join(cell["source"]), names, count)}
            cells.append(cell)
    return {**content, "cells": cells}


def _outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), names)
    found: list[dict[str, Any]] = []
    if printed.getvalue():
        found.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_().splitlines(keepends=True)
        found.append({"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}})
    return found


def main(arguments: list[str]) -> int:
    """Run each; with ``--write`` keep what came."""
    os.environ.setdefault("BPNN_COMPILE_CACHE", "off")
    for name in NOTEBOOKS:
        found = run(json.loads((DOCS / name).read_text("utf-8")))
        if arguments == ["--write"]:
            (DOCS / name).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(f"{name}: ran")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
