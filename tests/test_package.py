"""The project as its users get it: the wheel, the README's Python, the experiments."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_both_packages_their_data_and_the_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "bpnn_jax/py.typed",
        "bpnn_jax/__init__.pyi",
        "bpnn_jax/ablation/__init__.pyi",
        "manual/py.typed",
        "bpnn_jax/patterns/data/code.train.txt",
        "bpnn_jax/patterns/data/README.md",
        "bpnn_jax/commands/play.html",
    ):
        assert name in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"bpnn_jax", "manual"}


def test_wheel_runs_outside_the_checkout(wheel, tmp_path):
    installed = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    program = "import bpnn_jax, manual, sys; from bpnn_jax.cli import main; print(bpnn_jax.__file__); sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "train", "code", "--epochs", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout.splitlines()[0]
    assert "of 1080 test patterns" in done.stdout


@pytest.fixture(scope="module")
def readme():
    """What each of the README's Python examples prints; one after the other, none with the names of another."""
    blocks = [block.split("```")[0] for block in (ROOT / "README.md").read_text().split("```python\n")[1:]]
    code = "import sys\nfor block in sys.argv[1:]: exec(block, {'__name__': '__main__'}); print('---')"
    done = subprocess.run([sys.executable, "-c", code, *blocks], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("---\n")[:-1]


def test_the_readme_checks_a_gradient_and_trains(readme):
    first, second, third = readme[0].splitlines()
    errors = [float(word.strip("[],'")) for word in first.split()]
    assert len(errors) == 2
    assert max(errors) < 1e-6  # a few float32 ulp of gradients below 1
    assert second.startswith("solved 232")
    assert float(third.split()[0]) > 0.9


def test_the_readme_s_audit_names_the_stage_and_the_cause(readme):
    assert readme[1].startswith("WRONG")
    assert "first wrong stage: z\n" in readme[1]
    assert "likely cause: a missing factor: 1 + a\n" in readme[1]


def test_an_experiment_is_a_command():
    command = [sys.executable, "-m", "experiments.xor_with_sigmoid", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Why does XOR hardly train" in done.stdout
    assert "--quick" in done.stdout
