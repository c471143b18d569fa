"""Studies on a Ray cluster, here one of two workers on this machine."""

import contextlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import ray

import bpnn_jax
from bpnn_jax import ablation
from bpnn_jax._runtime import cores
from bpnn_jax.ablation import ray as ray_engine
from bpnn_jax.ablation import runner
from bpnn_jax.ablation.chunk import place, run_chunk
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import digest
from bpnn_jax.cli import main
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

ROOT = Path(__file__).resolve().parents[3]
# Four chunks of one program, some tenths of a second each.
STUDY = Study(
    "xor", vary={"momentum": (0.0, 0.1)}, base=Run(tolerance=0.0), seeds=128, epochs=20000, points=10, chunk=64
)
SHORT = replace(STUDY, seeds=64, epochs=50)  # two chunks of another
COMMAND = ("ablate", "--task", "xor", "--engine", "ray", "--out")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """As ``--engine ray`` begins one, but small, for a container; and it says that it has a GPU, which is not to be used."""
    mark = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPNN_TEST_MARK", mark)  # what is begun from here has it too
        patch.setenv(
            "BPNN_COMPILE_CACHE", str(tmp_path_factory.mktemp("cache"))
        )  # of the workers: here JAX runs already
        patch.setenv("JAX_PLATFORMS", "cpu")
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_AUTH_TOKEN", mark)  # otherwise Ray makes one, and keeps it in the user's home
        patch.setattr(ray_engine, "OBJECT_STORE", 80 * 2**20)  # Ray's least is 75 MB
        patch.setattr(cores, "available", lambda: 2)
        patch.setattr(ray, "init", partial(ray.init, num_gpus=1))
        with ray_engine.connect() as connected:
            assert len(list(marked(mark))) > 2
            yield connected
    wait_until(lambda: not list(marked(mark)))
    assert not ray.is_initialized()


def marked(mark):
    """The processes, but for this one, that were begun with this mark."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or not ours
            if mark.encode() in (process / "environ").read_bytes() and process.name != str(os.getpid()):
                yield process.name


def wait_until(true):
    """Ray ends processes without waiting for their end."""
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("expected it within a minute")


def never(chunk):
    return False


def report_anew(cluster):
    """Whoever is there is admitted as if it had just started."""
    assert cluster._idle
    while cluster._idle:
        worker = cluster._idle.pop()
        cluster._busy[worker.report.remote()] = worker, None


def at_work(cluster):
    """The chunk of each process that has one, the latest last."""
    return {cluster.processes[worker][1]: chunk for worker, chunk in cluster._busy.values() if chunk}


# --- what happens to a study ---


def test_a_worker_killed_in_the_middle_costs_no_bit(cluster, tmp_path, capfd):
    """After the first chunk the one that has just been given its second dies, as when its machine runs out of memory."""
    handed, lost, hand_out = [], [], cluster._hand_out

    def note(chunk, programs):
        handed.append(chunk.name)
        hand_out(chunk, programs)

    def engine(chunks, kept):
        cluster._hand_out = note
        for done in cluster.train(chunks, kept):
            if not lost:
                pid, chunk = list(at_work(cluster).items())[-1]
                os.kill(pid, signal.SIGKILL)
                lost[:] = chunk.name, pid
            yield done

    try:
        found = runner.run(STUDY, tmp_path / "ray", engine=engine, where=cluster.place)
    finally:
        del cluster._hand_out
    assert len(handed) == found.chunks + 1
    assert handed.count(lost[0]) == 2
    assert f"process {lost[1]} died of chunk {lost[0][:12]}, which went to another" in cluster.complaints[-1]
    assert found.sha256 == runner.run(STUDY, tmp_path / "local").sha256
    assert capfd.readouterr() == ("", "")  # Ray would like to say more


def test_what_another_process_has_kept_is_not_trained(cluster):
    first, second = plan(SHORT, cluster.place).chunks
    done = {chunk.name: table for chunk, table in cluster.train([first, second], lambda chunk: chunk is first)}
    assert done[first.name] is None
    assert digest(done[second.name].drop(["seconds"])) == digest(run_chunk(second).drop(["seconds"]))


@pytest.mark.deep  # two programs to compile
def test_a_worker_trains_by_the_kernel_what_is_planned_so(cluster, monkeypatch):
    """Interpreted: a place with the kernel, as a worker on a GPU would report it."""
    monkeypatch.setattr(cluster, "place", cluster.place | {"kernel": "interpret"})
    chunk = plan(replace(SHORT, seeds=3), cluster.place).chunks[0]
    ((_, table),) = cluster.train([chunk], never)
    assert json.loads(chunk.described)["engine"] == "GPU kernel, interpreted"
    assert digest(table.drop(["seconds"])) == digest(run_chunk(chunk).drop(["seconds"]))


class Deadly(str):
    """Ends whoever reads it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_chunk_that_kills_every_worker_is_named(cluster, monkeypatch):
    monkeypatch.setattr(ray_engine, "TRIES", 2)
    good, bad = plan(SHORT, cluster.place).chunks
    bad = replace(bad, lanes=(bad.lanes[0]._replace(initial=Deadly("uniform")), *bad.lanes[1:]))
    done, before = [], len(cluster.complaints)
    words = rf"chunk {bad.name[:12]}, 64 runs of .*2-2-1.*, seeds 32 to 63: expected a worker to finish it, got 2 that died of it: "
    with pytest.raises(InputError, match=rf"{words}The actor .* because "):
        done.extend(cluster.train([bad, good], never))
    assert len(cluster.complaints) == before + 1  # the second is the error
    # Whoever is left, and whoever comes in the place of the dead, goes on with other work.
    assert [chunk.name for chunk, _ in cluster.train([good], never)] == [good.name]


def test_what_a_worker_objects_to_is_said_here(cluster):
    good, bad = plan(SHORT, cluster.place).chunks
    bad = replace(bad, lanes=(bad.lanes[0]._replace(learning_rate=-1.0), *bad.lanes[1:]))
    for_hours = plan(replace(STUDY, epochs=10**9), cluster.place).chunks[0]
    with pytest.raises(InputError, match=r"^expected learning_rate as a finite number from 0 up, .*, got -1\.0$"):
        list(cluster.train([for_hours, bad], never))
    # What was under way beside it is no part of what comes next.
    assert [chunk.name for chunk, _ in cluster.train([good], never)] == [good.name]


# --- who may take part ---


def test_workers_are_where_the_study_is_planned_for(cluster):
    assert cluster.place == place()  # here, on this machine's CPU: XLA's flags too
    elsewhere = plan(SHORT, {**place(), "jaxlib": "0.0.1"}).chunks
    with pytest.raises(InputError, match=r"jaxlib: '0\.0\.1' planned, '[\d.]+' there"):
        list(cluster.train(elsewhere, never))


def test_a_worker_of_another_kind_is_refused(cluster, monkeypatch):
    report_anew(cluster)
    machine, kind = cluster._first
    assert kind.keys() - cluster.place.keys() == {"processor"}
    monkeypatch.setattr(cluster, "_first", ("elsewhere", {**kind, "processor": "x86_64-00000000"}))
    words = re.escape(f"processor: 'x86_64-00000000' on elsewhere, '{kind['processor']}' on {machine}")
    with pytest.raises(InputError, match=rf"expected a worker of the same kind as that on elsewhere, .*\n  {words}$"):
        list(cluster.train(plan(SHORT, cluster.place).chunks, never))


def test_a_gpu_is_claimed_and_one_that_jax_does_not_find_is_refused(cluster, monkeypatch):
    """The claim is seen by what Ray leaves to others."""
    left, admit = [], ray_engine.Cluster._admit

    def look(self, *report):
        left.append(ray.available_resources().get("GPU", 0))
        admit(self, *report)

    assert not cluster._on_gpus  # JAX_PLATFORMS is cpu
    monkeypatch.delenv("JAX_PLATFORMS")
    monkeypatch.setattr(ray_engine.Cluster, "_admit", look)
    with (
        pytest.raises(InputError, match="expected JAX to find the GPU that Ray claimed for it, got only a CPU"),
        ray_engine.connect(),
    ):
        pass
    assert left == [0]


def test_a_worker_with_another_version_of_ours_is_refused(cluster, monkeypatch):
    report_anew(cluster)
    chunks = plan(SHORT, cluster.place).chunks
    monkeypatch.setattr(bpnn_jax, "__version__", "99.0")
    with pytest.raises(
        InputError, match=rf"expected bpnn-jax 99\.0, as here, got {re.escape(cluster.place['bpnn_jax'])}"
    ):
        list(cluster.train(chunks, never))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", r"expected a Ray cluster at 127\.0\.0\.1:1, got: .*Connection refused"),
        ("ray://127.0.0.1:10001", "expected the address of a Ray cluster's head as HOST:PORT, or auto, got ray://"),
        ("head", "as HOST:PORT, or auto, got head"),
    ],
)
def test_an_address_that_is_none_or_answers_nothing(address, words):
    with pytest.raises(InputError, match=words):
        ray_engine._init(address)


# --- what is left behind: from here on the cluster's own workers make room for others ---


def test_workers_that_do_not_start_are_an_error_and_no_endless_loop(cluster, monkeypatch):
    cluster.close()
    monkeypatch.setattr(ray_engine, "TRIES", 2)
    monkeypatch.setenv("XLA_FLAGS", "--there_is_no_such_flag")  # which ends whoever begins with it
    with (
        pytest.raises(
            InputError, match=r"expected workers that start, got 2 in a row that did not: The actor .* because"
        ),
        ray_engine.connect(),
    ):
        pass


def test_whoever_is_interrupted_leaves_no_worker(cluster, monkeypatch):
    cluster.close()
    busy = []
    # Not those that the cluster was begun with.
    monkeypatch.setenv("XLA_FLAGS", f"{os.environ['XLA_FLAGS']} --xla_cpu_multi_thread_eigen=true")

    def work():
        with ray_engine.connect() as own:
            assert own.place == place() != cluster.place
            for_hours, kept, *_ = plan(replace(STUDY, epochs=10**9), own.place).chunks
            for _ in own.train([for_hours, kept], lambda chunk: chunk is kept):
                busy.extend(at_work(own))
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert busy
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in busy))


def test_the_command_says_nothing_but_its_results_and_leaves_no_worker(cluster, tmp_path):
    cluster.close()
    address = ray.get_runtime_context().gcs_address
    with pytest.raises(InputError, match="expected no address after"), ray_engine.connect(address):
        pass
    flags = ["--vary", "momentum=0,0.1", "--seeds", "32", "--epochs", "50", "--points", "10", "--tolerance", "0"]
    ran = subprocess.run(
        [sys.executable, "-m", "bpnn_jax", *COMMAND, tmp_path / "out", *flags, "--address", address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("xor, 50 epochs, 32 seeds")
    said = json.loads((tmp_path / "out/summary.json").read_text())
    assert said["results_sha256"] == runner.run(replace(SHORT, seeds=32, chunk=512), tmp_path / "local").sha256
    wait_until(lambda: ray.available_resources().get("CPU") == 2)


# --- kills ---

FLAGS = shlex.split("""--task iris,wine --hidden 4 --test-share 0.3 --splits 2 --seeds 96 --epochs 150 --mode minibatch
    --vary activation=sigmoid,tanh --tune learning-rate=0.002,0.02 --chunk 64""")


@pytest.mark.deep
def test_kill_9_of_the_study_and_of_its_workers(cluster, tmp_path):
    """A tuned, split study of two tasks; at random moments it or one of its workers is killed. BPNN_KILLS=20 does it twenty times."""
    cluster.close()
    address, whole = ray.get_runtime_context().gcs_address, tmp_path / "whole"
    assert main(["ablate", *FLAGS, "--out", str(whole), "--quiet"]) == 0
    said, killed = json.loads((whole / "summary.json").read_text()), {"study": 0, "worker": 0}
    command = [sys.executable, "-m", "bpnn_jax", "ablate", *FLAGS, "--out", str(tmp_path / "killed")]
    command += ["--engine", "ray", "--address", address]
    chunks, rng = tmp_path / "killed" / "chunks", random.Random()

    def there():
        return len(list(chunks.glob("*.parquet")))

    while sum(killed.values()) < int(os.environ.get("BPNN_KILLS", "2")):
        if there() >= said["chunks"] - 2:
            shutil.rmtree(tmp_path / "killed")
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        goal = there() + rng.randrange(1, 4)
        wait_until(lambda process=process, goal=goal: there() >= goal or process.poll() is not None)
        time.sleep(rng.uniform(0, 0.2))
        if killed["worker"] < killed["study"] and (workers := list(actors())):
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
            killed["worker"] += 1
            assert process.wait(300) == 0  # another takes its chunk
            shutil.rmtree(tmp_path / "killed")
            continue
        killed["study"] += process.poll() is None
        process.kill()
        process.wait()
        wait_until(lambda: ray.available_resources().get("CPU") == 2)
    assert all(killed.values()), killed
    on = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (on.returncode, on.stderr) == (0, "")
    again = json.loads((tmp_path / "killed" / "summary.json").read_text())
    assert again["results_sha256"] == said["results_sha256"]


def actors():
    """The processes of the workers that this test's cluster has."""
    for process in marked(os.environ["BPNN_TEST_MARK"]):
        with contextlib.suppress(OSError):
            if (Path("/proc") / process / "cmdline").read_bytes().startswith(b"ray::Worker"):
                yield process


def test_without_ray_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "bpnn_jax.ablation.ray")
    monkeypatch.delattr(ablation, "ray")
    assert main([*COMMAND, str(tmp_path / "out")]) == 2
    assert capsys.readouterr() == ("", "bpnn ablate: clusters stand on Ray; for these pip install 'bpnn-jax[ray]'\n")
    assert not (tmp_path / "out").exists()
