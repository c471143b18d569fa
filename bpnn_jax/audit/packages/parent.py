"""A package audited from outside: a child process runs the script and the audits, and is begun again after a rule that ended it."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bpnn_jax.audit.packages.child import Task
from bpnn_jax.audit.packages.discovery import Listed, folder_of, in_source, together
from bpnn_jax.audit.packages.rows import Row

GRACE = 30.0  # seconds beyond an audit's own limit, after which the child itself is stopped


class Audited(NamedTuple):
    """rows: of every rule that the package has or that ran; said: what the run came to, empty where all went well."""

    rows: list[Row]
    said: str


def audit_package(
    package: str,
    run: Sequence[str] = (),
    *,
    seconds: float = 60.0,
    isolate: bool = False,
    options: dict[str, Any] | None = None,
    heard: Callable[[Row], None] = lambda row: None,
) -> Audited:
    """Every rule of a package, those that ``run`` calls audited: ``["script.py", ...]``, ``["-m", "module"]`` or ``["pytest", ...]``.

    seconds: for one audit. isolate: a process for each audit, otherwise only after one that did not end well.
    heard:   is told each row when it is there.

    Raises InputError for a package that is not here.
    """
    folder_of(package)
    rows: dict[tuple, Row] = {}
    said = ""
    by_import: list[Listed] = []
    said = _in_children(package, tuple(run), seconds, isolate, options or {}, rows, by_import, heard)
    known = list(rows.values())
    for rule in together(in_source(package), by_import):
        key = rule.file, rule.line
        if key in rows:
            known[known.index(rows[key])] = _found_too(rows[key], rule)
        else:
            known.append(_unseen(rule, bool(run)))
    return Audited(known, said)


def _unseen(rule: Listed, ran: bool) -> Row:
    why = "not called by the run" if ran else "nothing was run: --run says what calls it"
    return Row(rule.title, rule.kind, f"{rule.file}:{rule.line}", "unseen", why, found=rule.found)


def _found_too(row: Row, rule: Listed) -> Row:
    return Row.from_json({**row.to_json(), "found": [*rule.found, "run"]})


def _in_children(
    package: str,
    run: tuple[str, ...],
    seconds: float,
    isolate: bool,
    options: dict[str, Any],
    rows: dict[tuple, Row],
    by_import: list[Listed],
    heard: Callable[[Row], None],
) -> str:
    """Children until all that was recorded has a row; each takes up where the one before it ended."""
    with tempfile.TemporaryDirectory() as folder:
        while True:
            task = Task(package, run, str(Path(folder) / "said"), seconds, isolate, tuple(rows), options)
            Path(task.messages).write_text("", "utf-8")
            ended = _child(task, Path(folder), heard)
            rows |= ended.rows
            by_import += ended.by_import
            if ended.complete or not ended.rows:
                return ended.said


class _Ended(NamedTuple):
    rows: dict[tuple, Row]
    complete: bool
    said: str
    by_import: list[Listed]


def _child(task: Task, folder: Path, heard: Callable[[Row], None]) -> _Ended:
    with open(folder / "out", "w+", encoding="utf-8", errors="replace") as out:
        command = [sys.executable, "-m", "bpnn_jax.audit.packages.child"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, text=True)
        assert process.stdin is not None
        try:
            process.stdin.write(task.to_json())
            process.stdin.close()
            said, late = _listen(process, task, heard)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        return _understood(said, task, late, process.returncode, out.read()[-2000:], heard)


def _listen(process: subprocess.Popen[str], task: Task, heard: Callable[[Row], None]) -> tuple[list[dict], bool]:
    """What the child said until it ended, or until it was too late for an audit."""
    said: list[dict] = []
    began = 0.0
    with open(task.messages, encoding="utf-8") as file:
        while True:
            alive = process.poll() is None
            for line in iter(file.readline, ""):
                said.append(json.loads(line))
                began = time.monotonic() if said[-1]["event"] == "begin" else 0.0
                if said[-1]["event"] == "row":
                    heard(Row.from_json(said[-1]["row"]))
            if not alive:
                return said, False
            if began and time.monotonic() - began > task.seconds + GRACE:
                return said, True
            time.sleep(0.1)


def _understood(
    said: list[dict], task: Task, late: bool, status: int, out: str, heard: Callable[[Row], None]
) -> _Ended:
    found = {tuple(m["key"]): Row.from_json(m["row"]) for m in said if m["event"] == "row"}
    names = {
        (file, line): (title, kind) for m in said if m["event"] == "recorded" for title, kind, file, line in m["rules"]
    }
    ran = next((m["said"] for m in said if m["event"] == "ran"), None)
    begun = [tuple(m["key"]) for m in said if m["event"] == "begin"]
    if begun and begun[-1] not in found:
        title, kind = names[begun[-1]]
        verdict, cause = (
            ("timed out", f"not done within {task.seconds:.0f} seconds") if late else ("crashes", _how(status))
        )
        row = Row(title, kind, f"{begun[-1][0]}:{begun[-1][1]}", verdict, cause, found=("run",))
        found[begun[-1]] = row
        heard(row)
    if ran is None:
        last = next((line for line in reversed(out.splitlines()) if line.strip()), "without a word")
        ran = f"the run {_how(status)}: {last}"
    elif ran:
        ran = f"the run ended with {ran}"
    by_import = [Listed(*rule, found=("import",)) for m in said if m["event"] == "listed" for rule in m["rules"]]
    return _Ended(found, bool(said) and said[-1]["event"] == "end", ran, by_import)


def _how(status: int) -> str:
    return f"ended the process with signal {-status}" if status < 0 else f"ended the process with status {status}"


def status_of(rows: Sequence[Row]) -> int:
    """0 where every rule that ran is correct, 1 where one is not, 2 where nothing was audited or one could not be."""
    verdicts = {row.verdict for row in rows} - {"unseen"}
    if verdicts & {"wrong", "imprecise", "inconclusive"}:
        return 1
    return 0 if verdicts == {"correct"} else 2
