"""Manners of the command line: help by what people want, --quiet, no colours in a pipe, completion, and bpnn doctor."""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from bpnn_jax.cli import COMMANDS, GROUPS, SUBJECTS, command
from bpnn_jax.commands import doctor


def test_help_lists_every_command_under_what_people_want(bpnn):
    ran = bpnn("--help")
    assert (ran.code, ran.err) == (0, "")
    files = {file.stem for file in Path(command("train")[0].__file__).parent.glob("*.py")}
    there = {name for name in files if hasattr(command_or_none(name), "run")}
    assert set(COMMANDS) == there
    blocks = dict(block.split("\n", 1) for block in ran.out.split("\n\n")[2:])
    for title, names in GROUPS.items():
        assert re.findall(r"^  ([a-z]+) ", blocks[title], re.MULTILINE) == list(names)
    for name in COMMANDS:
        assert " ".join(command(name)[1].__doc__.split()) in " ".join(ran.out.split())
    assert max(map(len, ran.out.splitlines())) <= 100
    assert bpnn("-h").out == ran.out


def command_or_none(name):
    try:
        return command(name)[0]
    except AttributeError:  # a file that commands share
        return None


@pytest.mark.parametrize("place", [("--quiet", "train", "xor"), ("train", "xor", "--quiet")])
def test_quiet_says_nothing_and_keeps_the_result(bpnn, here, place):
    ran = bpnn(*place, "--epochs", "3", "--json", "result.json")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert json.loads((here / "result.json").read_text())["bpnn"] == "train"


def test_quiet_still_says_what_is_wrong(bpnn):
    ran = bpnn("train", "xro", "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert "xor" in ran.err


def test_quiet_hides_the_bar_of_a_terminal(bpnn, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    assert bpnn("train", "xor", "--epochs", "3", "--quiet").err == ""
    assert "training" in bpnn("train", "xor", "--epochs", "3").err


@pytest.mark.parametrize(
    "arguments", [("--help",), ("train", "--help"), ("train", "xor", "--epochs", "3"), ("train", "xor", "--rule", "x")]
)
def test_no_colours_where_the_output_is_no_terminal(bpnn, arguments):
    ran = bpnn(*arguments)
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_options(bpnn, shell):
    ran = bpnn("--tyro-print-completion", shell)
    assert not ran.code  # tyro ends the program without saying how
    assert ran.err == ""
    assert all(name in ran.out for name in (*COMMANDS, "--activation"))
    assert "--command." not in ran.out  # the name of tyro's own field


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["ablate", "iris", "--vary", "activation=tanh,relu"],
            "got iris: write --task iris, or see bpnn ablate --help",
        ),
        (["reproduce", "my folder"], "got my folder: write --data 'my folder', or see bpnn reproduce --help"),
        (["doctor", "a\nb"], r"got a\nb: see bpnn doctor --help"),
    ],
)
def test_a_word_where_only_options_go_is_told_which_option_it_is_for(bpnn, arguments, said):
    ran = bpnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"bpnn {arguments[0]}: expected an option first, {said}\n"


def test_every_option_that_a_word_may_be_meant_for_is_there():
    for name, option in SUBJECTS.items():
        assert option.removeprefix("--") in command(name)[1].__dataclass_fields__


def test_completion_for_another_shell_is_refused(bpnn):
    ran = bpnn("--tyro-print-completion", "tcsh")
    assert (ran.code, ran.out, ran.err) == (
        2,
        "",
        "bpnn: expected --tyro-print-completion with bash or zsh, got tcsh\n",
    )


# --- doctor ---


def test_doctor_tells_what_is_installed_and_where_things_are(bpnn, monkeypatch):
    monkeypatch.setenv("BPNN_TRY", "a\nb")
    ran = bpnn("doctor", "--json", "doctor.json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(Path("doctor.json").read_text())
    assert found["bpnn"] == "doctor"
    assert found["packages"]["jax"] == metadata.version("jax")
    assert found["machine"]["Python"].endswith(sys.executable)
    assert found["environment"]["BPNN_TRY"] == "a\nb"
    assert "cpu" in found["JAX"]["devices"]
    for section, rows in found.items():
        if section != "bpnn":
            assert f"{section}\n" in ran.out
            assert all(name in ran.out for name in rows)
    assert r"a\nb" in ran.out


def test_doctor_is_there_for_what_is_broken(monkeypatch):
    monkeypatch.setattr("jax.devices", lambda: (_ for _ in ()).throw(RuntimeError("no driver")))
    monkeypatch.setitem(doctor.EXTRAS, "none", ("no-such-package",))
    monkeypatch.setenv("BPNN_COMPILE_CACHE", "off")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    found = doctor.report()
    assert found["JAX"]["devices"] == "none, RuntimeError: no driver"
    assert found["extras"]["none"] == "no-such-package not installed"
    assert found["compile cache"]["folder"] == "none, BPNN_COMPILE_CACHE is off"
