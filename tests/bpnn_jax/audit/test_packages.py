"""A package of our own, with right and wrong rules: through ``pytest --audit``, alone and with xdist, and ``bpnn audit --package``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bpnn_jax.audit.packages import discovery
from bpnn_jax.audit.packages.auditing import TimeLimitError, limited
from bpnn_jax.audit.packages.parent import status_of
from bpnn_jax.audit.packages.rows import Row, counted
from bpnn_jax.audit.packages.suite import merged
from bpnn_jax.cli import main
from bpnn_jax.commands.package import cell, words
from bpnn_jax.errors import InputError

pytestmark = pytest.mark.quick_xla

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = """
import os
from functools import partial
import jax
import jax.numpy as jnp

@partial(jax.custom_vjp, nondiff_argnums=(1,))
def reduced(x, mode):
    return jnp.sum(x * x) if mode == "sum" else jnp.mean(x * x)

reduced.defvjp(lambda x, mode: (reduced(x, mode), x), lambda mode, x, c: (2 * c * x,))  # forgets the mean's 1/n

class Layer:
    @partial(jax.custom_jvp, nondiff_argnums=(0,))
    def inside_jit(self, x):
        return 3 * x

    @inside_jit.defjvp
    def _(self, primals, tangents):
        return Layer.inside_jit(self, *primals), 3 * tangents[0]

def made():
    @jax.custom_vjp
    def ends(x):
        return x * x

    def bwd(x, c):
        raise SystemExit(7)

    ends.defvjp(lambda x: (x * x, x), bwd)
    return ends

@jax.custom_vjp
def never_called(x):
    return x
"""
CALLS = """
import jax, jax.numpy as jnp
import mine

def test_both_modes():
    assert mine.reduced(jnp.ones(3), "sum") == 3 * mine.reduced(jnp.ones(3), "mean")

def test_compiled():
    layer = mine.Layer()
    assert jax.jit(lambda x: mine.Layer.inside_jit(layer, x))(jnp.ones(2)).shape == (2,)

def test_made():
    mine.made()(jnp.ones(2))
"""
EXPECTED = {"mine.reduced": "wrong", "mine.Layer.inside_jit": "correct", "mine.made.<locals>.ends": "crashes"}


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").write_text(PACKAGE)
    (folder / "mine" / "broken.py").write_text(
        "import nowhere\nfrom jax import custom_jvp as rule\n\n@rule\ndef behind(x):\n    return x\n"
    )
    (folder / "test_mine.py").write_text(CALLS)
    return folder


def suite_with(there, *options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(there)))}
    command = [sys.executable, "-m", "pytest", "-q", "--audit", "--audit-draws", "2", *options, "test_mine.py"]
    return subprocess.run(command, cwd=there, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-p", "no:cacheprovider", "-p", "no:xdist"), id="alone"),
        pytest.param(("-n", "2"), id="xdist", marks=pytest.mark.deep),
    ],
)
def test_a_suite_is_audited_without_a_line_of_code(there, options):
    ran = suite_with(there, *options, "--junitxml", "j.xml")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    cases = {
        case.get("name"): case
        for case in ElementTree.parse(there / "j.xml").iter("testcase")
        if case.get("classname") == "audit"
    }
    assert set(cases) == set(EXPECTED)
    assert {n for n, case in cases.items() if case.find("failure") is not None} == {
        "mine.reduced",
        "mine.made.<locals>.ends",
    }
    said = cases["mine.reduced"].find("failure").text
    assert "'mean'" in said  # which call is wrong
    assert "wrong-value" in said
    assert f"{Path('mine', '__init__.py')}:7" in ran.stdout
    assert "3 rules: 1 wrong, 1 crashes, 1 correct" in ran.stdout
    assert "2 failed, 4 passed" in ran.stdout


def test_the_plugin_costs_a_run_nothing_of_jax():
    code = "import sys, bpnn_jax.audit.pytest_plugin; assert not {'jax', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_a_package_from_outside(there, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # another test's file may have this name
    monkeypatch.chdir(there)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))  # without this folder, where it is found nevertheless
    (there / "script.py").write_text(
        CALLS.replace("def test_", "def t_") + "\nt_both_modes(); t_compiled(); t_made()\n"
    )
    options = ("--draws", "2", "--no-mutate", "--variants", "0")
    run = ("--run", "script.py", "--json", "r.json", "--markdown", "r.md", "--junit", "r.xml")
    assert main(["audit", "--package", "mine", *options, *run]) == 1
    result = json.loads((there / "r.json").read_text())
    rows = {row["name"]: row for row in result["rules"]}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        **EXPECTED,
        "mine.never_called": "unseen",
        "mine.broken.behind": "unseen",
    }
    assert rows["mine.never_called"]["found"] == ["source", "import"]
    assert rows["mine.broken.behind"]["found"] == ["source"]
    assert rows["mine.reduced"]["found"] == ["source", "import", "run"]
    assert rows["mine.reduced"]["calls"] == ["float32[3], 'sum'", "float32[3], 'mean'"]
    assert result["counts"] == {"wrong": 1, "crashes": 1, "correct": 1, "unseen": 2}
    assert "| wrong | mine.reduced |" in (there / "r.md").read_text()
    assert "1 wrong, 1 crashes, 1 correct, 2 unseen" in capsys.readouterr().out
    assert ElementTree.parse(there / "r.xml").getroot().get("failures") == "2"
    assert (
        main(["audit", "--package", "mine", "--markdown", "script.py"]) == 2
    )  # no report over a file of somebody else's


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--package", "no_such_package"], "installed here"),
        (["--package", "os; x"], "name of a package"),
        (["--package", "json", "--run", "rm -rf x"], 'expected --run as "pytest tests/"'),
        (["--package", "json", "--run", "nowhere.py"], "no such file"),
        (["--package", "json", "m:f"], "--package NAME alone"),
        (["m:f", "--run", "pytest"], "--run with --package"),
        ([], "expected MODULE:NAME"),
    ],
)
def test_what_cannot_be_audited_is_said(arguments, said, capsys):
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_name_that_is_empty_is_not_audited_and_ci_reads_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "", "--json", "r.json"]) == 2
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "not audited"


def test_what_a_run_names_is_never_written_over(there, monkeypatch, capsys):
    monkeypatch.chdir(there)
    for run, output in (("pytest", "test_mine.py"), ("pytest .", "test_mine.py"), ("-m test_mine", "test_mine.py"),
                        ("test_mine.py data.txt", "data.txt"), ("pytest test_mine.py::test_made", "test_mine.py"),
                        ("pytest", "mine/broken.py")):  # fmt: skip
        (there / "data.txt").write_text("mine")
        assert main(["audit", "--package", "mine", "--run", run, "--junit", output, "--overwrite"]) == 2
        assert f"another file than what is read, got {output}" in capsys.readouterr().err


def test_rules_in_a_source(tmp_path, monkeypatch):
    (tmp_path / "odd.py").write_text(
        "import jax as j, equinox as eqx\nfrom functools import partial as p, partial\n"
        "cv = j.custom_vjp\n"
        "@cv\ndef one(x): ...\n"
        "@partial(j.custom_jvp, nondiff_argnums=(0,))\n@j.jit\ndef two(x): ...\n"
        "@eqx.filter_custom_vjp\ndef three(x): ...\n"
        "def plain(x): ...\nrule = j.custom_vjp(plain, nondiff_argnums=())\n"
        "class C:\n    if True:\n        @j.custom_jvp\n        def four(self): ...\n"
        "def outer():\n    return j.custom_jvp(lambda x: x)\n"
        "@j.jit\ndef no_rule(x): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [(rule.name, rule.kind, rule.line) for rule in discovery.in_source("odd")]
    assert found == [
        ("one", "custom_vjp", 4),
        ("two", "custom_jvp", 6),
        ("three", "filter_custom_vjp", 9),
        ("plain", "custom_vjp", 11),
        ("C.four", "custom_jvp", 15),
        ("outer.<locals>.<lambda>", "custom_jvp", 18),
    ]


def row(name, verdict):
    return Row(name, "custom_vjp", "f.py:1", verdict)


def test_the_exit_status_never_calls_nothing_a_success():
    assert status_of([row("a", "correct"), row("b", "unseen")]) == 0
    assert status_of([row("a", "correct"), row("b", "inconclusive")]) == 1
    assert status_of([row("a", "correct"), row("b", "timed out")]) == 2
    assert status_of([row("b", "unseen")]) == 2


def test_workers_rows_are_merged_to_the_weightiest():
    rows = merged(
        [row("a", "correct"), row("b", "unseen"), row("a", "wrong"), row("b", "correct"), row("a", "left out")]
    )
    assert [(r.name, r.verdict) for r in rows] == [("a", "wrong"), ("b", "correct")]
    assert counted(rows) == "2 rules: 1 wrong, 1 correct"


def test_text_from_outside_is_no_markup():
    assert cell("a|b\n<x>\x1b[0m") == "a\\|b\\\\n&lt;x&gt;\\\\x1b\\[0m"
    assert words("python -m pytest -k 'a b'") == ["pytest", "-k", "a b"]
    with pytest.raises(InputError, match="No closing quotation"):
        words("pytest 'a")


def test_what_hangs_is_given_up():
    import threading

    stop = threading.Event()
    with pytest.raises(TimeLimitError):
        limited(stop.wait, 0.05)
    stop.set()
    with pytest.raises(SystemExit):
        limited(sys.exit, 5)
