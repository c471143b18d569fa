"""Where attacks are carried out: a copy of the ground for each, the child, the verdict, and the commands that come after it."""

import json
import os
import shutil
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from benchmarks.attacks import child, judge
from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground
from benchmarks.attacks.judge import BROKEN, HELD, Verdict


class Range:
    """Where attacks are carried out: the ground, a copy of it for each attack, and the answers of commands on clean ground."""

    def __init__(self, at: Path, ground: Ground):
        self.at = at
        self.ground = ground
        self._usual: dict[tuple, object] = {}
        self._number = 0

    def carry_out(self, attack: Attack) -> tuple[Verdict, float]:
        began = time.monotonic()
        folder = self._copy()
        try:
            attack.prepare(folder)
            before = judge.snapshot(folder)
            outcome = child.run(
                attack.work, folder, inside=attack.inside, outside=attack.outside, seconds=attack.seconds
            )
            after, got, usual = judge.snapshot(folder), None, None
            if attack.answer and isinstance(attack.work, tuple):
                got, usual = judge.answer(folder / attack.answer), self.usual(attack.work, attack.answer)
            verdict = judge.judge(attack, outcome, before, after, got, usual)
            for command in attack.then if verdict.verdict == HELD else ():
                verdict = self._then(command, folder, verdict)
            return verdict, time.monotonic() - began
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def usual(self, command: tuple[str, ...], answer: str) -> object:
        if command not in self._usual:
            folder = self._copy()
            child.run(command, folder)
            self._usual[command] = judge.answer(folder / answer)
            shutil.rmtree(folder, ignore_errors=True)
        return self._usual[command]

    def _then(self, command: tuple[str, ...], folder: Path, verdict: Verdict) -> Verdict:
        if command[0] in CHECKS:
            wrong = CHECKS[command[0]](folder, *command[1:])
            return Verdict(BROKEN, wrong) if wrong else verdict
        outcome = child.run(command, folder, seconds=120)
        if outcome.status or "Traceback" in outcome.text:
            said = outcome.text.strip().splitlines()[-1:] or ["nothing said"]
            return Verdict(BROKEN, f"afterwards {' '.join(command)[-60:]}: status {outcome.status}, {said[0][:160]}")
        left = [name for name in judge.snapshot(folder) if Path(name).name.count(".") > 4]
        return Verdict(BROKEN, f"still left behind: {left[0]}") if left else verdict

    def _copy(self) -> Path:
        self._number += 1
        folder = self.at / f"attacks-{os.getpid()}-{self._number}"
        self.ground.copy(folder)
        return folder


def _is_whole(folder: Path, study: str, sha256: str) -> str:
    """Whether a study has come out as one that was never attacked."""
    status = child.run(("ablate", "--status", study, "--json", "whole.json"), folder)
    try:
        got = json.loads((folder / "whole.json").read_bytes())["results_sha256"]
    except (OSError, ValueError):
        got = f"status {status.status}: {status.text.strip()[-160:]}"
    return "" if got == sha256 else f"afterwards other results: {got}"


def _check_xml(folder: Path, name: str) -> str:
    try:
        ElementTree.parse(folder / name)
    except (OSError, ElementTree.ParseError) as error:
        return f"{name} is no XML: {error}"
    return ""


def _check_json(folder: Path, name: str) -> str:
    try:
        json.loads((folder / name).read_bytes())
    except (OSError, ValueError) as error:
        return f"{name} is no JSON: {error}"
    return ""


CHECKS = {"is-whole": _is_whole, "check-xml": _check_xml, "check-json": _check_json}
