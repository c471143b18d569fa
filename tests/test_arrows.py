"""The arrows of the house (docs/architecture.md), and the doors that stay shut: no eval, no exec, no pickle."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import bpnn_jax
import manual

MANUAL, BPNN_JAX = Path(manual.__file__).parent, Path(bpnn_jax.__file__).parent
FILES = sorted([*MANUAL.rglob("*.py"), *BPNN_JAX.rglob("*.py")])
HERE = MANUAL.parent
MANUAL_MODULES = sorted(
    ".".join(f.relative_to(HERE).with_suffix("").parts) for f in MANUAL.rglob("*.py") if f.stem != "__init__"
)
# What trains; it knows nothing of what checks, reports, or talks to a user.
FUSED = (
    "training.fused",
    "training.fused.activations",
    "training.fused.epoch",
    "training.fused.equations",
    "training.fused.lanes",
    "training.fused.patterns",
)
ENGINE = (
    *("_runtime", "_runtime.cores", "_runtime.forks", "_runtime.xla", "errors", "rules"),
    *(f"network{name}" for name in ("", "._activations", "._first", "._forward", "._network")),
    *("_runtime.arrays", "_runtime.display", "_runtime.lazy", "_runtime.own_manual", "_runtime.start"),
    *(
        "training",
        "training._inputs",
        "training._step",
        "training._columns",
        "training._outputs",
        "training._schedule",
        "training._settings",
        "training._orders",
        "training._loop",
        "training._watch",
        "training._engines",
        "training._epochs",
    ),
    *("training._blocks", "training._one", "training._many"),
    *FUSED,
    *(f"training.gpu{name}" for name in ("", ".block", ".kernel", ".rows", ".stretches", ".update")),
)


def imports(source: str) -> set[str]:
    """Every module that is imported anywhere in a source, at the top or lazily, with the names taken from it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            found |= {f"{dots}{node.module or ''}", *(f"{dots}{node.module or ''}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            found.add(node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else "computed")
    return found


def doors(source: str) -> set[str]:
    """Every way to run what a file says."""
    tree = ast.parse(source)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & {"eval", "exec", "compile", "__import__"}
    names |= {
        f"builtins.{n.attr}" for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in ("eval", "exec")
    }
    roots = {module.split(".")[0] for module in imports(source)}
    names |= roots & {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "code"}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            refused = isinstance(node.value, ast.Constant) and node.value.value is False
            names |= set() if refused else {"allow_pickle"}
    return names


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


# In one process: what none of several modules may bring, all of them together may not.
BELOW_THE_COMMANDS = (
    "bpnn_jax",
    *(f"bpnn_jax.{name}" for name in ("training", "patterns", "settings", "verify.ladder")),
)
BELOW_THE_COMMANDS += ("bpnn_jax.ablation.runner", "bpnn_jax.ablation.report")


# Imports of which some test says what they bring; what needs JAX and SciPy anyway begins with them there.
BARE = (
    ("manual", *MANUAL_MODULES),
    ("bpnn_jax", "bpnn_jax.ablation", "bpnn_jax.ablation.study", "bpnn_jax.cli"),
    ("bpnn_jax.statistics",),
)
WITH_JAX = (
    ("bpnn_jax.network", "bpnn_jax.rules"),
    ("bpnn_jax.ablation.runner",),
    BELOW_THE_COMMANDS,
    ("bpnn_jax.ablation.report.page",),
)
CODE = """
import importlib, json, os, sys
for module in sys.argv[2:]: importlib.import_module(module)
for modules in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        for module in modules: importlib.import_module(module)
        print(json.dumps(list(sys.modules)), flush=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]): sys.exit(f"{modules}: the import failed")
"""


@cache
def _loaded() -> dict[tuple[str, ...], set[str]]:
    """What sys.modules holds after each of those imports, in interpreters that have imported nothing else of ours."""
    found = {}
    for groups, begins_with in ((BARE, ()), (WITH_JAX, ("jax", "scipy.stats"))):
        command = [sys.executable, "-c", CODE, json.dumps(groups), *begins_with]
        run = subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=False)
        assert run.returncode == 0, run.stderr
        for group, line in zip(groups, run.stdout.splitlines(), strict=True):
            found[group] = {
                name if name.split(".")[0] in ("bpnn_jax", "manual") else name.split(".")[0]
                for name in json.loads(line)
            }
    return found


def loaded_by(*modules: str) -> set[str]:
    return _loaded()[modules]


# --- manual stands alone ---


def test_manual_brings_neither_jax_nor_bpnn_jax():
    assert len(MANUAL_MODULES) >= 8
    loaded = loaded_by("manual", *MANUAL_MODULES)
    assert {"manual", *MANUAL_MODULES} <= loaded
    assert not {m for m in loaded if m.startswith(("jax", "bpnn_jax", "optax", "torch", "autograd", "sympy"))}


@pytest.mark.parametrize("file", sorted(MANUAL.rglob("*.py")), ids=lambda f: f.name)
def test_manual_imports_numpy_and_the_standard_library_at_most(file):
    roots = {module.split(".")[0] for module in imports(file.read_text("utf-8"))}
    assert roots <= {"manual", "numpy", *sys.stdlib_module_names}


# --- inside bpnn_jax ---


def test_the_witness_is_written_apart_from_manual():
    files = [*(BPNN_JAX / "network").glob("*.py"), BPNN_JAX / "rules.py"]
    assert len(files) > 2
    assert not {m for file in files for m in imports(file.read_text("utf-8")) if m.startswith("manual")}


def test_the_witness_does_not_bring_manual_by_a_detour():
    loaded = loaded_by("bpnn_jax.network", "bpnn_jax.rules")
    assert {"jax", "bpnn_jax.network"} <= loaded
    assert not {m for m in loaded if m.startswith("manual")}


@pytest.mark.parametrize("name", ENGINE)
def test_training_does_not_know_what_stands_on_it(name):
    path = BPNN_JAX.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    own = {m for m in imports(file.read_text("utf-8")) if m.startswith("bpnn_jax")}
    allowed = {"bpnn_jax", *(f"bpnn_jax.{e}" for e in ENGINE)}
    assert {m for m in own if m not in allowed and m.rpartition(".")[0] not in allowed - {"bpnn_jax"}} == set()


def test_verify_does_not_know_the_command_line():
    loaded = loaded_by(*BELOW_THE_COMMANDS)
    assert "bpnn_jax.verify.ladder" in loaded
    assert not loaded & {"bpnn_jax.cli", "bpnn_jax.__main__", "tyro", "rich"}


def test_a_study_needs_no_symbolic_proof():
    """SymPy and what stands on it are a fifth of a study's start."""
    loaded = loaded_by("bpnn_jax.ablation.runner")
    assert "bpnn_jax.verify.equations" in loaded
    assert not loaded & {"sympy", "bpnn_jax.verify.ladder"}


def test_statistics_know_nothing_of_how_the_runs_were_made():
    loaded = loaded_by("bpnn_jax.statistics")
    assert {"scipy", "bpnn_jax.statistics"} <= loaded
    assert not loaded & {"jax", "jaxlib", "optax", "bpnn_jax.network", "bpnn_jax.training", "tyro", "rich"}


def test_importing_bpnn_jax_does_not_import_jax():
    loaded = loaded_by("bpnn_jax", "bpnn_jax.ablation", "bpnn_jax.ablation.study", "bpnn_jax.cli")
    assert {"bpnn_jax", "bpnn_jax.ablation.study"} <= loaded
    assert not loaded & {"jax", "jaxlib", "optax", "numpy", "scipy", "sympy", "pyarrow", "bpnn_jax.training"}


def test_a_study_does_not_know_the_command_line():
    loaded = loaded_by(*BELOW_THE_COMMANDS)
    assert {"pyarrow", "bpnn_jax.ablation.certificate", "bpnn_jax.training._many"} <= loaded
    assert not loaded & {"bpnn_jax.cli", "bpnn_jax.__main__", "bpnn_jax.commands", "tyro", "rich", "experiments"}


def test_nothing_but_the_estimators_brings_scikit_learn():
    loaded = loaded_by(*BELOW_THE_COMMANDS)
    assert "bpnn_jax.ablation.runner" in loaded
    assert not loaded & {"sklearn", "joblib", "bpnn_jax.sklearn"}


def test_what_a_chart_shows_needs_nothing_that_draws_it():
    drawing = {"altair", "matplotlib", "vl_convert", "jinja2"}
    loaded = loaded_by(*BELOW_THE_COMMANDS)
    assert "bpnn_jax.ablation.report.rows" in loaded
    assert not loaded & {*drawing, "tyro", "rich", "bpnn_jax.commands"}
    loaded = loaded_by("bpnn_jax.ablation.report.page")
    assert {"altair", "vl_convert"} <= loaded
    assert not loaded & {"matplotlib", "bpnn_jax.cli", "bpnn_jax.commands", "tyro", "rich"}


# --- doors ---


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(HERE)))
def test_no_file_runs_what_it_reads(file):
    assert doors(file.read_text("utf-8")) == set()


# --- the scans themselves ---


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    import jax.numpy as jnp", "jax.numpy"),
        ("def f():\n    from jax import grad", "jax"),
        ("if True:\n    from bpnn_jax.network import apply", "bpnn_jax.network"),
        ("import importlib\nimportlib.import_module('jax')", "jax"),
        ("def f(name):\n    __import__(name)", "computed"),
    ],
)
def test_the_scan_for_imports_sees_lazy_ones(source, found):
    assert found in imports(source)


@pytest.mark.parametrize(
    ("source", "door"),
    [
        ("x = eval(line)", "eval"),
        ("run = exec\nrun(line)", "exec"),
        ("import builtins\nbuiltins.eval(line)", "builtins.eval"),
        ("def f():\n    import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("np.load(f, allow_pickle=True)", "allow_pickle"),
        ("np.load(f, allow_pickle=flag)", "allow_pickle"),
        ("__import__('os')", "__import__"),
    ],
)
def test_the_scan_for_doors_sees_them(source, door):
    assert door in doors(source)


def test_the_scan_for_doors_leaves_the_rest_alone():
    assert doors("import re\nre.compile('a')\njax.eval_shape(f)\nnp.load(f, allow_pickle=False)") == set()
