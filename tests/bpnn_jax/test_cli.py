"""The command line as a user has it: what it prints, writes and returns, and how it says no.

Most tests call ``bpnn_jax.cli.main`` in this process; anything but a return or tyro's SystemExit fails the test, so every
one of them is also a test that there is no traceback.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

from bpnn_jax import Network, load_network, patterns, save_network
from bpnn_jax.cli import COMMANDS, Verify, main, parse

REPOSITORY = Path(__file__).resolve().parents[2]
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"
# As --help has them.
RULES = ["previous-gradient", "heavy-ball", "nesterov", "sgd", "adam", "adamw", "nadam", "adagrad", "adadelta"]
RULES += ["rmsprop", "lion", "rprop"]
OURS = ("demo", "verify", "reproduce", "train", "predict", "featurize")
SHORT = ("--epochs", "3")


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
        before = contents(here)
        ran = bpnn(*arguments)
        assert ran.code == 2
        assert ran.out == ""
        assert ran.err.startswith(f"bpnn {arguments[0]}: ")
        assert ran.err.count("\n") == 1
        assert contents(here) == before
        for word in words:
            assert word in ran.err
        return ran.err

    return run


def contents(folder: Path) -> dict:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def python(*arguments, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False, **options
    )


# --- help ---


def test_help_of_every_command_needs_no_jax(tmp_path):
    script = """
import contextlib, io, sys
from bpnn_jax.cli import COMMANDS, Verify, main, parse
for arguments in ([], *([name] for name in COMMANDS)):
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            main([*arguments, "--help"])
    except SystemExit as end:
        print(*arguments, end.code, "usage: bpnn" in text.getvalue())
print(sorted({name.partition(".")[0] for name in sys.modules} & {"jax", "jaxlib", "optax", "numpy", "sympy", "safetensors"}))
"""
    ran = python("-c", script, cwd=tmp_path)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["0 True", *(f"{name} 0 True" for name in COMMANDS), "[]"]


@pytest.mark.parametrize("name", OURS)
def test_help_names_and_explains_every_option(bpnn, name):
    ran = bpnn(name, "--help")
    assert ran.code == 0
    assert ran.err == ""
    text = re.sub(r"[\s│]+", " ", ran.out)
    for option, field in COMMANDS[name].__dataclass_fields__.items():
        positional = "Positional" in str(field.type)
        assert positional or f"--{option.replace('_', '-')}" in text
    assert " ".join(COMMANDS[name].__doc__.split()) in text
    assert "--json FILE" in text


def test_version(bpnn):
    assert re.fullmatch(r"bpnn-jax \d+\.\d+\.\d+\n", bpnn("--version").out)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "train"),
        (["trian", "nand"], "Available subcommands"),
        (["train"], "nand, xor"),
        (["train", "nand", "--epochs", "many"], "--epochs"),
        (["train", "nand", "--epochs", "1e3"], "--epochs"),
        (["train", "nand", "--activation", "relu"], "'lecun_tanh'"),
        (["train", "nand", "--mode", "onlin"], "'minibatch'"),
        (["train", "nand", "--dtype", "float16"], "'float64'"),
        (["train", "nand", "--learning-rte", "1"], "--learning-rate"),
        (["predict", "model"], "DATA|file or a name"),
        (["verify", "--networks", "abc"], "--networks"),
        (["verify", "--activation", "relu"], "'sigmoid'"),
    ],
)
def test_usage_errors(bpnn, arguments, word):
    ran = bpnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert re.search(word, ran.err)


# --- as processes ---


def test_the_module_and_the_script_are_the_same_program(here):
    script = shutil.which("bpnn", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip(f"no bpnn script beside {sys.executable}: the package is not installed here")
    by_module = python("-m", "bpnn_jax", "train", "nand.txt", "--hidden", 2, *SHORT, "--save", "m", cwd=here)
    assert (by_module.returncode, by_module.stderr.strip()) == (0, "")
    assert "network     2-2-1 sigmoid" in by_module.stdout
    by_script = subprocess.run(
        [script, "predict", "m", "nand.txt"], cwd=here, capture_output=True, text=True, check=False
    )
    assert (by_script.returncode, by_script.stderr) == (0, "")
    assert re.fullmatch(
        r"(Targets: \[[01]\] -- Errors: \(\d\.\d{3} (OK\)   -- SUCCESS!|FAIL\)   -- FAILURE!)\n){4}"
        r"Success rate against test data: \d+\.00%\n",
        by_script.stdout,
    )


def test_a_process_that_is_refused_says_so_in_one_line(here):
    ran = python("-m", "bpnn_jax", "train", "nnad", cwd=here)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "bpnn train: expected a pattern set or a file, got 'nnad': no such file, nearest names: nand"
    ]


def test_a_quiet_success_is_quiet(here, capfd):
    assert main(["train", "nand", *SHORT]) == 0
    assert capfd.readouterr().err == ""


def test_a_reader_that_leaves_early_sees_no_traceback(here):
    save_network("m", *zeros((2, 2, 1)))
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "bpnn_jax", "predict", "m", "nand"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert "Traceback" not in ran.stderr


# --- the article's two commands ---


@pytest.fixture(scope="module")
def article_file():
    folder = Path(os.environ.get("BPNN_ARTICLE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "testdata.200").is_file():
        pytest.skip("the article's testdata.200 is not here; name its folder by BPNN_ARTICLE_DATA")
    return (folder / "testdata.200").resolve()


@pytest.mark.parametrize(
    ("options", "iterations", "error"),
    [((), 778, "0.009997988766"), (("--hidden-bias",), 775, "0.009994874186")],
    ids=["as printed", "hidden bias"],
)
def test_the_article_s_recogniser(article_file, result, bpnn, options, iterations, error):
    got = result("train", article_file, "--article", *options, "--save", "m")
    assert {"iterations", "error", "success_rate", "history", "seconds"} <= set(got)
    assert got["iterations"] == iterations
    assert format(got["error"], ".10g") == error
    assert got["success_rate"] == pytest.approx(65.2, abs=1e-9)
    assert [epoch for epoch, _ in got["history"]] == list(range(iterations + 1))
    assert got["history"][-1][1] == got["error"] < 0.01 <= min(e for _, e in got["history"][:-1])
    told = bpnn("predict", "m", article_file, "--skip", 501, "--limit", 500).out.splitlines()
    assert len(told) == 501
    assert told[-1] == "Success rate against test data: 65.20%"
    one = r"\(\d\.\d{3} (OK|FAIL)\)   "
    assert all(
        re.fullmatch(rf"Targets: \[[01], [01], [01]\] -- Errors: ({one}){{3}}-- (SUCCESS|FAILURE)!", l)
        for l in told[:-1]
    )
    assert sum(l.endswith("SUCCESS!") for l in told) == 326


def test_the_article_s_settings_are_defaults_that_give_way(article_file, result):
    got = result(
        "train", article_file, "--article", "--hidden", 3, "--epochs", 4, "--train-size", 50, "--test-size", 20
    )
    assert got["network"] == "20-3-3 sigmoid, no hidden bias"
    assert got["iterations"] == 3
    assert got["success_rate"] * 20 / 100 == pytest.approx(round(got["success_rate"] * 20 / 100), abs=1e-9)


def test_the_article_with_no_patterns_to_train_on_is_refused(here, refused):
    (here / "many.txt").write_text(NAND * 300)
    refused(["train", "many.txt", "--article", "--train-size", "0", *SHORT], "from 1 up, got 0")


def test_the_article_s_nand_and_its_random_numbers(result):
    got = result("train", "nand", "--article", "--history-every", 50)
    assert [format(error, ".12g") for _, error in got["history"][:3]] == [
        "0.171204877501",
        "0.190866985872",
        "0.126126875154",
    ]
    assert got["success_rate"] == 100


def test_the_article_has_one_hidden_layer(refused):
    refused(["train", "nand", "--article", "--hidden", "3", "3"], "one hidden layer", "2-3-3-1")


def test_a_file_too_short_for_the_article(refused):
    refused(["train", "nand.txt", "--article"], "at most 3 patterns", "got 1000")


# --- train ---


@pytest.mark.parametrize(
    ("data", "network"),
    [
        ("nand", "2-2-1 sigmoid"),
        ("xor", "2-2-1 sigmoid"),
        ("parity-3", "3-3-1 sigmoid"),
        ("encoder-4", "4-2-4 sigmoid"),
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
    assert result("train", "n.csv", *SHORT, "--targets", 2, "--hidden", 4)["network"] == "2-4-2 sigmoid"
    assert result("train", "n.csv", *SHORT, "--hidden", 4)["network"] == "3-4-1 sigmoid"
    refused(["train", "n.csv", "--targets", "0"], "expected 1 or more, got 0")


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


def test_a_rule_that_does_not_exist(refused):
    refused(["train", "nand", "--rule", "nesterof"], "did you mean 'nesterov'", "heavy-ball")


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


def test_the_gradient_that_is_asked_for(bpnn, monkeypatch):
    """Its results are the same by design, so look at what the run is given."""
    from bpnn_jax.commands import train

    seen, real = [], train.train
    monkeypatch.setattr(
        train, "train", lambda *args, **named: seen.append(named["settings"].gradient) or real(*args, **named)
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
        assert ran.err.strip() == said
        assert "between -1 and 1" in bpnn("train", "t.txt", *SHORT, "--activation", "tanh").err
        assert bpnn("train", "t.txt", *SHORT, "--output-activation", "linear", "--learning-rate", 0.01).err == ""


def test_a_run_that_diverges_says_when_and_writes_nothing(here, bpnn):
    before = contents(here)
    ran = bpnn("train", "nand", "--activation", "linear", "--learning-rate", 1e6, "--save", "m", "--json", "j")
    assert (ran.code, ran.out) == (1, "")
    assert re.match(r"bpnn train: the run diverged at epoch \d+: expected a finite error .*, got error \S+;", ran.err)
    assert contents(here) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--hidden 0", ["positive whole numbers", "(2, 0, 1)"]),
        ("--hidden 3 -1", ["positive whole numbers", "-1"]),
        ("--epochs 0", ["epochs", "from 1 up, got 0"]),
        ("--epochs -3", ["epochs", "got -3"]),
        ("--learning-rate nan", ["learning_rate", "got nan"]),
        ("--learning-rate inf", ["learning_rate", "got inf"]),
        ("--learning-rate -0.5", ["learning_rate", "got -0.5"]),
        ("--momentum nan", ["momentum", "got nan"]),
        ("--momentum -1", ["momentum", "got -1"]),
        ("--cutoff nan", ["cutoff", "got nan"]),
        ("--cutoff -1", ["cutoff", "got -1"]),
        ("--tolerance nan", ["tolerance", "got nan"]),
        ("--tolerance -1", ["tolerance", "got -1"]),
        ("--batch-size 0", ["batch_size", "got 0"]),
        ("--history-every 0", ["history_every", "got 0"]),
        ("--ranges nan", ["ranges", "nan"]),
        ("--ranges -1", ["ranges", "-1"]),
        ("--ranges", ["ranges", "()"]),
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
def test_a_bad_line_is_named_by_file_line_and_column(here, refused, content, words):
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
        ("folder", ["folder", "got a directory"]),
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


# --- where results go ---


@pytest.mark.parametrize(
    ("path", "word"),
    [("folder", "a folder"), ("", "a folder"), ("no/such/file", "no folder no/such"), ("nand.txt/x", "no folder")],
)
@pytest.mark.parametrize("option", ["--save", "--json"])
def test_a_place_that_cannot_be_written_is_refused_before_any_work(here, refused, option, path, word):
    (here / "folder").mkdir()
    refused(["train", "nand", "--epochs", "100000000", option, path], "expected a path that can be written", word)


@pytest.mark.parametrize("command", ["verify", "reproduce", "demo", "featurize ."])
def test_every_command_looks_first_where_its_json_goes(refused, command):
    refused([*command.split(), "--json", "no/such/file"], "expected a path that can be written", "no folder no/such")


@pytest.mark.parametrize("other", ["a", "./a", "folder/../a"])
def test_one_path_for_two_results_is_refused(here, refused, other):
    (here / "folder").mkdir()
    refused(["train", "nand", *SHORT, "--save", "a", "--json", other], "expected different files", "more than once")


def test_a_folder_that_is_read_only(here, refused):
    (here / "fixed").mkdir(mode=0o555)
    if os.access(here / "fixed", os.W_OK):
        pytest.skip("this user may write to a read-only folder")
    refused(["train", "nand", *SHORT, "--save", "fixed/m"], "read-only", "fixed")
    refused(["demo", "--folder", "fixed"], "read-only", "fixed")


def test_a_folder_that_may_not_be_entered(here, refused):
    (here / "closed").mkdir(mode=0)
    if os.access(here / "closed", os.X_OK):
        pytest.skip("this user may enter every folder")
    refused(["train", "nand", *SHORT, "--save", "closed/m"], "closed")
    refused(["reproduce", "--data", "closed"], "closed")


def test_a_file_that_is_there_is_replaced_whole(here, result):
    (here / "result.json").write_text("x" * 100_000)
    result("train", "nand", *SHORT)
    assert sorted(p.name for p in here.iterdir()) == ["nand.txt", "result.json"]


def test_a_disk_that_is_full_leaves_the_old_file(here, bpnn, monkeypatch):
    (here / "j").write_text("old")
    write = Path.write_bytes

    def half(self, content):
        write(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    ran = bpnn("train", "nand", *SHORT, "--json", "j")
    assert ran.code == 2
    assert "No space left on device" in ran.err
    monkeypatch.undo()
    assert {p.name: p.read_text() for p in here.iterdir()} == {"nand.txt": NAND, "j": "old"}


def test_a_link_is_written_through(here, bpnn):
    (here / "real.json").write_text("old")
    (here / "link.json").symlink_to("real.json")
    assert bpnn("train", "nand", *SHORT, "--json", "link.json").code == 0
    assert (here / "link.json").is_symlink()
    assert json.loads((here / "real.json").read_text())["iterations"] == 2


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="this system has no /dev/null")
def test_a_device_can_be_written_by_those_who_may_not_write_beside_it(bpnn, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "/dev" and access(path, mode))
    ran = bpnn("train", "nand", *SHORT, "--json", "/dev/null")
    assert ran.code == 0, ran.err


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_a_device_that_is_full(bpnn):
    ran = bpnn("train", "nand", *SHORT, "--json", "/dev/full")
    assert ran.code == 2
    assert "No space left on device" in ran.err


@pytest.mark.parametrize("what", ["long name", "loop of links"])
def test_a_path_that_the_system_refuses(here, refused, what):
    (here / "loop").symlink_to("loop")
    refused(["train", "nand", *SHORT, "--save", "m" * 300 if what == "long name" else "loop"], "expected a path")


@pytest.mark.parametrize(
    "command",
    [
        "train nand.txt --epochs 3 --save nand.txt",
        "train nand.txt --epochs 3 --json nand.txt",
        "predict m nand.txt --json m",
    ],
)
def test_what_is_read_is_not_overwritten(refused, command):
    save_network("m", *zeros((2, 2, 1)))
    refused(command.split(), "nand.txt" if "train" in command else "m")


# --- predict ---


def zeros(sizes, activations="sigmoid"):
    """A network whose weights are all 0."""
    network = Network(sizes, activations)
    return network, tuple(np.zeros(shape, np.float32) for shape in network.shapes)


def test_the_article_s_lines(here, bpnn):
    network = Network((1, 3), "linear")
    save_network("m", network, (np.array([[0.0, 0, 0.7], [0.9996, 0.25, 0]], np.float32),))
    (here / "d.txt").write_text("0 > 1 0 0\n1 > 1 0 0\n")
    assert bpnn("predict", "m", "d.txt") == (
        0,
        "Targets: [1, 0, 0] -- Errors: (0.000 OK)   (0.250 OK)   (0.000 OK)   -- SUCCESS!\n"
        "Targets: [1, 0, 0] -- Errors: (0.000 OK)   (0.250 OK)   (0.700 FAIL)   -- FAILURE!\n"
        "Success rate against test data: 50.00%\n",
        "",
    )


def test_predict_takes_the_patterns_that_are_asked_for(here, result):
    result("train", "nand.txt", "--epochs", 50, "--save", "m")
    outputs = result("predict", "m", "nand.txt")["outputs"]
    assert len({str(o) for o in outputs}) == 4
    for options, wanted in (
        (["--skip", 1, "--limit", 2], outputs[1:3]),
        (["--skip", 3], outputs[3:]),
        (["--limit", 9], outputs),
    ):
        np.testing.assert_allclose(result("predict", "m", "nand.txt", *options)["outputs"], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("m nand --skip 4", ["skip from 0 to 3, got 4"]),
        ("m nand --skip -1", ["got -1"]),
        ("m nand --limit 0", ["limit", "from 1 up, got 0"]),
        ("m parity-3", ["parity-3", "expected 2 inputs and 1 targets for 2-2-1 sigmoid, got 3 and 1"]),
        ("m encoder-2", ["got 2 and 2"]),
        ("m nowhere", ["'nowhere'", "no such file"]),
        ("m nand.txt --targets 2", ["expected 2 targets a pattern, got 1"]),
        ("nowhere nand", ["nowhere: expected a saved network", "does not exist"]),
        ("nand.txt nand", ["nand.txt: expected a whole safetensors file"]),
        ("folder nand", ["folder: expected"]),
        ("cut nand", ["cut: expected a whole safetensors file"]),
    ],
)
def test_what_predict_refuses(here, refused, arguments, words):
    save_network("m", *zeros((2, 2, 1)))
    (here / "cut").write_bytes((here / "m").read_bytes()[:-5])
    (here / "folder").mkdir()
    refused(["predict", *arguments.split(), "--json", "j"], *words)


def test_a_pattern_s_verdict_does_not_depend_on_the_patterns_beside_it(here, result):
    save_network("m", Network((1, 1), "linear"), (np.array([[0.0], [0.3]], np.float32),))
    (here / "d.txt").write_text("0 > 1\n0 > -1\n")
    both = result("predict", "m", "d.txt")["success"]
    assert result("predict", "m", "d.txt", "--limit", 1)["success"] == both[:1]


# --- verify ---

NARROW = ("--sizes", "2-2-1", "--activation", "tanh", "--networks", "2000")


@pytest.fixture(scope="module")
def verified(tmp_path_factory, ladder_report):
    """The command; the ladder itself is climbed once for all tests."""
    from bpnn_jax import verify

    path, asked = tmp_path_factory.mktemp("verify") / "v.json", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "run", lambda options, progress: asked.append(options) or ladder_report)
        code = main(["verify", *NARROW, "--json", str(path)])
    assert asked == [verify.Options(sizes=(2, 2, 1), activations=("tanh",), networks=2000)]
    return code, json.loads(path.read_text())


def test_the_ladder_is_climbed_and_correct(verified):
    code, report = verified
    assert (code, report["verdict"]) == (0, "correct")
    keys = {"rung", "equation", "witness", "networks", "worst", "allowed", "verdict"}
    assert all(keys <= set(check) for check in report["checks"])
    assert {check["rung"] for check in report["checks"]} == {1, 2, 3, 4, 5, 6}
    assert {check["verdict"] for check in report["checks"]} == {"correct"}
    assert sum(check["networks"] for check in report["checks"] if check["rung"] == 4) >= 2000
    equations = " ".join(check["equation"] for check in report["checks"])
    assert all(f"({n})" in equations for n in (5, 6, 7, 8, 9, 10, 12, 13, 16))


def test_at_least_twenty_mistakes_all_caught(verified):
    mistakes = verified[1]["mistakes"]
    assert len({m["name"] for m in mistakes}) >= 20
    assert all({"name", "caught", "equation"} <= set(m) for m in mistakes)
    assert all(m["caught"] is True and re.fullmatch(r"\(\d+\)", m["equation"]) for m in mistakes)


def test_a_derivation_that_is_wrong_ends_in_status_one(here, bpnn, monkeypatch):
    """The rungs' own report, spoiled: the command must pass it on."""
    from bpnn_jax import verify
    from bpnn_jax.verify.checks import Check

    wrong = Check(3, "(9)", "JAX float64", 1, 0.5, 1e-9, "wrong", "[a network]")
    monkeypatch.setattr(verify, "run", lambda options, progress: verify.Report((wrong,), ()))
    ran = bpnn("verify", "--json", "j")
    assert ran.code == 1
    assert "WRONG [a network]" in ran.out
    assert json.loads(Path("j").read_text())["verdict"] == "wrong"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--sizes 0-1", ["positive whole numbers", "(0, 1)"]),
        ("--sizes abc", ["such as 2-2-1, got 'abc'"]),
        ("--sizes 1", ["such as 2-2-1, got '1'"]),
        ("--sizes 2-2-1.5", ["such as 2-2-1"]),
        ("--sizes=-1-2", ["such as 2-2-1"]),
        ("--networks 0", ["networks", "from 1 up, got 0"]),
        ("--networks -5", ["networks", "got -5"]),
        ("--seed -1", ["seed", "got -1"]),
        pytest.param("--seed 99999999999999999999", ["seed"]),
    ],
)
def test_what_verify_refuses(refused, options, words):
    small = ["--activation", "tanh", "--networks", "10", "--sizes", "1-1"] if "--seed" in options else []
    refused(["verify", *small, *options.split(), "--json", "j"], *words)


@pytest.mark.parametrize(
    ("switch", "chosen"),
    [
        ([], None),
        (["--hidden-bias"], True),
        (["--no-hidden-bias"], False),
        pytest.param(["--hidden-bias", "off"], False),
    ],
)
def test_the_switch_for_hidden_bias(bpnn, monkeypatch, switch, chosen):
    from bpnn_jax import verify

    seen = []
    monkeypatch.setattr(verify, "run", lambda options, progress: seen.append(options) or verify.Report((), ()))
    bpnn("verify", *switch, "--sizes", "20-8-3", "--seed", 3, "--activation", "linear")
    assert seen == [verify.Options((20, 8, 3), ("linear",), chosen, 100_000, 3)]


# --- reproduce ---


def test_the_article_s_numbers_without_its_data(bpnn, monkeypatch):
    monkeypatch.delenv("BPNN_ARTICLE_DATA", raising=False)
    ran = bpnn("reproduce", "--json", "j")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads(Path("j").read_text())
    rows = report["rows"]
    assert all({"table", "what", "published", "ours", "match"} <= set(row) for row in rows)
    assert all(row["match"] is True for row in rows)
    assert sum(row["what"].startswith("error") for row in rows) == 21
    assert sum(row["what"].startswith("output") for row in rows) == 4
    assert (rows[-1]["published"], rows[-1]["ours"]) == ("0.00262203286178", "0.00262203286178")
    assert report["article_data"] is False
    told = " ".join(ran.out.split())
    assert "left out: the code recogniser's 65.20%, twice" in told
    assert "github.com/hankcs/neural_net" in told
    assert "BPNN_ARTICLE_DATA" in told


def test_the_article_s_numbers_with_its_data(article_file, result):
    report = result("reproduce", "--data", article_file.parent)
    assert [(r["published"], r["ours"], r["match"]) for r in report["rows"][-2:]] == [("65.20", "65.20", True)] * 2
    assert len(report["rows"]) == 27


@pytest.mark.parametrize("folder", ["nowhere", "nand.txt", "."])
def test_a_folder_without_the_article_s_data(refused, folder):
    refused(["reproduce", "--data", folder, "--json", "j"], f"expected testdata.200 in {folder}", "BPNN_ARTICLE_DATA")


def test_other_data_in_the_article_s_place_does_not_match(here, bpnn):
    line = " ".join(["0.1"] * 20)
    (here / "testdata.200").write_text(f"{line} > 1 0 0\n{line} > 0 1 0\n" * 501)
    ran = bpnn("reproduce", "--data", here, "--json", "j")
    assert ran.code == 1
    assert [row["match"] for row in json.loads(Path("j").read_text())["rows"]] == [True] * 25 + [False] * 2


@pytest.mark.parametrize("lines", ["1 2 > 1\n", NAND * 10])
def test_too_little_data_in_the_article_s_place(here, refused, lines):
    (here / "testdata.200").write_text(lines)
    refused(["reproduce", "--data", here], "testdata.200")


# --- featurize ---


@pytest.fixture
def sources(here):
    for i in range(6):
        (here / "src" / "sub folder").mkdir(parents=True, exist_ok=True)
        (here / f"src/ä {i}.c").write_text(f"int f{i}(int a[]) {{ return a[{i}] + 1; }}\n" * (10 + i))
        (here / f"src/sub folder/b{i}.py").write_text(f"def f{i}(a): return a['{i}'] + 1  # no\n" * (10 + i))
    return ["src", "--chunk", "50", "--symbols", "3"]


def test_featurize_then_train_on_what_it_wrote(sources, result, bpnn):
    made = result("featurize", *sources, "--out", "made.txt")
    assert made["train"]["path"] == "made.train.txt"
    assert set(made["train"]["files"]) == {"C", "Python"}
    assert sum(made["train"]["files"].values()) + sum(made["held_out"]["files"].values()) == 12
    first = contents(Path())
    got = result("train", "made.train.txt", "--test", "made.test.txt", "--epochs", 60, "--hidden", 3, "--save", "m")
    assert got["network"] == "3-3-2 sigmoid"
    assert got["test_success_rate"] == 100
    assert sum(map(sum, got["confusion"])) == sum(made["held_out"]["patterns"].values())
    assert load_network("m").outputs == ("C", "Python")
    bpnn("featurize", *sources, "--out", "made.txt")
    assert contents(Path())["made.train.txt"] == first["made.train.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("empty", ["found none in empty", ".py"]),
        ("nowhere", ["expected a folder", "nowhere"]),
        ("nand.txt", ["expected a folder", "nand.txt"]),
        ("src --chunk 9", ["at least 10 characters", "chunk=9"]),
        ("src --chunk 100000", ["one whole chunk", "none"]),
        ("src --chunk 50 --symbols 0", ["symbols=0"]),
        ("src --chunk 50 --symbols 33", ["symbols=33"]),
        ("src --held-out 0", ["between 0 and 1", "0.0"]),
        ("src --held-out nan", ["between 0 and 1", "nan"]),
        ("src --limit 1", ["limit=1"]),
        ("src --languages .c", ["got '.c'"]),
        ("src --languages .c=C", ["at least 2 languages"]),
        ("src --chunk 50 --symbols 3 --out made.csv", ["made.csv", ".txt"]),
        ("src --chunk 50 --symbols 3 --out empty", ["expected a name"]),
        ("src --chunk 50 --symbols 3 --out no/made.txt", ["no folder no"]),
        pytest.param("src --chunk 50 --symbols 3 --out a.txt --json a.train.txt", ["a.train.txt"]),
    ],
)
def test_what_featurize_refuses(here, sources, refused, arguments, words):
    (here / "empty").mkdir()
    refused(["featurize", *arguments.split()], *words)


# --- demo ---


@pytest.fixture(scope="module")
def demo(tmp_path_factory, ladder_report):
    """All of it but the ladder, which is climbed once for all tests."""
    from bpnn_jax import verify

    folder, out, asked = tmp_path_factory.mktemp("demo"), io.StringIO(), []
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.chdir(folder)
        patch.setattr(verify, "run", lambda options, progress: asked.append(options) or ladder_report)
        code = main(["demo", "--json", "d.json"])
    assert asked == [verify.Options(activations=("sigmoid", "tanh"), networks=20_000)]
    return folder, Ran(code, out.getvalue(), ""), json.loads((folder / "d.json").read_text())


def test_the_demo_shows_all_three(demo):
    folder, ran, report = demo
    assert ran.code == 0
    assert report["verify"]["verdict"] == "correct"
    assert report["reproduce"]["match"] is True
    assert "correct: " in ran.out
    assert "0.171204877501" in ran.out
    assert "saved demo/code.safetensors" in ran.out
    assert report["train"]["success_rate"] > 80
    assert sum(map(sum, report["train"]["confusion"])) == len(patterns.load_held_out("code"))
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["code.safetensors", "d.json"]


def test_the_demo_s_network_predicts_as_it_said(demo, result):
    folder, _, report = demo
    assert (
        result("predict", folder / "demo" / "code.safetensors", "code")["success_rate"]
        == report["train"]["success_rate"]
    )


@pytest.mark.parametrize("folder", ["nand.txt", "nand.txt/x"])
def test_a_folder_that_the_demo_cannot_make(refused, folder):
    refused(["demo", "--folder", folder], "expected a folder that can be made", folder)


def test_verify_without_any_option_is_understood():
    assert parse(["verify"]) == Verify()
    assert parse(["verify", "--no-hidden-bias"]) == Verify(hidden_bias="off")
    assert parse(["verify", "--hidden-bias", "--seed", "3"]) == Verify(hidden_bias="on", seed=3)


def test_audit_says_what_it_cannot_use(here, refused, monkeypatch):
    (here / "mine.py").write_text(
        "import jax\n@jax.custom_vjp\ndef f(x, y):\n    return x * y\n"
        "f.defvjp(lambda x, y: (x * y, (x, y)), lambda r, g: (g * r[1], g * r[0]))\n"
        "def plain(x):\n    return x\n"
    )
    monkeypatch.syspath_prepend(str(here))
    refused(["audit", "mine:plain", "--args", "float32[3]"], "custom_vjp or custom_jvp", "mine:plain")
    refused(["audit", "mine:f", "--args", "float32[8,4]", "float32[5]"], "arguments that mine:f takes")
    refused(["audit", "mine:f"], "--args")
    refused(["audit", "mine:g"], "'g'")
    refused(["audit", "nowhere:f"], "'nowhere'")
    assert main(["audit", "mine:f", "--args", "float32[3]", "float32[3]", "--json", "j"]) == 0
    assert json.loads((here / "j").read_text())["verdict"] == "correct"
