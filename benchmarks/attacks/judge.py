"""The rules, written once: what makes an attack held, unclear or broken."""

import fnmatch
import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from benchmarks.attacks.attack import Attack, Outcome

HELD, UNCLEAR, BROKEN = "held", "unclear", "broken"
MEMORY = 500 * 2**20  # bytes, before a refusal
VOLATILE = {"seconds", "compile_seconds", "history_seconds"}  # of an answer: no result
# What is Python's, NumPy's or Arrow's to say to a programmer.
INNARDS = re.compile(
    r"\[Errno|<class '|object has no attribute|object is not|unhashable|ArrowInvalid|NoneType|0x7f[0-9a-f]{6,}|__\w+__"
)
CRASHES = range(-31, 0)


class Verdict(NamedTuple):
    verdict: str
    why: str = ""


def snapshot(folder: Path) -> dict[str, str]:
    """Every regular file below a folder, with the hash of its content."""
    found = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            if path.is_symlink() or not path.is_file():
                continue
            large = path.stat().st_size > 2**26
            found[os.path.relpath(path, folder)] = "large" if large else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def answer(path: Path) -> object:
    """The numbers of a result, without those that are never the same."""
    try:
        return _steady(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def judge(
    attack: Attack, outcome: Outcome, before: dict[str, str], after: dict[str, str], got: object, usual: object
) -> Verdict:
    """The verdict on one attack, from what was there before and after, and what was said."""
    text = outcome.text
    if outcome.late:
        return Verdict(BROKEN, f"hung: more than {attack.seconds:.0f} s")
    if "Traceback (most recent call last)" in text:
        return Verdict(BROKEN, f"traceback: {_last_line(text)}")
    if outcome.status in CRASHES and outcome.status not in attack.status:
        return Verdict(BROKEN, f"ended by signal {-outcome.status}, with {outcome.peak / 2**20:.0f} MB")
    for word in attack.silent:
        if word in text:
            return Verdict(BROKEN, f"what must not be shown is shown: {word!r}")
    if outcome.peak > MEMORY and outcome.status != 0:
        return Verdict(BROKEN, f"{outcome.peak / 2**20:.0f} MB of memory before it was refused")
    lost = _lost(attack, before, after)
    if lost:
        return Verdict(BROKEN, f"written over or lost: {lost}")
    left = _left(attack, before, after)
    if left:
        return Verdict(BROKEN, f"left behind: {left}")
    said = not attack.said or any(word in text for word in attack.said)
    if attack.answer and outcome.status == 0 and got != usual and not (attack.said and said):
        return Verdict(BROKEN, "other numbers, without a word")
    if outcome.status not in attack.status:
        return Verdict(
            BROKEN, f"status {outcome.status}, expected {' or '.join(map(str, attack.status))}: {_last_line(text)}"
        )
    if outcome.status != 0 or (attack.answer and got != usual):
        if not outcome.err.strip() and not said:
            return Verdict(UNCLEAR, f"status {outcome.status} and not a word")
        if not said:
            return Verdict(UNCLEAR, f"the message does not name {attack.said[0]!r}: {_last_line(text)}")
        if INNARDS.search(outcome.err):
            return Verdict(UNCLEAR, f"the message is a programmer's: {_last_line(outcome.err)}")
    return Verdict(HELD)


def _lost(attack: Attack, before: dict[str, str], after: dict[str, str]) -> str:
    """A file that is not what it was; one that is set aside, with its content, is not lost."""
    aside = {
        digest for name, digest in after.items() if "/set-aside/" in name or re.search(r"\.[0-9a-f]{8}\.\w+$", name)
    }
    for name, digest in before.items():
        if after.get(name) != digest and digest not in aside and not _may(attack, name):
            return name
    return ""


def _left(attack: Attack, before: dict[str, str], after: dict[str, str]) -> str:
    for name in after:
        if name in before or _may(attack, name):
            if (
                not attack.leaves
                and name not in before
                and Path(name).name.startswith(".")
                and Path(name).name != ".lock"
            ):
                return name
        elif not (attack.leaves and Path(name).name.startswith(".")):
            return name
    return ""


def _may(attack: Attack, name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in attack.writes)


def _steady(value: object) -> object:
    if isinstance(value, dict):
        return {name: _steady(item) for name, item in value.items() if name not in VOLATILE}
    return [_steady(item) for item in value] if isinstance(value, list) else value


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160].encode("unicode_escape").decode() if lines else "nothing said"
