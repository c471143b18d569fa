"""The attacks' own rules, each seen to fail; and a sample of every kind of attack, held."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.attacks.attack import Attack, Outcome
from benchmarks.attacks.judge import BROKEN, HELD, UNCLEAR, judge
from benchmarks.attacks.plan import apart, spread

pytestmark = pytest.mark.quick_xla

ROOT = Path(__file__).resolve().parents[2]
FILES = {"d.txt": "1", "s/study.json": "2"}
SENTENCE = "bpnn train: d.txt: expected a number, got 'x'\n"


def verdict(attack=None, before=FILES, after=FILES, got=None, usual=None, **outcome):
    attack = {"kind": "k", "name": "n", "work": ("train",), "said": ("d.txt",), **(attack or {})}
    ended = {"status": 2, "out": "", "err": SENTENCE, "seconds": 0.1, "peak": 0, "late": False, **outcome}
    return judge(Attack(**attack), Outcome(**ended), before, after, got, usual).verdict


def test_what_is_held():
    assert verdict() == HELD
    assert verdict({"status": (0,), "writes": ("o/*",)}, status=0, err="", after={**FILES, "o/a": "3"}) == HELD
    assert verdict({"status": (0,)}, status=0, after={"s/set-aside/x": "1", "s/study.json": "2"}) == BROKEN
    assert (
        verdict({"status": (0,), "writes": ("s/*",)}, status=0, after={"s/set-aside/x": "1", "s/study.json": "2"})
        == HELD
    )
    assert verdict({"status": (0,), "answer": "a"}, status=0, err="", got=1, usual=1) == HELD
    assert verdict({"status": (0,), "answer": "a"}, status=0, got=1, usual=2) == HELD  # with a word


@pytest.mark.parametrize(
    "broken",
    [
        {"err": "Traceback (most recent call last):\nTypeError"},
        {"late": True},
        {"status": -11},
        {"status": 1},
        {"status": 0},
        {"peak": 600 * 2**20},
        {"after": {**FILES, "d.txt": "9"}},
        {"after": {"d.txt": "1"}},
        {"after": {**FILES, ".d.txt.12": "9"}},
        {"after": {**FILES, "o": "9"}},
        {"attack": {"status": (0,), "answer": "a"}, "status": 0, "err": "", "got": 1, "usual": 2},
        {"attack": {"silent": ("\x1b[31m",)}, "err": SENTENCE + "\x1b[31m"},
    ],
    ids=str,
)
def test_what_is_broken(broken):
    assert verdict(**broken) == BROKEN


@pytest.mark.parametrize("err", ["", "something is wrong\n", "d.txt: 'NoneType' object is not iterable\n"])
def test_what_is_unclear(err):
    assert verdict(err=err) == UNCLEAR


def test_a_sample_has_every_word_and_is_the_same_each_time():
    attacks = [Attack("k", f"{file} {field} {value}", ()) for file in "ab" for field in "uvwxyz" for value in range(9)]
    words = {word for attack in attacks for word in attack.name.split()}
    sample = spread(attacks, 5)
    assert {word for attack in sample for word in attack.name.split()} == words
    assert len(sample) < 20
    assert spread(attacks, 40) == spread(attacks, 40) != attacks
    assert len(spread(attacks, 40)) == 40
    assert spread(attacks, 1000) == [a for a in attacks if a in spread(attacks, 1000)]


def test_a_small_sample_has_few_words_twice():
    attacks = [
        Attack("k", f"{file} {field} {value}", ()) for file in "abcde" for field in "uvwxy" for value in range(5)
    ]
    sample = apart(attacks, 5)
    assert len({word for attack in sample for word in attack.name.split()}) == 15
    assert sample == apart(attacks, 5)
    assert apart(attacks[:3], 5) == attacks[:3]


@pytest.mark.skipif(not shutil.which("gcc") or sys.platform != "linux", reason="the attacks want Linux and gcc")
def test_a_sample_of_the_attacks_is_held():
    """Some of each kind but the slow ones; ``python -m benchmarks.attacks`` tries all of them."""
    kinds = ["outputs", "edits", "places", "disks", "audits"]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.attacks", "--each", "1", "--only", *kinds],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "LD_PRELOAD"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"all +\S +5 +\S +5 +\S +0 +\S +0", ran.stdout), ran.stdout
