"""What tests of the commands share: a folder, a command run in this process, and one that must be refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from bpnn_jax import Network
from bpnn_jax.cli import main

REPOSITORY = Path(__file__).resolve().parents[3]
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _optax_s_promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam needs it
        yield


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder of a test, with one file of patterns in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nand.txt").write_text(NAND)
    return tmp_path


@pytest.fixture
def flowers(here):
    """Three clouds, the third class rare, and a column of words."""
    random = np.random.default_rng(2)
    kinds = np.array([0] * 24 + [1] * 24 + [2] * 8)
    lines = ["petal,stalk,place,kind"]
    for k in random.permutation(len(kinds)):
        a, b = random.normal(size=2) + 1.2 * np.array([kinds[k], kinds[k] % 2])
        lines.append(f"{a:.3f},{b:.3f},{'ns'[k % 2]},{('bell', 'cup', 'dish')[kinds[k]]}")
    (here / "f.csv").write_text("\n".join(lines) + "\n")
    return "f.csv"


@pytest.fixture
def bpnn(here, capsys):
    def run(*arguments) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as usage:
            code = usage.code
        out, err = capsys.readouterr()
        return Ran(code, out, err.removeprefix("\n"))  # the bar's, see test_a_quiet_success_is_quiet

    return run


@pytest.fixture
def result(bpnn):
    """Run a command that must succeed, and read its JSON."""

    def run(*arguments) -> dict:
        ran = bpnn(*arguments, "--json", "result.json")
        assert ran.code == 0, ran.err
        return json.loads(Path("result.json").read_text())

    return run


@pytest.fixture
def refused(bpnn, here):
    """Run a command that must be refused: status 2, one plain sentence that holds ``words``, and no file touched."""

    def run(arguments, *words) -> str:
        before = _contents(here)
        ran = bpnn(*arguments)
        assert ran.code == 2
        assert ran.out == ""
        assert ran.err.startswith(f"bpnn {arguments[0]}: ")
        assert ran.err.count("\n") == 1
        assert _contents(here) == before
        for word in words:
            assert word in ran.err
        return ran.err

    return run


def _contents(folder: Path) -> dict:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def contents():
    """Every file below a folder, with its bytes."""
    return _contents


@pytest.fixture
def zeros():
    """A network of these sizes whose weights are all 0, and the weights."""

    def made(sizes, activations="sigmoid"):
        """A network whose weights are all 0."""
        network = Network(sizes, activations)
        return network, tuple(np.zeros(shape, np.float32) for shape in network.shapes)

    return made


@pytest.fixture(scope="session")
def python():
    """A process of its own, on this checkout."""

    def run(*arguments, **options) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture(scope="module")
def article_file():
    folder = Path(os.environ.get("BPNN_ARTICLE_DATA", "."))
    if not (folder / "testdata.200").is_file():
        pytest.skip("the article's testdata.200 is not here; name its folder by BPNN_ARTICLE_DATA")
    return (folder / "testdata.200").resolve()
