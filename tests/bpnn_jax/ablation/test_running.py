"""A study run, stored, killed, gone on with, read back: the same bits, and nothing lost or mixed up."""

import errno
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax import patterns
from bpnn_jax._runtime import files
from bpnn_jax._runtime.reading import sealed, unsealed
from bpnn_jax.ablation import findings, results, runner, told
from bpnn_jax.ablation import folder as store
from bpnn_jax.ablation.chunk import place, run_chunk
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import digest
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.settings import Run
from bpnn_jax.training import train

ROOT = Path(__file__).resolve().parents[3]
# One program with three arms of 60 seeds in three chunks; tanh solves xor in some runs and not in others.
STUDY = Study(
    "xor", vary={"momentum": (0.0, 0.1, 0.9)}, base=Run(activation="tanh"), seeds=60, epochs=200, points=10, chunk=64
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The study, uninterrupted: its folder and its results."""
    folder = tmp_path_factory.mktemp("study") / "out"
    return folder, runner.run(STUDY, folder)


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished[0], tmp_path / "copy"))


def chunk_files(folder):
    return sorted((Path(folder) / store.CHUNKS).glob("*.parquet"))


# --- what a run is ---


def test_a_run_is_what_train_makes_of_its_seed(finished):
    """Epochs, outcome, error and curve, of arms that share a program; to the rounding of float32."""
    _, found = finished
    xor = patterns.load("xor")
    assert found.complete
    assert len(set(found.stopped.ravel())) == 2
    for i, k in ((0, 0), (7, 1), (59, 2)):
        alone = train(
            Network((2, 2, 1), "tanh"),
            xor.x,
            xor.t,
            seed=i,
            momentum=(0.0, 0.1, 0.9)[k],
            epochs=200,
            tolerance=0.4,
            history_every=20,
        )
        assert (found.stopped[i, k], found.epochs[i, k]) == (alone.stopped, alone.iterations + 1)
        # 800 updates of float32, which do not grow on these runs: a thousand units in the last place.
        assert found.error[i, k] == pytest.approx(alone.error, rel=1000 * 2.0**-24)
        curve = found.history[i, k][: len(alone.history)]
        assert curve == pytest.approx(alone.history[:, 1], rel=1000 * 2.0**-24)
        assert np.isnan(found.history[i, k][len(alone.history) :]).all()
    assert (found.seconds > 0).all()


def test_a_run_that_diverges_is_kept_as_one(tmp_path):
    study = Study("nand", vary={"learning_rate": (0.1, 1000.0)}, base=Run(activation="linear"), seeds=3, epochs=30)
    found = runner.run(study, tmp_path / "out")
    assert found.diverged.tolist() == [[False, True]] * 3
    summary = results.summarise(found)
    assert "3 of 3 runs diverged" in " ".join(summary.notes)
    assert told.as_dict(found, summary, findings.find(found, summary))["arms"][1]["diverged"] == 3


# --- reading back, going on ---


def test_what_is_read_back_is_what_was_run(finished):
    folder, found = finished
    again = runner.read(folder)
    assert again.sha256 == found.sha256
    assert again.certificates == found.certificates
    assert again.certificates.keys() == set(found.arms)


def test_a_finished_study_trains_nothing(finished, copy):
    def engine(chunks, kept):
        assert not chunks
        return iter(())

    before = [(f.name, f.stat().st_mtime_ns, f.read_bytes()) for f in chunk_files(copy)]
    assert runner.run(STUDY, copy, engine=engine).sha256 == finished[1].sha256
    assert [(f.name, f.stat().st_mtime_ns, f.read_bytes()) for f in chunk_files(copy)] == before


def test_the_cut_into_chunks_changes_no_bit_and_seconds_are_no_result(finished, tmp_path):
    larger = Study(**{**vars(STUDY), "chunk": 192})
    assert runner.run(larger, tmp_path / "out").sha256 == finished[1].sha256
    _, found = finished
    for name in ("stopped", "epochs", "error", "history"):
        array = getattr(found, name).copy()
        array.ravel()[-1 if name != "history" else 0] = (
            "solved" if name == "stopped" and array.ravel()[-1] != "solved" else 1
        )
        assert results.Results(**{**vars(found), name: array}).sha256 != found.sha256
    assert results.Results(**{**vars(found), "seconds": found.seconds + 1}).sha256 == found.sha256


def test_a_report_of_what_is_there_so_far(copy):
    chunk_files(copy)[0].unlink()
    partial = runner.read(copy)
    assert (partial.chunks_done, partial.chunks, partial.sha256) == (2, 3, None)
    assert 0 < partial.whole_seeds.sum() < 60
    summary = results.summarise(partial)
    assert {arm.success.n for arm in summary.arms} == {30}  # of 60 seeds: its second look


def test_a_study_is_planned_for_where_its_engine_is(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "run_checks", lambda *_: [])
    study, elsewhere = Study("nand", seeds=2, epochs=10), {**place(), "device": "another"}

    def engine(chunks, kept):
        return ((chunk, run_chunk(chunk)) for chunk in chunks)

    found = runner.run(study, tmp_path / "out", engine=engine, where=elsewhere)
    assert runner.read(tmp_path / "out").sha256 == found.sha256
    with pytest.raises(InputError, match=r'place\.device: "another" there, "cpu" here'):
        runner.run(study, tmp_path / "out")


def test_progress_is_told_chunk_by_chunk(tmp_path, copy):
    chunk_files(copy)[0].unlink()
    told = []
    runner.run(STUDY, copy, progress=lambda *what: told.append(what))
    assert [(done, total) for done, total, _ in told] in ([(64, 64)], [(52, 52)])
    assert re.fullmatch(r"[\d,]+ runs/s, 0 s left", told[0][2])


class Killed(BaseException):
    """The power has failed."""


@pytest.mark.parametrize("call", ["fsync", "link", "replace"])
def test_whatever_write_the_power_fails_at_it_goes_on(call, finished, tmp_path, monkeypatch):
    """Each write of a study in turn is the last that happens; the last time there are no more of them, and it is finished."""
    tables = {
        chunk.name: table for chunk in plan(STUDY, place()).chunks if (table := _table(finished[0], chunk)) is not None
    }

    def engine(chunks, kept):  # trains nothing: tables of the finished study
        return ((chunk, tables[chunk.name]) for chunk in chunks)

    monkeypatch.setattr(runner, "run_checks", lambda *_: [])
    folder, real, failures = tmp_path / "out", getattr(os, call), 0
    while True:
        assert failures < 20
        left = [1]  # so many calls succeed

        def fail(*args, left=left):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*args)

        monkeypatch.setattr(os, call, fail)
        try:
            found = runner.run(STUDY, folder, engine=engine)
            break
        except Killed:
            failures += 1
        finally:
            monkeypatch.setattr(os, call, real)
    assert found.sha256 == finished[1].sha256
    assert failures > (call == "fsync")


def test_a_file_is_flushed_before_it_has_its_name_and_its_folder_after(tmp_path, monkeypatch):
    calls = []

    def note(name, real):
        def call(*args):
            at = args[0] if name != "fsync" else os.readlink(f"/proc/self/fd/{args[0]}")
            calls.append((name, Path(at).name, (tmp_path / "file").exists()))
            return real(*args)

        monkeypatch.setattr(os, name, call)

    note("fsync", os.fsync)
    note("replace", os.replace)
    assert store.Store(tmp_path).put(tmp_path / "file", b"content")
    aside = calls[0][1]
    assert aside.startswith(".file.")
    assert calls == [("fsync", aside, False), ("replace", aside, False), ("fsync", tmp_path.name, True)]
    assert (tmp_path / "file").read_bytes() == b"content"


def _table(folder, chunk):
    return results.chunk_of(store.Store(folder), chunk, len(STUDY.history_epochs))


LONGER = Study(
    "xor", vary={"momentum": (0.0, 0.1)}, base=Run(tolerance=0.0), seeds=320, epochs=20000, points=10, chunk=64
)
SPLIT = Study(  # tuned, split, of two tasks
    ("iris", "wine"),
    base=Run(mode="minibatch", momentum=0.0, hidden=(4,)),
    seeds=96,
    epochs=150,
    points=10,
    chunk=64,
    test_share=0.3,
    splits=2,
    tune={"learning_rate": (0.002, 0.02)},
)
SCRIPT = """
import json, sys
from bpnn_jax.ablation import run
from bpnn_jax.ablation.study import from_dict
print(run(from_dict(json.loads(sys.argv[1])), sys.argv[2]).sha256)
"""


@pytest.mark.parametrize("study", [LONGER, pytest.param(SPLIT, marks=pytest.mark.deep)], ids=["xor", "tuned and split"])
def test_kill_9_at_random_moments(study, tmp_path):
    """A study of some chunks in a process of its own, killed after a random number of new chunks and a random while.

    Once here; BPNN_KILLS=20 does it twenty times. A process takes seconds to start and compile, which is most of what a kill costs,
    so the twenty belong to a release and not to every run of the tests.
    """
    ended = runner.run(study, tmp_path / "whole")
    whole, chunks = ended.sha256, ended.chunks
    command = [sys.executable, "-c", SCRIPT, json.dumps(study.as_dict()), tmp_path / "killed"]
    folder, rng, killed, torn = tmp_path / "killed", random.Random(), 0, 0
    for _ in range(int(os.environ.get("BPNN_KILLS", "1"))):
        if len(chunk_files(folder)) >= chunks - 1:
            shutil.rmtree(folder)
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        goal = len(chunk_files(folder)) + rng.randrange(4)
        while process.poll() is None and len(chunk_files(folder)) < min(goal, chunks - 1):
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        killed += process.poll() is None
        process.kill()
        process.wait()
        torn += len(chunk_files(folder)) < chunks
    assert killed
    assert torn
    on = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert on.stdout.strip() == whole
    assert not [p for p in (folder / store.CHUNKS).iterdir() if p.name.startswith(".")]


def test_two_on_one_folder_do_each_other_no_harm(finished, tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(runner.run(STUDY, tmp_path / "out"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [f.sha256 for f in found] == [finished[1].sha256] * 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "certificates.json",
        "chunks",
        "patterns.npz",
        "study.json",
    ]


# --- another study, another version, another file ---


def test_another_study_is_refused_with_the_difference_and_forced_beside(finished, copy):
    other = Study(**{**vars(STUDY), "epochs": 100, "vary": {"momentum": (0.0,)}})
    with pytest.raises(InputError) as refused:
        runner.run(other, copy)
    assert "study.vary.momentum: [0.0, 0.1, 0.9] there, [0.0] here" in str(refused.value)
    assert "study.epochs: 200 there, 100 here" in str(refused.value)
    assert "place" not in str(refused.value)
    assert runner.run(other, copy, force=True).study == other
    before = {f.name for f in chunk_files(finished[0])}
    assert before < {f.name for f in chunk_files(copy)}

    def engine(chunks, kept):
        assert not chunks
        return iter(())

    assert (
        runner.run(STUDY, copy, force=True, engine=engine).sha256 == finished[1].sha256
    )  # and back, with nothing lost


def test_a_folder_of_version_0_1_0_is_gone_on_with(finished, copy):
    """It wrote its default batch size for every mode, had fewer fields, and no checksum."""
    there = unsealed((copy / store.FILE).read_bytes(), "") | {"format": 1}
    assert there["study"]["base"]["batch_size"] is None
    there["study"]["base"]["batch_size"] = 32
    del there["study"]["base"]["skip"]
    (copy / store.FILE).write_text(json.dumps(there))
    assert runner.read(copy).study == STUDY

    def engine(chunks, kept):
        assert not chunks
        return iter(())

    assert runner.run(STUDY, copy, engine=engine).sha256 == finished[1].sha256


def test_another_version_is_refused(copy):
    there = unsealed((copy / store.FILE).read_bytes(), "")
    there["place"]["jaxlib"] = "0.0.1"
    (copy / store.FILE).write_bytes(sealed(there))
    with pytest.raises(InputError, match=re.escape('place.jaxlib: "0.0.1" there, "')):
        runner.run(STUDY, copy)


@pytest.mark.parametrize("harm", ["truncated", "empty", "another chunk", "not parquet"])
def test_a_file_that_is_not_the_chunk_is_named_set_aside_and_made_anew(harm, finished, copy):
    one, two, *_ = chunk_files(copy)
    good = one.read_bytes()
    one.write_bytes(
        {
            "truncated": good[:-100],
            "empty": b"",
            "another chunk": two.read_bytes(),
            "not parquet": b"PAR1 is what I am not PAR1",
        }[harm]
    )
    looked = []
    assert runner.read(copy, looked).chunks_done == 2
    assert "left where it is" in looked[0]
    complaints = []
    assert runner.run(STUDY, copy, complaints=complaints).sha256 == finished[1].sha256
    assert len(complaints) == 1
    assert str(one) in complaints[0]
    assert len(list((copy / store.ASIDE).iterdir())) == 1
    assert runner.read(copy).complete


def test_a_flipped_bit_is_found_wherever_it_matters(copy):
    """At some four hundred places of a file: it is either not read, or reads the same."""
    (one, *_), good = chunk_files(copy), chunk_files(copy)[0].read_bytes()
    chunk = next(chunk for chunk in plan(STUDY, place()).chunks if chunk.name == one.stem)
    kept = store.Store(copy, read_only=True)
    expected, missed = results.chunk_of(kept, chunk, 10), 0
    for at in range(0, len(good), len(good) // 400):
        one.write_bytes(good[:at] + bytes([good[at] ^ 16]) + good[at + 1 :])
        found = results.chunk_of(kept, chunk, 10)
        missed += found is not None
        assert found is None or digest(found) == digest(expected)
    assert len(kept.complaints) > missed > 0  # the others lie in what Parquet says twice


STRANGERS = (
    "notes.txt",
    ".DS_Store",
    ".nfs000000000001",
    "Thumbs.db",
    "x.parquet",
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
)


def test_strangers_among_the_chunks_are_left_alone(finished, copy):
    for name in STRANGERS:
        (copy / store.CHUNKS / name).write_text("mine")
    (copy / store.CHUNKS / "sub").mkdir()
    complaints = []
    assert runner.run(STUDY, copy, complaints=complaints).sha256 == finished[1].sha256
    assert complaints == []
    assert all((copy / store.CHUNKS / name).read_text() == "mine" for name in STRANGERS)


def test_the_half_written_of_the_dead_is_cleared(copy):
    """Of a process that is no more, of an earlier one of this number, and of another machine after a day."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here, me = files._process("self").split("-")[0], files._process(os.getpid())
    writers = {
        "alive": me,
        "dead": f"{here}-{dead.pid}-7",
        "reused": f"{me}0",
        "elsewhere": "0123456789ab-1-7",
        "old": "host.1",
    }
    for name in ("elsewhere", "old"):
        writers[f"{name} and late"] = writers[name]
    for name, writer in writers.items():
        path = copy / store.CHUNKS / f".{name}.parquet.{writer}.0123abcd"
        path.write_text("half")
        if name.endswith("late"):
            os.utime(path, (time.time() - 2 * files.OLD,) * 2)
    runner.run(STUDY, copy)
    left = [p.name.split(".")[1] for p in (copy / store.CHUNKS).iterdir() if p.name.startswith(".")]
    assert sorted(left) == ["alive", "elsewhere", "old"]


def test_folders_that_are_not_a_studys(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"expected a new folder or that of a study, got one with thesis\.tex in it"):
        runner.run(STUDY, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="expected a folder, got a file"):
        runner.run(STUDY, tmp_path / "thesis.tex")
    with pytest.raises(InputError, match=r"expected the folder of a study, got no study\.json in it"):
        runner.read(tmp_path)


# --- the disk ---


def test_a_grid_that_the_disk_cannot_hold_is_refused_before_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 20_000))
    with pytest.raises(InputError, match=r"expected room for 180 runs of 10 numbers, up to 0\.0 GiB, got 0\.0 GiB"):
        runner.run(STUDY, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_a_sentence_and_costs_nothing_that_was_finished(finished, copy, monkeypatch):
    first, *others = chunk_files(copy)
    for file in others:
        file.unlink()
    real = os.fsync

    def full(handle):
        if ".parquet." in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device; what was finished before is kept"):
        runner.run(STUDY, copy)
    monkeypatch.setattr(os, "fsync", real)
    assert [p.name for p in (copy / store.CHUNKS).iterdir()] == [first.name]
    assert runner.run(STUDY, copy).sha256 == finished[1].sha256
