"""A broken formula in ``manual/`` is found: by ``bpnn verify`` as a user runs it, and by the script that breaks all of them.

The whole set of mutants takes a quarter of an hour: ``BPNN_DEEP=1 pytest tests/test_mutation.py``.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# (file, change, part of the line): one from each of several files, all found on a low rung.
SAMPLE = (
    ("activations", "1.0 becomes 1.01", "return a * (1.0 - a)"),
    ("network", "a product changes its sign", "z = with_bias_node(below, W) @ W"),
    ("objective", "0.5 becomes 0.505", "return 0.5 *"),
    ("backprop", ".T is lost", "return _rows(layer.with_bias_node).T @ _rows(delta)"),
    ("network", "+= becomes -=", "before += above.a.shape[-1]"),
)


def _mutation():
    spec = importlib.util.spec_from_file_location("bpnn_mutation", REPOSITORY / "tests" / "mutation.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


mutation = _mutation()


def pick(file: str, change: str, line: str):
    return next(m for m in mutation.mutants(file) if m.change == change and line in m.source)


CLIMBED = SAMPLE[::2] if not os.environ.get("BPNN_DEEP") else SAMPLE


@pytest.fixture(scope="module")
def climbed():
    """What the ladder says of each of these, on networks small enough to be proved at once, with skip connections and without."""
    return dict(zip(CLIMBED, mutation.climb([pick(*which) for which in CLIMBED], sizes=(2, 1, 1)), strict=True))


def is_a_finding(said: str) -> bool:
    """A row of the ladder and no crash of the script, which ``climb`` takes for a finding too."""
    return re.match(r"[1-6] (all|\(\d+\))", said) is not None


@pytest.mark.parametrize("which", CLIMBED, ids=lambda which: which[0])
def test_a_mutant_is_caught(climbed, which):
    assert is_a_finding(climbed[which]), climbed[which]


@pytest.mark.parametrize("which", SAMPLE, ids=lambda which: which[0])
def test_a_mutant_is_the_file_with_one_change(which):
    mutant = pick(*which)
    before = (REPOSITORY / "manual" / f"{mutant.file}.py").read_text().splitlines()
    after = mutant.text.splitlines()
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b] == [mutant.line]
    compile(mutant.text, mutant.file, "exec")


def test_every_formula_has_mutants():
    found = {file: list(mutation.mutants(file)) for file in mutation.FILES}
    assert sum(map(len, found.values())) > 200
    assert {path.stem for path in (REPOSITORY / "manual").glob("*.py")} - set(found) == {"__init__", "mistakes"}
    for file in ("activations", "objective", "backprop", "rules", "curvature"):
        assert len(found[file]) > 5
    assert len({(m.file, m.text) for every in found.values() for m in every}) == sum(map(len, found.values()))


deep = pytest.mark.skipif(
    not os.environ.get("BPNN_DEEP"), reason="a whole ladder, or all mutants, a quarter of an hour: set BPNN_DEEP=1"
)


@deep
@pytest.mark.parametrize(
    ("right", "wrong", "equation"),
    [("layer.derivative * (delta_above @ above.W_bar.T)", "(delta_above @ above.W_bar.T)", "(9)")],
)
def test_verify_ends_in_status_one_when_a_line_of_backprop_is_broken(tmp_path, right, wrong, equation):
    for package in ("manual", "bpnn_jax"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    source = tmp_path / "manual" / "backprop.py"
    text = source.read_text()
    assert text.count(right) == 1
    source.write_text(text.replace(right, wrong))
    command = ["verify", "--sizes", "2-2-1", "--activation", "sigmoid", "--networks", "2000", "--json", "v.json"]
    ran = subprocess.run(
        [sys.executable, "-m", "bpnn_jax", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "WRONG" in ran.stdout
    report = json.loads((tmp_path / "v.json").read_text())
    assert report["verdict"] == "wrong"
    rungs = {}
    for check in report["checks"]:
        rungs.setdefault((check["rung"], check["witness"]), {})[check["equation"]] = check["verdict"]
    first = next(e for e, verdict in rungs[3, "JAX float64"].items() if verdict == "wrong")
    assert first == equation  # named where it is, not where it is felt
    assert rungs[3, "JAX float64"]["(8)"] == "correct"
    assert "wrong" in rungs[1, "SymPy"].values()
    assert "wrong" in rungs[4, "JAX grad, vmap"].values()


@deep
def test_what_is_right_gets_to_the_top():
    text = (REPOSITORY / "manual" / "backprop.py").read_text()
    assert mutation.climb([mutation.Mutant("backprop", 0, "", "nothing", text)]) == [""]


@deep
@pytest.mark.parametrize("file", mutation.FILES)
def test_every_mutant_is_caught(file):
    every = list(mutation.mutants(file))
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        said = list(pool.map(lambda m: mutation.climb([m])[0], every))
    missed = [
        str(m) for m, s in zip(every, said, strict=True) if not s and (m.source, m.change) not in mutation.EQUIVALENT
    ]
    assert missed == []
