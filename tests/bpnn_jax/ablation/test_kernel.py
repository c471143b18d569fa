"""A study that the GPU kernel trains. Without a GPU its body is interpreted: a place that says so is planned for and trained by it."""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest
from rich.console import Console

from benchmarks.gpu import study as script
from bpnn_jax.ablation import chunk as chunk_module
from bpnn_jax.ablation import runner, told
from bpnn_jax.ablation.certificate import certify, run_checks
from bpnn_jax.ablation.chunk import KERNEL_RUNS, place, run_chunk
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.report import methods
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import lists
from bpnn_jax.commands.tables import show
from bpnn_jax.errors import InputError
from bpnn_jax.training.gpu import block
from bpnn_jax.training.gpu.update import Update

pytestmark = pytest.mark.quick_xla

KERNEL = "GPU kernel, interpreted"
INTERPRETED = {**place(), "kernel": "interpret"}
TANH = {"activation": "tanh"}
MIXED = Study("xor", vary={"mode": ("online", "batch")}, base=TANH, seeds=70, epochs=100, points=10)
ONE_ARM = replace(MIXED, vary={"momentum": (0.1,)})


def chunk_of(study, where=INTERPRETED):
    return plan(study, where).chunks[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernel") / "study"


@pytest.fixture(scope="module")
def found(folder):
    """Interrupted once: its first chunk is trained, and the rest by a second call."""

    def first_of(chunks, kept):
        yield chunks[0], run_chunk(chunks[0])
        raise KeyboardInterrupt

    study = replace(MIXED, chunk=64)
    with pytest.raises(KeyboardInterrupt):
        runner.run(study, folder, where=INTERPRETED, engine=first_of)
    return runner.run(study, folder, where=INTERPRETED)


def test_a_study_by_the_kernel_is_that_of_the_cpu(found):
    table = run_chunk(chunk_of(ONE_ARM, place()))
    assert found.engines == {KERNEL: 70, "lanes": 70}
    ours, history = found.history[:, 0], lists(table, "history", 10)
    # 40 updates, each rounding some tens of numbers near 1.
    np.testing.assert_allclose(ours[:, :2], history[:, :2], rtol=0, atol=1e-4)
    solved = np.array(table["stopped"].to_pylist()) == "solved"
    assert 10 < solved.sum() < 60
    assert abs(found.solved[:, 0].sum() - solved.sum()) <= 2  # rounding may carry a run or two past the last epoch
    accuracy = lists(table, "scores", 2)[:, 0]
    assert np.mean(found.scores["train_accuracy"][:, 0] == accuracy) > 0.9
    assert np.isnan(ours).sum() == (found.history_epochs >= found.epochs[:, :1]).sum()  # after a run's stop


def test_no_bit_depends_on_the_chunk_or_an_interruption(found, folder):
    assert found.chunks == 4
    table = run_chunk(chunk_of(ONE_ARM))  # all in one chunk
    for name in ("epochs", "error"):
        np.testing.assert_array_equal(table[name].to_numpy(), getattr(found, name)[:, 0])
    np.testing.assert_array_equal(lists(table, "history", 10), found.history[:, 0])
    read = runner.read(folder)
    assert (read.sha256, read.engines, read.certificates) == (found.sha256, found.engines, found.certificates)


def test_what_trained_it_is_said(found):
    out = io.StringIO()
    show(found, None, None, [], Path("study"), Console(file=out, width=200))
    assert f"trained by {KERNEL} (70 runs), lanes (70 runs)" in out.getvalue()
    assert told.as_dict(found, None, None)["engines"] == found.engines
    said = methods.paragraph(found, None, None, INTERPRETED)
    assert f"The networks were trained by {KERNEL} (70 runs), lanes (70 runs)." in said
    assert "kernel interpret" not in said
    witnesses = {arm: one.checks[-1].witness for arm, one in found.certificates.items()}
    assert [KERNEL in witness for witness in witnesses.values()] == [True, False]
    assert {one.verdict for one in found.certificates.values()} == {"gradient"}


def test_a_wrong_kernel_gets_no_certificate(monkeypatch):
    right = Update.move
    monkeypatch.setattr(
        Update,
        "move",
        lambda self, layer, below, delta, *more: right(self, layer, below, tuple(1.01 * d for d in delta), *more),
    )
    chunk = chunk_of(replace(MIXED, base={"activation": "lecun_tanh"}))
    one = certify(chunk.program, chunk.lanes[0], run_checks(chunk.program, INTERPRETED))
    assert (one.verdict, [row.rung for row in one.checks if row.verdict != "correct"]) == ("wrong", [5])


def test_the_kernel_of_a_cluster_s_workers_is_interpreted_here():
    """A driver has no GPU: what it certifies is the same body."""
    chunk = chunk_of(MIXED, {**INTERPRETED, "kernel": "gpu", "backend": "gpu"})
    assert run_checks(chunk.program, dict(chunk.place))[-1].witness.endswith(KERNEL)


def test_a_chunk_is_named_by_what_trains_it():
    named = {}
    for where in ({}, {"kernel": "interpret"}, {"kernel": "gpu", "backend": "gpu"}):
        chunk = chunk_of(MIXED, {**place(), **where})
        named[chunk.name] = (chunk.identity.get("engine"), chunk.identity["lane_width"])
    assert list(named.values()) == [(None, 64), (KERNEL, KERNEL_RUNS), ("GPU kernel", KERNEL_RUNS)]
    batch = plan(MIXED, INTERPRETED).chunks[1]
    assert ("engine" in batch.identity, batch.identity["lane_width"]) == (False, 64)


@pytest.mark.parametrize(
    ("changes", "engine"),
    [
        ({}, KERNEL),
        ({"base": {"shuffle": True}}, "lanes"),
        ({"base": {"dtype": "float64"}}, "lanes"),
        ({"base": {"rule": "rprop"}}, "lanes"),
        ({"epochs": 6103, "points": 6103}, KERNEL),
        ({"epochs": 6104, "points": 6104}, "lanes"),  # so many points of so many runs are too many at once
    ],
    ids=str,
)
def test_the_kernel_trains_what_it_can(changes, engine):
    program = chunk_of(replace(MIXED, **changes)).program
    assert program.engine(INTERPRETED)[0] == engine
    assert program.engine(place())[0] == "lanes"
    assert program.engine({**place(), "backend": "gpu"})[0] == "lanes"  # of a GPU that the kernel does not run on


def test_chunks_are_as_many_as_fill_a_gpu():
    study = replace(MIXED, vary={"momentum": (0.0, 0.1)}, seeds=5000)
    assert [len(chunk.lanes) for chunk in plan(study, INTERPRETED).chunks] == [KERNEL_RUNS, 10_000 - KERNEL_RUNS]
    assert {block.threads_for(block.Network(sizes), networks=KERNEL_RUNS) for sizes in ((2, 2, 1), (20, 8, 3))} == {2}


def test_all_blocks_have_that_width(monkeypatch):
    """Otherwise the number of threads, and with it the rounding, would depend on how many runs a chunk has."""
    given = []
    monkeypatch.setattr(chunk_module, "train_many", lambda *_, **options: given.append(options) or 1 / 0)
    for where in (INTERPRETED, place()):
        with pytest.raises(ZeroDivisionError):
            run_chunk(chunk_of(ONE_ARM, where))
    names = ("device", "lanes", "cores")
    assert [[options.get(name) for name in names] for options in given] == [["interpret", 8192, None], [None, None, 1]]


def test_a_kernel_that_nobody_knows_is_refused():
    with pytest.raises(InputError, match=r"unknown kernel of a place 'tpu'"):
        plan(MIXED, {**place(), "kernel": "tpu"})


def test_a_place_says_where_the_kernel_runs(monkeypatch):
    assert "kernel" not in place()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert "kernel" not in place()  # a GPU that it does not run on
    monkeypatch.setattr(block, "check_device", lambda: None)
    tried = []
    monkeypatch.setattr(chunk_module, "train_many", lambda *_, device, **__: tried.append(device))
    monkeypatch.setattr(chunk_module, "_kernel_tried", cache(chunk_module._kernel_tried.__wrapped__))
    assert [place()["kernel"], place()["kernel"], tried] == ["gpu", "gpu", ["gpu"]]


def test_a_kernel_that_does_not_compile_leaves_a_study_to_the_other_engines(monkeypatch):
    def not_compiled(*_, **__):
        raise RuntimeError("no such instruction\nin line 3")

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(block, "check_device", lambda: None)
    monkeypatch.setattr(chunk_module, "train_many", not_compiled)
    monkeypatch.setattr(chunk_module, "_kernel_tried", cache(chunk_module._kernel_tried.__wrapped__))
    with pytest.warns(UserWarning, match=r"does not run here, .* \(RuntimeError: no such instruction.*in line 3\)"):
        assert "kernel" not in place()


def test_runs_of_data_are_followed(tmp_path):
    """Scored at some epochs on the way, by the networks as they are then."""
    rows = "\n".join(f"{x},{y}" for x, y in ((0.0, 1.0), (1.0, -1.0), (2.0, 0.5), (3.0, 2.0)))
    (tmp_path / "line.csv").write_text(f"x,y\n{rows}\n")
    base = {"hidden": (1,), "mode": "online", "shuffle": False, "rule": "heavy-ball", "reduction": "sum"}
    base |= {"weight_decay": 0.0, "learning_rate": 0.05, "momentum": 0.5, "activation": "tanh"}
    study = Study(str(tmp_path / "line.csv"), base=base, vary={"momentum": (0.5,)}, seeds=3, epochs=8, points=4)
    by_kernel, by_cpu = (chunk_of(study, where) for where in (INTERPRETED, place()))
    assert by_kernel.program.looks == (0, 2, 4, 6)
    assert (by_kernel.engine[0], by_cpu.engine[0]) == (KERNEL, "lanes")
    ours, theirs = map(run_chunk, (by_kernel, by_cpu))
    for name, size in (("curves", 4), ("history", 4), ("scores", 3)):
        a, b = lists(ours, name, size), lists(theirs, name, size)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)  # 32 updates, as above
    assert np.ptp(lists(ours, "curves", 4), axis=1).min() > 1e-2  # they are not all the last one


def test_the_script_for_a_gpu_runs_interpreted(tmp_path, capsys):
    """And where there is neither a GPU nor ``--interpret`` it says so in one line."""
    script.main(script.Options(json=tmp_path / "study.json", interpret=True))
    out = capsys.readouterr().out
    assert "in 3 chunks the same bits as in 1" in out
    assert "2 certificates: gradient, by the kernel" in out
    lines = json.loads((tmp_path / "study.json").read_text())["lines"]
    assert [line["engines"] for line in lines] == [{KERNEL: 140}, {"lanes": 140}]
    with pytest.raises(SystemExit) as ended:
        script.main(script.Options())
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
