"""The benchmark's logic: who is timed when, what is compared with what, and what it says of a peer that is not there.

No test looks at a time. Peers here are functions of ``made_up``: they run in processes of their own, as the real ones do.
"""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks import chain
from benchmarks.speed import __main__ as command
from benchmarks.speed import grid_page, peers, report, rounds, tasks, worker, workloads
from benchmarks.speed.__main__ import BEGIN, END, main
from benchmarks.speed.page import between
from benchmarks.speed.peers import Peer, classic
from benchmarks.speed.rounds import Timed, Workload
from bpnn_jax import InputError
from tests.benchmarks import made_up

pytestmark = pytest.mark.quick_xla

ONLINE = tasks.recogniser(patterns_used=40)
TINY = ("--rounds", "2", "--seconds", "0.001")


# --- tasks ---


@pytest.mark.parametrize(("updates", "epochs", "patterns"), [(3, 1, 3), (40, 1, 40), (99, 2, 40), (0, 1, 1)])
def test_a_task_is_cut_to_whole_epochs_or_to_its_first_patterns(updates, epochs, patterns):
    cut = ONLINE.of_length(updates)
    assert (cut.epochs, len(cut.x), len(cut.t), cut.updates) == (epochs, patterns, patterns, epochs * patterns)
    assert np.array_equal(cut.x, ONLINE.x[:patterns])


def test_a_minibatch_counts_as_one_update():
    task = tasks.minibatch()
    assert task.updates == 10
    assert task.of_length(3).updates == 3
    assert len(task.of_length(3).x) == 3 * 128


def test_the_recogniser_s_patterns_are_three_languages_in_file_order():
    assert ONLINE.x.shape == (40, 20)
    assert ONLINE.t.shape == (40, 3)
    assert (ONLINE.t.sum(axis=1) == 1).all()


# --- is it right? ---


@pytest.fixture(scope="module")
def references():
    """One for all, so that what several tests compare with is reckoned once."""
    return rounds.References()


# The benchmark compares each peer with a reference before it times it; here one of ours, one of the article's, one of others.
QUICK = {peers.OURS.name, "article", "numpy", "jax-grad-scan"}
AT_HAND = [
    pytest.param(p, id=p.name, marks=[] if p.name in QUICK else [pytest.mark.deep])
    for p in (peers.OURS, *peers.ONE)
    if not p.slow
]


@pytest.mark.parametrize("peer", AT_HAND)
def test_every_peer_at_hand_computes_what_it_says(peer, references):
    if peer.missing():
        pytest.skip(peer.missing())
    task = replace(ONLINE, **peer.changes)
    with worker.Worker(peer.prepare, plain_xla=peer.plain_xla) as process:
        apart, allowed, _ = references.check(peer, process, task, 40)
    assert 0 <= apart <= allowed


def test_a_forgotten_momentum_is_not_what_ours_computes(references):
    with (
        worker.Worker(made_up.forgets_momentum) as process,
        pytest.raises(worker.PeerError, match="something else than reference"),
    ):
        references.check(Peer("wrong", made_up.forgets_momentum, 1), process, ONLINE, 40)


def test_the_article_s_order_is_not_what_ours_computes(references):
    with worker.Worker(classic.article) as process, pytest.raises(worker.PeerError, match="something else"):
        references.check(Peer("article", classic.article, 1), process, ONLINE, 40)


@pytest.mark.parametrize("prepare", [made_up.gives_nan, made_up.one_network_only])
def test_nan_and_wrong_shapes_are_refused(prepare):
    got = prepare(ONLINE)()
    with pytest.raises(worker.PeerError):
        rounds.compare(Peer("wrong", prepare, 1), got, ONLINE, ONLINE.weights)


def test_many_networks_are_compared_one_by_one():
    task = tasks.recogniser(3, 10)
    peer = Peer("ours", made_up.untouched, 1)
    assert rounds.compare(peer, task.weights, task, task.weights)[0] == 0
    with pytest.raises(worker.PeerError):
        rounds.compare(peer, tuple(W[::-1] for W in task.weights), task, task.weights)


# --- a process for each ---


def test_a_peer_s_own_failure_is_told_in_one_line():
    with worker.Worker(made_up.fails) as process, pytest.raises(worker.PeerError, match=r"^ValueError: no such thing$"):
        process.load(ONLINE)


def test_a_process_that_ends_is_told():
    with worker.Worker(made_up.dies) as process, pytest.raises(worker.PeerError, match="ended before it answered"):
        process.load(ONLINE)


def test_what_was_not_loaded_is_not_timed():
    with worker.Worker(made_up.untouched) as process:
        weights, first = process.load(ONLINE)
        assert np.array_equal(weights[0], ONLINE.weights[0])
        assert first > 0
        assert process.time()[0] > 0
        assert process.peak_memory() > 2**20


@pytest.mark.skipif(not worker.can_pin(), reason="this system cannot hold a process to some of the cores")
def test_a_process_is_held_to_its_cores_and_this_one_is_not():
    before = worker.cores()
    with worker.Worker(made_up.cores_seen, cores=1) as process:
        assert process.load(ONLINE)[0][0] == 1
    assert worker.cores() == before


# --- in turn ---


def test_rounds_alternate():
    calls = []
    runs = [lambda name=name: calls.append(name) or float(len(calls)) for name in "abc"]
    assert rounds.alternate(runs, 3) == [[1, 6, 7], [2, 5, 8], [3, 4, 9]]
    assert "".join(calls) == "abccbaabc"


def test_a_row_is_ours_over_the_peer_s():
    timed = [Timed(Peer("ours", made_up.untouched, 1), [10.0, 30.0, 20.0], [9.0, 9.0, 99.0], 1.0, 0.0, 1.0)]
    timed.append(Timed(Peer("c", made_up.untouched, 1, note="n"), [40.0, 30.0, 80.0], [36.0, 36.0, 1.0], 0.0, 0.5, 1.0))
    (row,) = rounds.rows("online", timed)
    assert (row.ours_ns, row.peer_ns, row.ratio) == (20.0, 40.0, 0.5)
    assert row.ratios == (0.25, 1.0)
    assert row.cpu_ratio == 0.25
    assert (row.ours_range, row.peer_range) == ((10.0, 30.0), (30.0, 80.0))
    assert (row.ours_compile_s, row.compile_s, row.apart, row.note) == (1.0, 0.0, 0.5, "n")


def test_a_peer_that_is_missing_fails_or_is_wrong_costs_only_its_own_row():
    good = Peer("good", made_up.untouched, 1e6, reference=made_up.untouched)
    those = (
        good,
        replace(good, name="absent", missing=lambda: "not installed; pip install it"),
        replace(good, name="fails", prepare=made_up.fails),
        replace(good, name="wrong", prepare=made_up.gives_nan),
        # Right only if the task is changed for it.
        replace(
            good,
            name="other rate",
            prepare=made_up.moved_by_the_rate,
            reference=made_up.moved_by_two,
            changes={"learning_rate": 2},
        ),
    )
    workload = Workload("w", ONLINE, replace(good, name="ours"), those)
    timed, told = rounds.measure(workload, 2, 0.001, lambda what: None)
    assert [t.peer.name for t in timed] == ["ours", "good", "other rate"]
    assert told["absent"] == "not installed; pip install it"
    assert told["fails"] == "failed: ValueError: no such thing"
    assert told["wrong"].startswith("failed: computes something else than untouched")


def test_without_ours_there_is_nothing_to_compare():
    workload = Workload(
        "w",
        ONLINE,
        Peer("ours", made_up.fails, 1),
        (Peer("good", made_up.untouched, 1e6, reference=made_up.untouched),),
    )
    with pytest.raises(worker.PeerError, match="no such thing"):
        rounds.measure(workload, 1, 0.001, lambda what: None)


def test_the_names_that_the_rows_promise():
    names = {p.name for w in workloads.workloads(workloads.Options(), {}) for p in w.peers}
    assert names >= {"article", "numpy", "numba", "sklearn", "pytorch", "pytorch-compile", "pytorch-vmap"}
    assert names >= {"jax-grad-scan", "jax-grad-vmap"}
    assert {w.name for w in workloads.workloads(workloads.Options(), {})} >= {
        workloads.ONLINE,
        workloads.MANY,
        workloads.MINIBATCH,
    }


def test_needing_more_cores_than_there_are_is_a_line(monkeypatch):
    monkeypatch.setattr(worker, "cores", lambda: 1)
    found = workloads.run(workloads.Options(workloads=(workloads.MANY_TWO,)), lambda what: None)
    assert found.rows == []
    assert found.absent == {workloads.MANY_TWO: {"ours": "needs 2 cores, got 1"}}


# --- as a command ---


def test_bench_writes_rows_and_says_how_to_install(tmp_path, capsys, monkeypatch):
    numpy, numba = peers.ONE[1:3]
    hidden = replace(numba, missing=peers.needs_module("a_module_that_nobody_has", "numba"))
    monkeypatch.setattr(peers, "ONE", (numpy, replace(numpy, name="numpy again"), hidden))
    monkeypatch.setattr(command, "PEERS", {})
    # So few patterns that all do the same in the check, and the reference is reckoned once.
    monkeypatch.setattr(tasks, "recogniser", partial(tasks.recogniser, patterns_used=40))
    file = tmp_path / "speed.json"
    assert main(["--workloads", workloads.ONLINE, *TINY, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert [row["peer"] for row in found["rows"]] == ["numpy", "numpy again"]
    for row in found["rows"]:
        assert row["workload"] == workloads.ONLINE
        assert row["ratio"] == pytest.approx(row["ours_ns"] / row["peer_ns"], rel=1e-12)  # one division
        assert row["ratios"][0] <= row["ratios"][1]
        assert row["peer_ns"] > 0
    assert found["absent"] == {workloads.ONLINE: {"numba": "not installed; pip install numba"}}
    assert found["rounds"] == 2
    assert found["versions"]["jax"]
    assert found["machine"]["cores"] >= 1
    out = capsys.readouterr().out
    assert "numba: not installed; pip install numba" in out
    assert f"{workloads.ONLINE}: ours" in out


def test_a_wrong_peer_is_a_bad_exit_status(monkeypatch, capsys):
    good = Peer("ours", made_up.untouched, 1e6, reference=made_up.untouched)
    monkeypatch.setattr(peers, "OURS", good)
    monkeypatch.setattr(peers, "ONE", (replace(good, name="wrong", prepare=made_up.gives_nan),))
    monkeypatch.setattr(command, "PEERS", {})
    assert main(["--workloads", workloads.ONLINE, *TINY]) == 1
    assert "computes something else" in " ".join(capsys.readouterr().out.split())


def test_xor_alone_has_its_seconds_and_its_memory(tmp_path):
    file = tmp_path / "speed.json"
    assert main(["--workloads", workloads.XOR, "--xor-networks", "64", *TINY, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    (alone,) = found["alone"]
    assert found["rows"] == []
    assert (alone["networks"], alone["epochs"]) == (64, 1000)
    assert alone["ours_ns"] == pytest.approx(1e9 * alone["seconds"] / 64 / 4000, rel=1e-12)  # two divisions
    assert alone["peak_bytes"] > 2**20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workloads", "online 20-8-4"], "expected a workload among 'online 20-8-3', 'many 20-8-3'"),
        (["--peers", "nunpy"], "expected a peer among 'article', 'c', 'c-blocked'"),
        (["--rounds", "0"], "expected rounds above 0, got 0"),
        (["--seconds", "nan"], "expected seconds above 0, got nan"),
        (["--json", "/nowhere/speed.json"], "expected a path that can be written"),
        (["--write-page", "--quick"], "expected --write-page for a whole run"),
        (["--write-page", "--avx2"], "expected --write-page for a whole run"),
    ],
)
def test_bad_input_is_said_before_anything_runs(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_markdown_has_every_row():
    timed = [Timed(Peer(name, made_up.untouched, 1), [10.0], [10.0], 0.0, 0.0, 1.0) for name in ("ours", "c", "fann")]
    found = workloads.Study(
        workloads.Options(rounds=1), rows=rounds.rows("online", timed), absent={"online": {"numba": "not here"}}
    )
    text = report.markdown(found)
    assert "**online: ours 10.0 ns" in text
    assert text.count("| 10.0 ns |") == 2
    assert "- online: numba: not here" in text


# --- the repository's script, with the peers in C ---


def test_a_page_keeps_what_is_around_the_table(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{BEGIN}\nold\n{END}\nb\n")
    assert between(page, BEGIN, END, "new\n") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb\n"
    for text in ("", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}"):
        page.write_text(text)
        with pytest.raises(InputError):
            between(page, BEGIN, END, "new")


def test_the_peers_in_c_compute_what_they_say(references):
    from benchmarks.speed.peers.compiled import PEERS

    for name, those in PEERS.items():
        task = tasks.recogniser(33 if name == workloads.MANY else 1, 40)  # 33: one more than a block has lanes
        for peer in those:
            if peer.missing():
                continue
            with worker.Worker(peer.prepare) as process:
                apart, allowed, _ = references.check(peer, process, replace(task, **peer.changes), 40)
            assert 0 < apart <= allowed, peer.name


def test_c_that_does_not_compile_is_told(monkeypatch):
    from benchmarks.speed.peers import compiled

    if compiled.needs_gcc():
        pytest.skip("no compiler")
    with pytest.raises(worker.PeerError, match=r"gcc online\.c"):
        compiled.library("online.c", (3, 2, 1))  # an odd number of inputs, which that program refuses


def test_avx2_holds_both_sides_to_it(monkeypatch):
    """Through the environment, which the peers' processes have."""
    from benchmarks.speed.peers import compiled

    for name in ("XLA_FLAGS", "CFLAGS"):
        monkeypatch.setenv(name, "")
    seen = {}

    def stops(*given):
        seen.update(command.os.environ)
        raise InputError("enough")

    monkeypatch.setattr(command.workloads, "run", stops)
    assert main(["--avx2"]) == 2
    assert (seen["XLA_FLAGS"], seen["CFLAGS"]) == ("--xla_cpu_max_isa=AVX2", "-mno-avx512f")
    assert worker.without_options(seen["XLA_FLAGS"]) == seen["XLA_FLAGS"]
    if not compiled.needs_gcc():
        monkeypatch.setenv("CFLAGS", "-include nowhere.h")
        with pytest.raises(worker.PeerError, match=r"nowhere\.h"):
            compiled.library("online.c", (2, 2, 1))


def test_the_chain_of_an_update(capsys, monkeypatch):
    """Its links counted by hand: of 2-2-1, two sums of 3 terms, (8), one product and f' below, the rate and the step."""
    assert chain.links((2, 2, 1)) == 2 * (1 + 2) + 3 + (1 + 1) + 2
    assert chain.links((4, 1)) == (1 + 3) + 3 + 2
    monkeypatch.setattr(chain, "TIMES", 10)
    assert chain.main(["--sizes", "2-2-1", "--epochs", "2"]) == 0
    assert "2-2-1: 13 · " in capsys.readouterr().out
    assert chain.main(["--sizes", "2"]) == 2
    assert "expected sizes such as 20-8-3, got '2'" in capsys.readouterr().err
    assert chain.main(["--sizes", "2-2-1", "--epochs", "1"]) == 2


def test_without_a_compiler_the_peers_in_c_say_so(monkeypatch):
    from benchmarks.speed.peers import compiled

    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    lines = [peer.missing() for those in compiled.PEERS.values() for peer in those]
    assert all("apt-get install gcc" in line for line in lines)


# --- the scaling figure ---


def test_scaling_draws_from_its_file_and_stops_where_it_should(tmp_path, monkeypatch):
    from benchmarks import scaling

    make = {name: make for name, (make, _) in scaling.CURVES.items()}
    assert [make["networks"](4).networks, len(make["patterns"](7).x), make["epochs"](9).epochs] == [4, 7, 9]
    assert [W.shape for W in make["hidden nodes"](5).weights] == [(1, 21, 5), (1, 6, 3)]
    for name in ("networks", "epochs"):  # where a curve ends is the same whoever trains
        monkeypatch.setitem(scaling.CURVES, name, (make[name], made_up.untouched))
    gib_of_four_networks = 4 * (4 * 195 + 23 * 500) / 2**30
    options = scaling.Options(seconds=100.0, memory=gib_of_four_networks)
    assert [point["n"] for point in scaling.curve("networks", options)] == [1, 4]
    assert [point["n"] for point in scaling.curve("epochs", scaling.Options(seconds=0.0))] == [1]
    point = {"n": 1, "seconds": 0.1, "ns": 2.0}
    file = tmp_path / "scaling.json"
    file.write_text(json.dumps({name: [point, point | {"n": 4}] for name in scaling.CURVES}))
    scaling.main(scaling.Options(plot=file))
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


# --- what is committed changes on purpose only ---


@pytest.mark.parametrize(("flags", "written"), [([], set()), (["--write-page"], {"speed.json", "speed.md"})])
def test_only_write_page_changes_committed_files(flags, written, tmp_path, monkeypatch):
    """A whole run whose measuring is replaced by an empty study."""
    results, page = tmp_path / "speed.json", tmp_path / "speed.md"
    results.write_text("old")
    page.write_text(f"{BEGIN}\nold\n{END}{grid_page.BEGIN}{grid_page.END}")
    monkeypatch.setattr(command, "RESULTS", results)
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(workloads, "run", lambda options, progress, more: workloads.Study(options))
    assert main([*flags, "--json", str(tmp_path / "rows.json")]) == 0
    assert json.loads((tmp_path / "rows.json").read_text())["rows"] == []
    assert {file.name for file in (results, page) if "old" not in file.read_text()} == written


def test_scaling_writes_nothing_unless_told(tmp_path, monkeypatch, capsys):
    from benchmarks import scaling

    found = {
        name: [{"n": 1, "seconds": 0.1, "ns": 2.0}, {"n": 4, "seconds": 0.4, "ns": 2.0}] for name in scaling.CURVES
    }
    monkeypatch.setattr(scaling, "compute", lambda options: found)
    monkeypatch.setattr(scaling, "FILE", tmp_path / "committed.json")
    scaling.main(scaling.Options())
    assert list(tmp_path.iterdir()) == []
    assert "4 networks" in capsys.readouterr().out
    scaling.main(scaling.Options(write_page=True))
    assert {file.name for file in tmp_path.iterdir()} == {"committed.json", "committed.png"}
