"""``bpnn ablate`` as a user has it."""

import json
from pathlib import Path

import pytest

from bpnn_jax.cli import main

pytestmark = pytest.mark.quick_xla
SMALL = ("--task", "nand", "--vary", "momentum=0,0.1", "--seeds", "6", "--epochs", "400", "--out", "out")


@pytest.fixture
def bpnn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main(["ablate", *arguments])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), err.removeprefix("\n")

    return run


def test_a_study_its_table_its_summary_and_its_status(bpnn):
    code, out, err = bpnn(*SMALL, "--json", "one.json")
    assert (code, err) == (0, "")
    said = json.loads(Path("one.json").read_text())
    summary = json.loads(Path("out/summary.json").read_text())
    assert said | {"of": summary["of"]} == summary
    assert said["complete"]
    assert said["results_sha256"] in out
    assert [arm["name"] for arm in said["arms"]] == ["momentum=0", "momentum=0.1"]
    assert [arm["certificate"]["verdict"] for arm in said["arms"]] == ["gradient", "gradient"]
    assert {c["what"].partition(", ")[2] for c in said["summary"]["comparisons"]} == {
        "success rate",
        "epochs to solve",
        "final error (interquartile mean)",
    }
    solved = said["arms"][0]["solved"]
    assert f" 0 {100 * solved / 6:.3g}% [" in out
    assert "certificate: gradient, every arm" in out
    assert "Minus momentum=0, paired by seed" in out

    assert bpnn(*SMALL, "--json", "two.json")[0] == 0
    assert json.loads(Path("two.json").read_text())["results_sha256"] == said["results_sha256"]

    next(Path("out/chunks").iterdir()).unlink()
    code, out, _ = bpnn("--status", "out", "--json", "status.json")
    assert code == 0
    assert "0 of 12 runs (0%) in out" in out
    status = json.loads(Path("status.json").read_text())
    assert (status["complete"], status["results_sha256"], status["summary"]) == (False, None, None)
    assert not list(Path("out/chunks").iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "nand"], "expected a folder for the results, got none: --out DIR"),
        (["--out", "out"], "expected a task, got none"),
        ([*SMALL, "--vary", "activaton=tanh"], "unknown field of a run 'activaton'; did you mean 'activation'"),
        ([*SMALL, "--vary", "activation=tahn"], "unknown activation 'tahn'; did you mean 'tanh'"),
        ([*SMALL, "--vary", "activation"], "expected what varies as activation=VALUE,VALUE, got 'activation'"),
        ([*SMALL, "--vary", "activation="], "got none: the grid is empty"),
        ([*SMALL, "--vary", "momentum=1"], "expected each field once, got momentum more than once"),
        ([*SMALL, "--vary", "hidden-bias=maybe"], "unknown hidden-bias 'maybe'"),
        ([*SMALL, "--vary", "learning-rate=fast"], "expected learning-rate as a number, got 'fast'"),
        ([*SMALL, "--batch-size", "4"], "a batch-size only with mode minibatch, got batch-size 4 with mode online"),
        ([*SMALL, "--seeds", "3,4,3"], "expected seeds that are all different, got 3 more than once"),
        ([*SMALL, "--seeds", "many"], "expected seeds as a number, a range such as 100:200 or a list such as 3,17"),
        (
            [*SMALL, "--address", "10.0.0.1:6379"],
            "expected an address only with --engine ray, got --address 10.0.0.1:6379",
        ),
        (["--status", "."], "expected the folder of a study, got no study.json in it"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_is_refused_in_a_sentence_before_anything_is_written(bpnn, arguments, words):
    code, out, err = bpnn(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("bpnn ablate: ")
    assert words in err
    assert not list(Path().iterdir())


def test_without_pyarrow_it_says_what_to_install(bpnn, without):
    without("pyarrow", "bpnn_jax.ablation")
    code, out, err = bpnn(*SMALL)
    assert (code, out) == (2, "")
    assert err == "bpnn ablate: a study is kept in Parquet files; for these pip install 'bpnn-jax[ablation]'\n"
