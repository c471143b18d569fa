"""A study's folder has its patterns: it is read where their file is not, and never with others."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax.ablation import folder, runner
from bpnn_jax.ablation.study import Study
from bpnn_jax.cli import main
from bpnn_jax.errors import InputError

pytestmark = pytest.mark.quick_xla
ARRAY = io.BytesIO()
np.save(ARRAY, [1.0])
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study of a file that is gone when it has ended, and its results."""
    at = tmp_path_factory.mktemp("begun")
    (at / "gate.txt").write_text(NAND)
    study = Study(str(at / "gate.txt"), vary={"momentum": (0, 0.1)}, seeds=2, epochs=20)
    results = runner.run(study, at / "study")
    (at / "gate.txt").unlink()
    return at / "study", results


@pytest.fixture
def elsewhere(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "copy")


@pytest.fixture
def begun_with(finished):
    """Puts a file where the study's was."""
    file = Path(finished[1].study.task)
    yield file.write_text
    file.unlink(missing_ok=True)


def test_it_is_read_elsewhere_without_the_file(finished, elsewhere):
    found = runner.read(elsewhere)
    assert found.sha256 == finished[1].sha256 is not None
    assert found.certificates == finished[1].certificates


def test_the_commands_read_it_too(elsewhere, tmp_path, capsys):
    assert main(["ablate", "--status", str(elsewhere)]) == 0
    pytest.importorskip("vl_convert", reason="the page stands on vl-convert: pip install 'bpnn-jax[report]'")
    assert main(["report", str(elsewhere), "--html", str(tmp_path / "page.html")]) == 0
    assert runner.read(elsewhere).sha256 in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "content", [None, b"", b"PK\x03\x04 half", ARRAY.getvalue()], ids=["none", "empty", "half", "another"]
)
def test_what_cannot_be_read_is_not_needed_while_the_file_is_there(elsewhere, begun_with, content):
    path = elsewhere / folder.PATTERNS
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=r"gate\.txt"):
        runner.read(elsewhere)
    begun_with(NAND)
    assert runner.read(elsewhere).complete


def test_others_are_refused(elsewhere, begun_with):
    begun_with("0 1 > 1\n")
    assert runner.read(elsewhere).complete  # by those that are kept
    np.savez(elsewhere / folder.PATTERNS, x=[[0.0, 1.0]], t=[[1.0]], hidden=[2])
    with pytest.raises(InputError, match="the patterns that the study was begun with"):
        runner.read(elsewhere)


def test_no_pickle_is_read(elsewhere):
    np.savez(elsewhere / folder.PATTERNS, x=np.array([print], dtype=object), t=[[1.0]], hidden=[2])
    with pytest.raises(InputError, match=r"gate\.txt"):
        runner.read(elsewhere)


def test_a_study_that_starts_afresh_keeps_its_own(finished, elsewhere):
    runner.run(Study("xor", seeds=2, epochs=20), elsewhere, force=True)
    assert runner.read(elsewhere).study.task == "xor"
    (before,) = elsewhere.glob("patterns.*.npz")
    assert before.read_bytes() == (finished[0] / folder.PATTERNS).read_bytes()
