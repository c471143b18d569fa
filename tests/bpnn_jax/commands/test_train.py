"""``bpnn train``: what it prints, writes and returns, and how it says no."""

import json
import os
import re
import subprocess
import sys
import warnings

import jax
import numpy as np
import pytest

from bpnn_jax import Network, load_network, patterns, save_network, training
from bpnn_jax.cli import main

pytestmark = pytest.mark.quick_xla
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"
# As --help has them.
RULES = ["previous-gradient", "heavy-ball", "nesterov", "sgd", "adam", "adamw", "nadam", "adagrad", "adadelta"]
RULES += ["rmsprop", "lion", "rprop"]
SHORT = ("--epochs", "3")


@pytest.mark.parametrize(
    ("data", "network"),
    [
        ("nand", "2-2-1 sigmoid"),
        ("xor", "2-2-1 sigmoid"),
        pytest.param("parity-3", "3-3-1 sigmoid", marks=pytest.mark.deep),  # as many hidden nodes as inputs, as xor
        pytest.param("encoder-4", "4-2-4 sigmoid", marks=pytest.mark.deep),  # the tests of predict below train it
        ("encoder-5-2-5", "5-2-5 sigmoid"),
        ("two-spirals", "2-5-5-5-1 sigmoid"),
    ],
)
def test_named_sets(result, data, network):
    got = result("train", data, *SHORT, "--learning-rate", 0.1)
    assert got["network"] == network
    assert (got["iterations"], got["stopped"]) == (2, "epochs")
    assert [epoch for epoch, _ in got["history"]] == [0, 1, 2]
    assert got["history"][2][1] == got["error"]
    assert len({error for _, error in got["history"]}) == 3
    assert got["seconds"] > 0


def test_one_set_of_patterns_in_every_format_trains_alike(here, result):
    nand = patterns.load("nand")
    (here / "n.csv").write_text(
        "a,b,target\n" + "".join(f"{a:g},{b:g},{t:g}\n" for (a, b), (t,) in zip(nand.x, nand.t, strict=True))
    )
    np.savez(here / "n.npz", x=nand.x, t=nand.t)
    (here / "ein größerer Name.txt").write_bytes(b"\xef\xbb\xbf\n" + NAND.rstrip().replace("\n", "\r\r\n").encode())
    histories = [
        result("train", data, "--hidden", 2, "--epochs", 20)["history"]
        for data in ("nand", "nand.txt", "n.csv", "n.npz", "ein größerer Name.txt")
    ]
    assert histories[0][0][1] > histories[0][19][1]
    assert all(history == histories[0] for history in histories)


def test_target_columns_of_a_csv_without_a_header(here, result, refused):
    (here / "n.csv").write_text("0,0,1,0\n1,1,0,1\n")
    quick = (*SHORT, "--hidden", 4, "--rule", "sgd", "--learning-rate", 0.1, "--mode", "batch")
    two = result("train", "n.csv", *quick, "--targets", 2)
    assert (two["network"], two["task"]["targets"]) == ("2-4-2 tanh/softmax", ["column 3", "column 4"])
    assert result("train", "n.csv", *quick)["task"]["targets"] == ["column 4"]
    refused(["train", "n.csv", "--targets", "0"], "expected 1 or more", "got 0")


def test_target_columns_that_a_named_set_has_not(refused):
    refused(["train", "nand", "--targets", "7", *SHORT], "7")


def test_several_hidden_layers_activations_and_biases(result):
    options = [
        "--hidden",
        4,
        3,
        "--activation",
        "tanh",
        "--output-activation",
        "sigmoid",
        "--no-hidden-bias",
        "--no-input-bias",
    ]
    assert result("train", "xor", *SHORT, *options, "--save", "m")["network"] == "2-4-3-1 tanh/tanh/sigmoid, no bias"
    assert load_network("m").network == Network((2, 4, 3, 1), ("tanh", "tanh", "sigmoid"), False, False)


def test_skip_connections(result):
    assert result("train", "xor", *SHORT, "--hidden", 1, "--skip", "--save", "m")["network"] == (
        "2-1-1 sigmoid, skip connections"
    )
    assert load_network("m").network == Network((2, 1, 1), skip=True)


@pytest.fixture(scope="module")
def errors_of_rules(tmp_path_factory):
    path = tmp_path_factory.mktemp("rules") / "r.json"
    found = {}
    for rule in RULES:
        with jax.numpy_dtype_promotion("standard"):
            options = ["--mode", "batch", "--learning-rate", "0.02", "--momentum", "0.02", "--epochs", "12"]
            assert main(["train", "xor", "--activation", "tanh", "--rule", rule, *options, "--json", str(path)]) == 0
        found[rule] = [error for _, error in json.loads(path.read_text())["history"]]
    return found


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_learns_in_its_own_way(errors_of_rules, rule):
    errors = errors_of_rules[rule]
    assert len(set(errors)) > 6
    assert errors[-1] < errors[0]
    others = [e for name, e in errors_of_rules.items() if name != rule]
    assert errors not in others


def test_modes_agree_where_they_must(result):
    def history(*options):
        return np.array(result("train", "xor", "--epochs", 8, "--dtype", "float64", *options)["history"])[:, 1]

    online, batch = history("--mode", "online"), history("--mode", "batch")
    np.testing.assert_allclose(history("--mode", "minibatch", "--batch-size", 1), online, rtol=1e-12)
    np.testing.assert_allclose(history("--mode", "minibatch", "--batch-size", 99), batch, rtol=1e-12)
    np.testing.assert_allclose(history("--gradient", "autodiff"), online, rtol=1e-12)
    others = [
        online,
        batch,
        history("--mode", "minibatch", "--batch-size", 3),
        history("--order", "article"),
        history("--shuffle"),
    ]
    assert len({tuple(h.round(9)) for h in others}) == len(others)


def test_a_mean_is_a_sum_at_smaller_rates_where_the_batches_are_alike(result):
    def history(*options):
        return result("train", "xor", "--epochs", 8, "--mode", "batch", "--dtype", "float64", *options)["history"]

    mean = history("--reduction", "mean", "--learning-rate", 2, "--momentum", 0.4)
    np.testing.assert_allclose(mean, history("--learning-rate", 0.5, "--momentum", 0.1), rtol=1e-12)  # roundings
    assert mean != history("--learning-rate", 2, "--momentum", 0.4)


def test_the_gradient_that_is_asked_for(bpnn, monkeypatch):
    """Its results are the same by design, so look at what the run is given."""
    seen, real = [], training.train
    monkeypatch.setattr(
        training, "train", lambda *args, **named: seen.append(named["settings"].gradient) or real(*args, **named)
    )
    for options in ([], ["--gradient", "autodiff"]):
        assert bpnn("train", "nand", *SHORT, *options).code == 0
    assert seen == ["manual", "autodiff"]


def test_dtype_seed_and_initial_weights_move_the_run(result):
    first = [
        result("train", "xor", *SHORT, *options)["history"]
        for options in (
            (),
            ("--seed", 1),
            ("--initial", "glorot"),
            ("--initial", "lecun"),
            ("--ranges", 1),
            ("--dtype", "float64"),
        )
    ]
    assert len({str(h) for h in first}) == len(first)
    assert result("train", "xor", *SHORT)["history"] == first[0]
    np.testing.assert_allclose(first[5], first[0], rtol=1e-5)


def test_the_cutoff_stops_after_the_first_epoch_below_it(result):
    free = result("train", "nand", "--epochs", 60)
    errors = [error for _, error in free["history"]]
    cutoff = (errors[29] + errors[30]) / 2
    assert errors[29] > cutoff > errors[30] == max(errors[30:])
    got = result("train", "nand", "--epochs", 60, "--cutoff", cutoff)
    assert (got["iterations"], got["stopped"]) == (30, "cutoff")
    assert got["history"] == free["history"][:31]


def test_the_tolerance_stops_when_every_output_is_within_it(result):
    options = ("--activation", "tanh", "--hidden", 3, "--learning-rate", 0.2)
    got = result("train", "xor", *options, "--tolerance", 0.1, "--save", "m")
    assert got["stopped"] == "solved"
    assert got["iterations"] < 999
    targets = patterns.load("xor").t

    def miss():
        return abs(np.array(result("predict", "m", "xor")["outputs"]) - targets).max()

    assert miss() <= 0.1
    result("train", "xor", *options, "--epochs", got["iterations"], "--save", "m")  # one epoch fewer
    assert miss() > 0.1


def test_history_of_every_so_many_epochs(result):
    full = result("train", "nand", "--epochs", 10)["history"]
    assert result("train", "nand", "--epochs", 10, "--history-every", 4)["history"] == full[::4]


def test_train_and_test_sizes_cut_the_file_in_order(here, result):
    (here / "seven.txt").write_text(NAND + "0 0 > 0\n0 1 > 0\n1 1 > 1\n")
    got = result(
        "train", "seven.txt", "--epochs", 300, "--hidden", 4, "--train-size", 4, "--test-size", 2, "--save", "m"
    )
    assert got["train_success_rate"] == 100
    assert got["success_rate"] == got["test_success_rate"] == 0  # both test patterns contradict what was learnt
    assert got["history"] == result("train", "nand.txt", "--epochs", 300, "--hidden", 4)["history"]
    assert result("predict", "m", "seven.txt", "--skip", 4, "--limit", 2)["success_rate"] == 0
    assert result("train", "seven.txt", *SHORT, "--test-size", 3)["train_success_rate"] in (0, 25, 50, 75, 100)


def test_other_patterns_to_test_on(result):
    got = result("train", "nand", "--test", "and", "--epochs", 600)
    assert (got["train_success_rate"], got["success_rate"]) == (100, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_predicts_as_it_did(result, bpnn, dtype):
    trained = result("train", "encoder-4", "--epochs", 150, "--dtype", dtype, "--save", "m")
    assert all(W.dtype == dtype for W in load_network("m").weights)
    told = result("predict", "m", "encoder-4")
    assert told["success_rate"] == trained["success_rate"]
    assert (told["patterns"], len(told["outputs"]), len(told["outputs"][0])) == (4, 4, 4)
    lines = bpnn("predict", "m", "encoder-4").out.splitlines()
    assert [line.endswith("SUCCESS!") for line in lines[:-1]] == told["success"]
    assert lines[-1] == f"Success rate against test data: {trained['success_rate']:.2f}%"


def test_the_confusion_table_of_one_hot_targets(result, bpnn):
    got = result("train", "encoder-4", "--epochs", 400)
    assert np.array(got["confusion"]).sum(axis=1).tolist() == [1, 1, 1, 1]
    assert got["largest_output_rate"] == 25.0 * np.trace(got["confusion"])
    assert result("train", "nand", *SHORT)["confusion"] is None


@pytest.mark.parametrize("names", ["C Python", pytest.param("[/x] [red]")])
def test_names_of_outputs_head_the_confusion_table(here, bpnn, names):
    (here / "n.txt").write_text(f"# outputs: {names}\n0 1 > 1 0\n1 0 > 0 1\n")
    ran = bpnn("train", "n.txt", *SHORT, "--save", "m")
    assert all(name in ran.out for name in names.split())
    assert load_network("m").outputs == tuple(names.split())


def test_unreachable_targets_are_warned_about(here, bpnn):
    (here / "t.txt").write_text("0 1 > 5\n1 0 > -3\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        ran = bpnn("train", "t.txt", *SHORT)
        assert ran.code == 0
        said = "warning: targets from -3 to 5, but a sigmoid output stays between 0 and 1: the error cannot reach 0"
        assert ran.err.strip().splitlines()[0] == said
        assert "between -1 and 1" in bpnn("train", "t.txt", *SHORT, "--activation", "tanh").err
        linear = ("--output-activation", "linear", "--learning-rate", 0.01, "--momentum", 0)
        assert bpnn("train", "t.txt", *SHORT, *linear).err == ""


def test_a_run_that_diverges_says_when_and_writes_nothing(here, bpnn, contents):
    before = contents(here)
    ran = bpnn("train", "nand", "--activation", "linear", "--learning-rate", 1e6, "--save", "m", "--json", "j")
    assert (ran.code, ran.out) == (1, "")
    assert re.match(r"bpnn train: the run diverged at epoch \d+: expected a finite error .*, got error \S+;", ran.err)
    assert contents(here) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--hidden 0", ["hidden as a whole number from 1 up", "got 0"]),
        ("--hidden 3 -1", ["hidden as a whole number from 1 up", "got -1"]),
        ("--epochs 0", ["epochs", "from 1 up, got 0"]),
        ("--epochs -3", ["epochs", "got -3"]),
        ("--learning-rate nan", ["learning-rate", "got nan"]),
        ("--learning-rate inf", ["learning-rate", "got inf"]),
        ("--learning-rate -0.5", ["learning-rate", "got -0.5"]),
        ("--momentum nan", ["momentum", "got nan"]),
        ("--momentum -1", ["momentum", "got -1"]),
        ("--cutoff nan", ["cutoff", "got nan"]),
        ("--cutoff -1", ["cutoff", "got -1"]),
        ("--tolerance nan", ["tolerance", "got nan"]),
        ("--tolerance -1", ["tolerance", "got -1"]),
        ("--batch-size 0", ["batch-size", "got 0"]),
        ("--batch-size 4", ["only with mode minibatch", "got batch-size 4 with mode online"]),
        ("--batch-size 4 --mode batch", ["only with mode minibatch", "got batch-size 4 with mode batch"]),
        ("--objective cross-entropy --activation tanh", ["output-activation sigmoid or softmax", "got tanh"]),
        ("--output-activation softmax", ["two outputs or more", "got one"]),
        ("--weight-decay 0.1 --rule adamw", ["no weight-decay with adamw", "got 0.1"]),
        ("--history-every 0", ["history_every", "got 0"]),
        ("--ranges nan", ["ranges", "nan"]),
        ("--ranges -1", ["ranges", "-1"]),
        ("--ranges", ["ranges", "got none"]),
        ("--train-size 0", ["train-size", "got 0"]),
        ("--train-size -1", ["train-size", "got -1"]),
        ("--train-size 5", ["at most 4 patterns", "got 5"]),
        ("--train-size 3 --test-size 2", ["at most 4 patterns", "got 5"]),
        ("--test-size 4", ["at most 4 patterns", "got 4"]),
        ("--test-size 0", ["test-size", "got 0"]),
        ("--test xor --test-size 1", ["either test or test-size"]),
        ("--test parity-3", ["expected 2 inputs and 1 targets", "got 3 inputs"]),
        ("--test nowhere", ["'nowhere'", "no such file"]),
        ("--order article --gradient autodiff", ["'manual'", "'autodiff'"]),
    ],
)
def test_settings_that_cannot_be(refused, options, words):
    refused(["train", "nand.txt", *options.split(), "--save", "m", "--json", "j"], *words)


@pytest.mark.parametrize(
    "options",
    [
        "--seed 99999999999999999999",
        "--epochs 99999999999999",
        "--epochs 2147483648 --history-every 2147483648",
        "--epochs 3 --history-every 99999999999",
    ],
)
def test_numbers_too_large_are_refused(refused, options):
    refused(["train", "nand", *options.split()], options.split()[-1])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", [":1:1", "at least one pattern"]),
        ("\n\n", [":1:1", "at least one pattern"]),
        ("0 0 > 1\n0 1 1\n", [":2:6", "expected '>'"]),
        ("0 0 > 1\n0 x > 1\n", [":2:3", "got 'x'"]),
        ("0 0 > 1\n0 nan > 1\n", [":2:3", "nan"]),
        ("0 0 > 1\n0 1e999 > 1\n", [":2:3", "finite", "1e999"]),
        ("0 0 > 1\n0 0 0 > 1\n", [":2:5", "expected 2 inputs as in line 1, got 3"]),
        ("0 0 > 1\n0 > 1\n", [":2:3", "expected 2 inputs as in line 1, got 1"]),
        ("0 0 > 1\n0 0 > 1 0\n", [":2:9", "expected 1 targets", "got 2"]),
        ("__import__('os').mkdir('pwned') > 1\n", [":1:1", "expected a number"]),
        (b"0 0 > 1\n\xff\xfe > 1\n", [":2:1", "UTF-8", "0xff"]),
    ],
)
def test_a_bad_line_is_named_by_file_line_and_column(here, refused, content, words, zeros):
    (here / "bad.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(["train", "bad.txt", "--save", "m", "--json", "j"], f"bad.txt{words[0]}: ", *words[1:])
    save_network("m", *zeros((2, 2, 1)))
    refused(["predict", "m", "bad.txt", "--json", "j"], f"bad.txt{words[0]}: ")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("nandd", ["'nandd'", "nearest names: nand"]),
        ("nowhere.txt", ["'nowhere.txt'", "no such file", "parity-N"]),
        ("", ["''", "no such file"]),
        ("folder", ["folder", "got a folder"]),
        ("empty.npz", ["empty.npz", "npz"]),
        ("empty.csv", ["empty.csv:1:1", "at least one pattern"]),
        ("parity-1", ["from 2 to 16, got 1"]),
        ("parity-999999", ["from 2 to 16, got 999999"]),
        ("encoder-0-2-0", ["got 0"]),
    ],
)
def test_data_that_cannot_be_had(here, refused, data, words):
    (here / "folder").mkdir()
    (here / "empty.npz").touch()
    (here / "empty.csv").touch()
    refused(["train", data], *words)


def test_a_number_too_large_for_float32(here, bpnn, result):
    (here / "big.txt").write_text("0 1e300 > 1\n1 0 > 0\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ran = bpnn("train", "big.txt", *SHORT)
    assert ran.code == 2
    assert "expected finite inputs, got inf in pattern 0, column 1" in ran.err
    assert result("train", "big.txt", *SHORT, "--dtype", "float64")["iterations"] == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in the file system")
def test_patterns_through_a_pipe(here, result):
    os.mkfifo(here / "pipe")
    writer = subprocess.Popen([sys.executable, "-c", f"open('pipe', 'w').write({NAND!r})"], cwd=here)
    assert result("train", "pipe", *SHORT)["iterations"] == 2
    assert writer.wait(10) == 0


@pytest.mark.parametrize(
    ("content", "kind", "scores"),
    [
        ("0 0 > 1\n0 1 > 1\n1 1 > 0\n", "boolean", {"accuracy"}),
        (
            "0 0 > 1 0\n0 1 > 1 0\n1 1 > 0 1\n",
            "classification",
            {"accuracy", "majority", "confusion", "recall", "precision"},
        ),
        ("0 0 > 0.1\n0 1 > 0.5\n1 1 > 0.9\n", "regression", {"r2", "rmse", "mae", "rmse_mean", "mae_mean"}),
    ],
)
def test_the_json_of_patterns_has_the_scores_of_their_kind(here, result, content, kind, scores):
    (here / "p.txt").write_text(content)
    found = result("train", "p.txt", "--epochs", 2, "--test", "p.txt")
    assert found["task"]["kind"] == kind
    assert {name: set(part) for name, part in found["scores"].items()} == {"train": scores, "test": scores}
    if kind == "boolean":
        assert 100 * found["scores"]["test"]["accuracy"] == found["success_rate"]
    elif kind == "classification":
        assert 100 * found["scores"]["test"]["accuracy"] == found["largest_output_rate"]
        assert found["scores"]["train"]["majority"] == pytest.approx(2 / 3)
