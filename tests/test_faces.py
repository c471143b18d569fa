"""Experiments and benchmarks stand on what is public: an import that goes behind a face fails here."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACES = {
    "bpnn_jax",
    *(
        f"bpnn_jax.{name}"
        for name in ("ablation", "article", "audit", "patterns", "settings", "sklearn", "statistics", "training")
    ),
    *("bpnn_jax.verify", "bpnn_jax.patterns.featurize", "bpnn_jax.patterns.files", "bpnn_jax.patterns.scores"),
    *("manual", "manual.article"),
}
# What measures the inside of the package has to reach it.
INSIDE = {
    "benchmarks/auditor/studies/right.py": ("manual",),  # networks to audit, made of the derivation's own pieces
    "benchmarks/auditor/studies/wrong.py": ("manual",),  # and the catalogue of mistakes
    "benchmarks/attacks/ground.py": ("bpnn_jax.cli",),  # the commands, in one child
    "benchmarks/attacks/kinds/tables.py": ("bpnn_jax.patterns",),  # what a file is read as
    "benchmarks/activations.py": ("bpnn_jax.training",),  # the loops' own sigmoid and tanh
    "benchmarks/chain.py": ("bpnn_jax.training",),  # the same
    "benchmarks/coverage.py": ("bpnn_jax.statistics",),  # thousands of studies in one bootstrap
    "benchmarks/defaults.py": ("bpnn_jax.cli", "bpnn_jax.patterns"),  # the command itself, and the splits that it makes
    "benchmarks/ray_engine.py": ("bpnn_jax.ablation",),  # what the cluster costs beside the chunks themselves
    "benchmarks/study.py": ("bpnn_jax.ablation",),  # what of a study the store takes
    "benchmarks/widest.py": ("bpnn_jax.training",),  # the border between two engines
    "benchmarks/speed/grid.py": ("bpnn_jax.training",),  # which engine is chosen
    "benchmarks/speed/peers/ours.py": ("bpnn_jax.training",),  # each engine, chosen or not
    "benchmarks/blocks.py": ("bpnn_jax.training._orders",),  # an order of the patterns, beside JAX's
    "benchmarks/outputs.py": ("bpnn_jax.training",),  # the same, by the number of outputs
    "benchmarks/gpu/__main__.py": ("bpnn_jax.training",),  # the kernel
    "benchmarks/gpu/right.py": ("bpnn_jax.training", "bpnn_jax.verify"),  # the kernel, and the bound on its rounding
    "benchmarks/gpu/study.py": ("bpnn_jax.ablation", "bpnn_jax.training"),  # which engine trains a study, and where
    "benchmarks/gpu/static.py": ("bpnn_jax.training",),  # the kernel's instructions
}
FILES = sorted(file for folder in ("experiments", "benchmarks") for file in (ROOT / folder).rglob("*.py"))


def behind(source: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """What a source imports from our packages that no face lists; ``allowed`` are packages that it may look into."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if _ours(a.name) and a.name not in FACES and not _in(a.name, allowed)]
        elif isinstance(node, ast.ImportFrom) and node.module and _ours(node.module):
            names = [f"{node.module}.{a.name}" for a in node.names]
            found += [name for name in names if not _listed(node.module, name) and not _in(name, allowed)]
    return found


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("bpnn_jax", "manual")


def _in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{package}.") for package in packages)


def _listed(module: str, name: str) -> bool:
    if name in FACES:
        return True
    if module not in FACES or name.rpartition(".")[2].startswith("_"):
        return False
    public = getattr(importlib.import_module(module), "__all__", None)
    return public is None or name.rpartition(".")[2] in public


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_faces_are_imported(file):
    assert behind(file.read_text("utf-8"), INSIDE.get(str(file.relative_to(ROOT)), ())) == []


def test_what_may_look_inside_does():
    assert all(behind((ROOT / file).read_text("utf-8")) for file in INSIDE)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from bpnn_jax import train, Network", 0),
        ("import manual\nfrom bpnn_jax.patterns import files", 0),
        ("from experiments._common import run", 0),
        ("from bpnn_jax.training._many import train_many", 1),
        ("def f():\n    from bpnn_jax.commands import common", 1),
        ("from bpnn_jax.training import _loop", 1),
        ("import bpnn_jax._runtime.files", 1),
        ("from bpnn_jax import cli", 1),
        ("from manual.backprop import deltas", 1),
    ],
)
def test_the_scan_sees_what_is_behind(source, count):
    assert len(behind(source)) == count
