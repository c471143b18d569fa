"""The command line as a user has it: help, processes, the article's two commands, and where results go.

Most tests call ``bpnn_jax.cli.main`` in this process; anything but a return or tyro's SystemExit fails the test, so every
one of them is also a test that there is no traceback.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bpnn_jax import save_network
from bpnn_jax.choice import Choice
from bpnn_jax.cli import COMMANDS, command, main
from bpnn_jax.commands.practice import Practice
from bpnn_jax.settings import Run

pytestmark = pytest.mark.quick_xla
REPOSITORY = Path(__file__).resolve().parents[3]
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"
SHORT = ("--epochs", "3")


# --- help ---


def test_help_of_every_command_needs_no_jax(tmp_path, python):
    script = """
import contextlib, io, sys
from bpnn_jax.cli import COMMANDS, main
for arguments in ([], *([name] for name in COMMANDS)):
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            main([*arguments, "--help"])
    except SystemExit as end:
        print(*arguments, end.code, "usage: bpnn" in text.getvalue())
heavy = {"jax", "jaxlib", "optax", "numpy", "sympy", "safetensors", "rich", "pyarrow", "scipy"}
print(sorted({name.partition(".")[0] for name in sys.modules} & heavy))
"""
    ran = python("-c", script, cwd=tmp_path)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["0 True", *(f"{name} 0 True" for name in COMMANDS), "[]"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_and_explains_every_option(bpnn, name):
    ran = bpnn(name, "--help")
    assert ran.code == 0
    assert ran.err == ""
    text = re.sub(r"[\s│]+", " ", ran.out)
    _, options = command(name)
    for option, field in _options(options):
        positional = "Positional" in str(field.type)
        assert positional or re.search(rf"--{option.replace('_', '-')}[ ,]", text)
    assert " ".join(options.__doc__.split()) in text
    assert "--json FILE" in text


def _options(options):
    """The fields of a dataclass, and in the place of a run or of what is said of a table its own; ``given`` is no option.

    The run of ``bpnn audit`` is a command line.
    """
    for name, field in options.__dataclass_fields__.items():
        if name in ("table", "practice") or (name == "run" and options.__name__ != "Audit"):
            yield from _options({"run": Run, "table": Choice, "practice": Practice}[name])
        elif name == "start":
            yield "from", field
        elif name != "given":
            yield name, field


def test_an_argument_that_is_refused_is_repeated_without_its_escapes(bpnn):
    ran = bpnn("train", "xor", "--rule", "g\x1b[31mh")
    assert (ran.code, ran.out) == (2, "")
    assert r"g\x1b[31mh" in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["bench"], "make bench, or python -m benchmarks.speed"),
        (["bench", "--quick"], "make bench, or python -m benchmarks.speed"),
        (["reproduce", "--published", "--seeds", "3"], "python -m experiments.published"),
    ],
)
def test_a_command_that_went_names_what_took_its_place(bpnn, arguments, instead):
    ran = bpnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"bpnn {arguments[0]}")
    assert f"it is now {instead}" in ran.err
    assert ran.err.count("\n") == 1


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
        (["train", "nand", "--activation", "swich"], "'lecun_tanh'"),
        (["train", "nand", "--rule", "nesterof"], "'heavy-ball'"),
        (["train", "nand", "--mode", "onlin"], "'minibatch'"),
        (["train", "nand", "--dtype", "float16"], "'float64'"),
        (["train", "nand", "--learning-rte", "1"], "--learning-rate"),
        (["predict", "model"], "DATA|file or a name"),
        (["verify", "--networks", "abc"], "--networks"),
        (["verify", "--activation", "swich"], "'sigmoid'"),
    ],
)
def test_usage_errors(bpnn, arguments, word):
    ran = bpnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert re.search(word, ran.err)


# --- as processes ---


def test_the_module_and_the_script_are_the_same_program(here, python):
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


def test_a_process_that_is_refused_says_so_in_one_line(here, python):
    ran = python("-m", "bpnn_jax", "train", "nnad", cwd=here)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "bpnn train: expected a pattern set or a file, got 'nnad': no such file, nearest names: nand"
    ]


def test_a_quiet_success_is_quiet(here, capfd):
    assert main(["train", "nand", *SHORT]) == 0
    assert capfd.readouterr().err == ""


def test_a_reader_that_leaves_early_sees_no_traceback(here, zeros):
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
    refused(
        ["train", "nand", *SHORT, "--save", "a", "--json", other],
        "expected different files for --save and --json",
        "for both",
    )


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
    result("train", "nand", *SHORT, "--overwrite")
    result("train", "nand", *SHORT)  # over its own it needs no word
    assert sorted(p.name for p in here.iterdir()) == ["nand.txt", "result.json"]


def test_a_disk_that_is_full_leaves_the_old_file(here, bpnn, monkeypatch):
    (here / "j").write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = bpnn("train", "nand", *SHORT, "--json", "j", "--overwrite")
    assert ran.code == 2
    assert "No space left on device" in ran.err
    monkeypatch.undo()
    assert {p.name: p.read_text() for p in here.iterdir()} == {"nand.txt": NAND, "j": "old"}


def test_a_link_is_written_through(here, bpnn):
    (here / "real.json").write_text("old")
    (here / "link.json").symlink_to("real.json")
    assert bpnn("train", "nand", *SHORT, "--json", "link.json", "--overwrite").code == 0
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
def test_what_is_read_is_not_overwritten(refused, command, zeros):
    save_network("m", *zeros((2, 2, 1)))
    refused(command.split(), "nand.txt" if "train" in command else "m")
