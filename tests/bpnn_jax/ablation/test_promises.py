"""What docs/studies.md promises of a study's folder, broken on purpose: permissions, forgeries, --force, lost folders."""

import dataclasses
import errno
import io
import json
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bpnn_jax._runtime.reading import digest
from bpnn_jax.ablation import folder as store
from bpnn_jax.ablation import results, runner
from bpnn_jax.ablation.chunk import place
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

pytestmark = pytest.mark.quick_xla
STUDY = Study("nand", vary={"momentum": (0.0, 0.1)}, seeds=40, epochs=6, points=3, chunk=64)
OTHER = dataclasses.replace(STUDY, vary={"momentum": (0.0, 0.9)})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Both studies, each in a folder, with their results."""
    at = tmp_path_factory.mktemp("promises")
    return {name: (at / name, runner.run(study, at / name)) for name, study in (("study", STUDY), ("other", OTHER))}


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished["study"][0], tmp_path / "copy"))


def chunks(folder):
    return sorted((folder / store.CHUNKS).glob("*.parquet"))


def no_engine(chunks, kept):
    assert not chunks, "trained again"
    return iter(())


def ready(finished):
    """An engine that has the tables of both studies, and trains nothing."""
    tables = {}
    for folder, found in finished.values():
        points = len(found.study.history_epochs)
        for chunk in plan(found.study, place()).chunks:
            tables[chunk.name] = results.chunk_of(store.Store(folder), chunk, points)
    return lambda chunks, kept: ((chunk, tables[chunk.name]) for chunk in chunks)


# --- what cannot be read now ---


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("what", ["chunk", store.FILE, store.PATTERNS, store.CERTIFICATES])
def test_a_chunk_that_cannot_be_read_now_is_neither_moved_nor_trained(what, code, copy, monkeypatch):
    victim = chunks(copy)[0] if what == "chunk" else copy / what
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    real = os.open

    def refuse(path, *rest, **named):
        if os.fspath(path) == os.fspath(victim):
            raise OSError(code, os.strerror(code), os.fspath(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    for work in (lambda: runner.run(STUDY, copy, engine=no_engine), lambda: runner.read(copy)):
        with pytest.raises(InputError, match=os.strerror(code)):
            work()
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_folder_whose_name_is_no_utf_8(copy, finished):
    named = copy.with_name(b"n\xff".decode("utf-8", "surrogateescape"))
    copy.rename(named)
    complaints = []
    assert runner.run(STUDY, named, engine=no_engine, complaints=complaints).sha256 == finished["study"][1].sha256
    assert complaints == []


# --- forgeries ---


def test_a_chunk_of_many_rows_is_not_unpacked(copy):
    victim = chunks(copy)[0]
    kept = pq.read_table(victim)
    rows = 20_000_000
    with io.BytesIO() as content:
        zeros = pa.table({"error": pa.array(np.zeros(rows))}).replace_schema_metadata(kept.schema.metadata)
        pq.write_table(zeros, content, compression="zstd")
        victim.write_bytes(content.getvalue())
    del zeros
    before, complaints = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    assert runner.read(copy, complaints).chunks_done == 1
    assert "is damaged: it does not have the" in complaints[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB, of 160 MB


@pytest.mark.parametrize("name", [store.PATTERNS, store.CERTIFICATES])
def test_another_studys_files_are_named_and_made_again(name, finished, copy):
    elsewhere = finished["other"][0] / name
    if name == store.PATTERNS:  # the same patterns: of another task then
        with np.load(elsewhere) as there:
            np.savez(copy / name, x=there["x"] + 1, t=there["t"], hidden=there["hidden"])
    else:
        shutil.copy(elsewhere, copy / name)
    complaints, again = [], []
    runner.read(copy, complaints)
    assert "of another study; left where it is" in complaints[0]
    found = runner.run(STUDY, copy, engine=no_engine, complaints=again)
    assert f"{name} holds the" in again[0]
    assert found.certificates == finished["study"][1].certificates
    last = []
    runner.read(copy, last)
    assert last == []


@pytest.mark.parametrize(
    "change",
    [{"verdict": "gzadient"}, {"angle": "a"}, {"checks": None}, {"step_checked": 1}, {"more": 1}, None, [], "abc"],
    ids=str,
)
@pytest.mark.parametrize("seal", [True, False])
def test_certificates_that_are_none_are_made_again(change, seal, finished, copy):
    path = copy / store.CERTIFICATES
    content = json.loads(path.read_bytes())
    for arm, whole in content.items():
        if isinstance(change, dict):
            content[arm] = whole | change
            del content[arm]["sha256"]
            content[arm]["sha256"] = digest([arm, content[arm]]) if seal else whole["sha256"]
        else:
            content[arm] = change
    path.write_text(json.dumps(content))
    complaints = []
    found = runner.run(STUDY, copy, engine=no_engine, complaints=complaints)
    assert "certificates.json is damaged" in complaints[0]
    assert found.certificates == finished["study"][1].certificates


# --- one owner at a time ---


class Killed(BaseException):
    """kill -9."""


@pytest.mark.parametrize("call", ["fsync", "link", "replace", "mkdir", "unlink"])
def test_force_killed_at_any_write(call, finished, copy, monkeypatch):
    """Of ``--force`` each write in turn is the last that happens, and then either study goes on in the folder."""
    monkeypatch.setattr(runner, "run_checks", lambda *_: [])
    engine, real, at = ready(finished), getattr(os, call), 0
    while True:
        folder = Path(shutil.copytree(copy, copy.with_name(f"{call} {at}")))
        left = [at]

        def fail(*args, left=left, **named):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*args, **named)

        monkeypatch.setattr(os, call, fail)
        try:
            runner.run(OTHER, folder, force=True, engine=engine)
            killed = False
        except Killed:
            killed = True
        finally:
            monkeypatch.setattr(os, call, real)
        runner.read(folder)
        for study, name in ((OTHER, "other"), (STUDY, "study")):
            found = runner.run(study, folder, force=True, engine=engine)
            assert found.sha256 == finished[name][1].sha256
        if not killed:
            break
        at += 1
    assert at > 0 or call == "mkdir"


def test_a_study_that_has_lost_its_folder_writes_nothing_more(finished, tmp_path):
    folder, engine = tmp_path / "out", ready(finished)

    def taken_over(chunks, kept):
        first, *others = engine(chunks, kept)
        yield first
        runner.run(OTHER, folder, force=True, engine=engine)
        before.update({path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()})
        yield from others

    before: dict[Path, int] = {}
    with pytest.raises(InputError, match=r"expected the folder to stay this study's.*got another study in it"):
        runner.run(STUDY, folder, engine=taken_over)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    complaints = []
    found = runner.read(folder, complaints)
    assert (found.study, found.sha256, complaints) == (OTHER, finished["other"][1].sha256, [])
    with pytest.raises(InputError, match="got another study in it"):
        runner.summarised(folder, finished["study"][1], {})


def test_a_folder_that_a_killed_force_of_version_0_1_0_left(finished, copy):
    """It moved study.json away first, and the folder was refused for ever."""
    (copy / store.FILE).rename(copy / "study.0123abcd.json")
    assert runner.run(STUDY, copy, engine=no_engine).sha256 == finished["study"][1].sha256


# --- before anything is made ---


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base": Run(learning_rate=1e300)}, r"learning-rate up to 3\.4e\+38"),
        ({"base": Run(momentum=1e39)}, "momentum up to"),
        ({"base": Run(ranges=())}, "ranges as one number or more"),
        ({"base": Run(ranges=(1e300,))}, "ranges up to"),
        ({"base": Run(hidden=(2_000_000_000,))}, "at most 100,000,000 weights, got 8,000,000,001"),
        ({"base": Run(hidden=(2,) * 3000)}, "at most 100 layers of weights"),
        ({"base": Run(hidden=(5_000_000,))}, "at most 200,000,000 numbers in a chunk"),
        ({"seeds": 2**32 - 1}, "at most 10,000,000 runs"),
        ({"seeds": range(2**31)}, "at most 1,000,000 listed seeds"),
        ({"points": 2**31 - 1, "epochs": 2**31 - 1}, "expected room for"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_trained_makes_no_folder(given, words, tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=words):
        runner.run(Study("xor", **{"seeds": 64, **given}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
