"""The process that runs somebody's script or tests, and audits what was recorded there: ``python -m bpnn_jax.audit.packages.child``.

Its task comes as JSON on standard input (``Task``); what it has to say goes to a file, one JSON object a line, so that nothing is lost
when a rule ends the process: ``ran`` what the run came to, ``recorded`` the rules, ``begin`` and ``row`` of each audit, ``end``.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import runpy
import sys
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from bpnn_jax.errors import InputError


@dataclass(frozen=True)
class Task:
    """What a child is to do.

    package: whose rules are audited; ``run`` the command, in words; ``done`` the rules that have a row already.
    seconds: for one audit; ``isolate``: one audit alone; ``options``: fields of ``audit.Options``.
    """

    package: str
    run: tuple[str, ...]
    messages: str
    seconds: float
    isolate: bool
    done: tuple[tuple[str, int], ...]
    options: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class Messages:
    def __init__(self, file: str):
        self._file = open(file, "a", encoding="utf-8")  # noqa: SIM115

    def say(self, event: str, **what: Any) -> None:
        self._file.write(json.dumps({"event": event, **what}) + "\n")
        self._file.flush()


def main() -> None:
    task = Task(**json.load(sys.stdin))
    messages = Messages(task.messages)
    seen = recorded(task, messages)
    rules = [rule for rule in seen.rules.values() if _is_of(rule.place.module, task.package)]
    messages.say("recorded", rules=[(rule.place.title, rule.kind, rule.place.file, rule.place.line) for rule in rules])
    from bpnn_jax.audit import Options
    from bpnn_jax.audit.packages.auditing import audited

    options = Options(**task.options)
    for rule in rules:
        key = rule.place.file, rule.place.line
        if key in {tuple(done) for done in task.done}:
            continue
        messages.say("begin", key=key)
        (row,) = audited([rule], options, limit=task.seconds)
        messages.say("row", key=key, row=row.to_json())
        if task.isolate or row.verdict == "timed out":  # its thread goes on: the next audit has a process of its own
            os._exit(0)
    from bpnn_jax.audit.packages.discovery import in_modules

    messages.say("listed", rules=[rule[:-1] for rule in map(astuple, in_modules(task.package))])
    messages.say("end")
    sys.stdout.flush()
    os._exit(0)  # whatever threads the run has left


def _is_of(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def recorded(task: Task, messages: Messages) -> Any:
    """The recording of the run; once more under ``jax.disable_jit()`` where a rule of the package had tracers alone."""
    import jax

    from bpnn_jax.audit.packages.recording import Enough, Recording, start, stop

    sys.path.insert(0, "")
    with contextlib.suppress(BaseException):  # how it fails is in the list of its rules
        importlib.import_module(task.package)
    seen = Recording()
    seen.label = " ".join(task.run)
    if not task.run:
        messages.say("ran", said="")
        return seen
    if task.run[0] == "pytest":
        said = _tests(list(task.run[1:]), seen)
    else:
        start(seen)
        try:
            said = _script(task.run)
            awaited = {kind for kind in seen.unseen() if _is_of(kind[0].module, task.package)}
            if awaited:
                seen.awaited = awaited
                with contextlib.suppress(Enough), jax.disable_jit():
                    _script(task.run)
                seen.awaited = None
        finally:
            stop(seen)
    messages.say("ran", said=said)
    return seen


def _script(run: tuple[str, ...]) -> str:
    """Run a file or ``-m MODULE`` as the main program; what it raised, in words."""
    from bpnn_jax.audit.packages.recording import Enough

    before = list(sys.argv)
    module = run[0] == "-m"
    if module and len(run) < 2:
        raise InputError("expected a module after -m")
    name, sys.argv = (run[1], list(run[1:])) if module else (run[0], list(run))
    if not module:
        sys.path.insert(0, str(Path(name).resolve().parent))
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True) if module else runpy.run_path(
            name, run_name="__main__"
        )
    except Enough:
        raise
    except SystemExit as error:
        return "" if error.code in (None, 0) else f"SystemExit: {error.code}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        sys.argv = before
    return ""


def _tests(arguments: list[str], seen: Any) -> str:
    import pytest

    from bpnn_jax.audit import pytest_plugin
    from bpnn_jax.audit.packages.suite import Listener

    one_process = ["-n0"] if importlib.util.find_spec("xdist") else []  # other processes could not be heard
    status = pytest.main([*arguments, "-p", "no:bpnn_audit", *one_process], plugins=[pytest_plugin, Listener(seen)])
    return "" if int(status) == 0 else f"pytest ended with status {int(status)}"


if __name__ == "__main__":
    main()
