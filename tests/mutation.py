"""Break every formula of ``manual/`` in turn and see whether ``bpnn verify`` says so.

    python tests/mutation.py [FILE ...] [--jobs 2]

Each mutant is a copy of ``manual/`` with one operator, constant, index, sign or transpose changed. The ladder runs on it until
its first wrong row. A mutant that gets to the top survives, and is printed; the exit status is the number of survivors that are
not in EQUIVALENT. Some 200 mutants take about 15 minutes on two cores, so the suite runs a sample (tests/test_mutation.py).
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FILES = ("activations", "network", "objective", "backprop", "rules", "curvature", "article")

# Line of source, change -> why no check can tell it from the right one.
EQUIVALENT = {
    ("if len(inputs) != self.ni - 1:", "- becomes +"): "the article only prints a line there",
    ("if len(inputs) != self.ni - 1:", "what follows - is lost"): "the article only prints a line there",
    ("error = 0.0", "0.0 becomes 0.01"): "always overwritten: the article's '=' for '+='",
}

SIGN = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}

# Rungs where these files are looked at; they are climbed first, which changes no verdict and saves half a minute a mutant.
FIRST = {"article": "article's loops", "rules": "3: "}

# Climb the ladder in the ``manual/`` of one folder after another, each up to its first wrong row, and say which that was.
# JAX and SymPy are imported once; ``manual`` and what stands on it anew for each folder.
CLIMB = """
import json
import sys

def climb(folder, first, sizes):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("manual", "bpnn_jax")]:
        del sys.modules[name]
    sys.path[0] = folder
    import manual
    from bpnn_jax.verify import ladder, mistakes, networks
    if manual.__path__ != [folder + "/manual"]:
        raise ImportError(f"expected the mutant, got {manual.__path__}")
    options = networks.Options(networks=8000, sizes=sizes and tuple(sizes))
    for _, piece in sorted(ladder._work(options), key=lambda piece: first not in piece[0]):
        for check in piece():
            if check.verdict == "wrong":
                return f"{check.rung} {check.equation} {check.witness}"
    for caught in mistakes.caught():
        if not caught.right:
            return f"6 {caught.equation} {caught.name}"
    return ""

def said(*what):
    try:
        return climb(*what)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

print(json.dumps([said(*what) for what in json.loads(sys.argv[1])]))
"""


class Mutant(NamedTuple):
    file: str
    line: int
    source: str  # the line as it was
    change: str
    text: str  # the whole mutated file

    def __str__(self) -> str:
        return f"manual/{self.file}.py:{self.line}: {self.change} in: {self.source}"


def mutants(file: str) -> Iterator[Mutant]:
    """Every single change of one file's functions; their docstrings and error messages are left alone."""
    source = (ROOT / "manual" / f"{file}.py").read_text()
    lines = source.splitlines(keepends=True)
    starts = [len("".join(lines[:i]).encode()) for i in range(len(lines))]
    found: dict[tuple, Mutant] = {}
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            body = function.body if isinstance(function.body, list) else [function.body]
            for node in (n for statement in body for n in _formula(statement) if hasattr(n, "lineno")):
                begin = starts[node.lineno - 1] + node.col_offset
                end = starts[node.end_lineno - 1] + node.end_col_offset
                for change, new in edits(node):
                    text = (source.encode()[:begin] + new.encode() + source.encode()[end:]).decode()
                    line = lines[node.lineno - 1].strip()
                    found[begin, end, new] = Mutant(file, node.lineno, line, change, text)
    yield from found.values()


def _formula(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _formula(child)


def edits(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(what is changed, the node's new text)."""
    if isinstance(node, ast.BinOp):
        left, right, op = ast.unparse(node.left), ast.unparse(node.right), type(node.op)
        if op in SWAPPED:
            yield f"{SIGN[op]} becomes {SIGN[SWAPPED[op]]}", f"(({left}) {SIGN[SWAPPED[op]]} ({right}))"
            yield f"what follows {SIGN[op]} is lost", f"({left})"
        if op is ast.MatMult:
            yield "a product changes its sign", f"-({left} @ {right})"
    if isinstance(node, ast.AugAssign) and type(node.op) is ast.Add:
        target, value = ast.unparse(node.target), ast.unparse(node.value)
        yield "+= becomes -=", f"{target} -= {value}"
        yield "+= becomes =", f"{target} = {value}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "a minus is lost", ast.unparse(node.operand)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt):
        yield "< becomes >", f"{ast.unparse(node.left)} > {ast.unparse(node.comparators[0])}"
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        new = node.value * 1.01 or 0.01
        yield f"{node.value} becomes {new}", repr(new)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield ".T is lost", ast.unparse(node.value)


def climb(mutants: Sequence[Mutant], sizes: tuple[int, ...] | None = None) -> list[str]:
    """What the ladder says of each mutant, in one process: its first wrong row, or nothing. ``sizes`` as ``bpnn verify --sizes``."""
    with tempfile.TemporaryDirectory() as folder:
        work = []
        for i, mutant in enumerate(mutants):
            copy = Path(folder) / str(i)
            copytree(ROOT / "manual", copy / "manual", ignore=ignore_patterns("__pycache__"))
            (copy / "manual" / f"{mutant.file}.py").write_text(mutant.text)
            work.append((str(copy), FIRST.get(mutant.file, ""), sizes))
        done = subprocess.run(
            [sys.executable, "-c", CLIMB, json.dumps(work)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1:] * len(mutants)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", nargs="*", default=FILES, metavar="FILE", help=", ".join(FILES))
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    every = [m for file in chosen.files for m in mutants(file)]
    survivors = 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        said = pool.map(
            lambda mutant: climb([mutant])[0], every
        )  # a process each: one that crashes takes no other along
        for done, (mutant, verdict) in enumerate(zip(every, said, strict=True), 1):
            known = EQUIVALENT.get((mutant.source, mutant.change))
            if not verdict and known is None:
                survivors += 1
            how = f"caught at {verdict}" if verdict else f"equivalent: {known}" if known else "SURVIVED"
            print(f"[{done}/{len(every)}] {mutant}: {how}", flush=True)
    print(f"{len(every)} mutants, {survivors} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(main())
