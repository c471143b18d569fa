"""``pytest --audit``: record while the tests run, run again what had tracers alone, audit each rule once, report it as a test.

Each rule becomes a pytest report of its own (``audit::mypackage.kernels.softmax``), so that the failures' section, ``--junitxml`` and
the exit status have it without more. Under xdist each worker audits what its tests called, and the controller reports.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bpnn_jax.audit.packages.rows import Row, counted, lines, weightiest

LEAST_BUDGET = 30.0  # seconds that a short suite's audits may take together
LEAST_LIMIT = 10.0  # seconds for one audit, and a third of the budget where that is more
RERUN_SHARE = 0.5  # of the budget, for tests that are run again under disable_jit
LONGEST_RERUN = 20.0
KEY = "bpnn_audit"


class Listener:
    """Records what the tests call, and runs again what had tracers alone; nothing is audited."""

    def __init__(self, seen: Any = None):
        self.recording: Any = seen
        self.started = False
        self.items: dict[str, pytest.Item] = {}
        self.durations: dict[str, float] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        self.record()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """JAX is never imported for the suite: recording begins when the suite has."""
        late = not self.record()
        if self.started:
            self.recording.label = item.nodeid
        self.items[item.nodeid], began = item, time.monotonic()
        try:
            return (yield)
        finally:
            self.durations[item.nodeid] = time.monotonic() - began
            if late and self.record():  # this test imported JAX: what it called was not heard
                self.recording.unheard = item.nodeid
            if self.started:
                self.recording.label = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        result = yield
        if not session.config.option.collectonly:
            self.after(session)
        return result

    def record(self) -> bool:
        """Whether what is called is recorded."""
        if "jax" not in sys.modules or not hasattr(sys.modules["jax"], "custom_vjp"):
            return False
        from bpnn_jax.audit.packages import recording

        if not self.started:
            self.started = True
            self.recording = self.recording or recording.Recording()
            recording.start(self.recording)
        recording.patch()  # equinox may have come
        return True

    def after(self, session: pytest.Session) -> None:
        self.listen_again(float("inf"))

    def listen_again(self, seconds: float) -> None:
        """Under ``jax.disable_jit()``, the shortest tests first, until every kind of call that had tracers alone has numbers."""
        if not self.started:
            return
        import jax

        from bpnn_jax.audit.packages.recording import stop

        recording, until = self.recording, time.monotonic() + seconds
        tests = {test for where in recording.unseen().values() for test in where} | {recording.unheard}
        for test in sorted(tests & self.items.keys(), key=lambda t: self.durations[t]):
            awaited = {kind for kind, where in recording.unseen().items() if test in where}
            left = until - time.monotonic()
            if left > 1 and (awaited or test == recording.unheard):
                recording.label = test
                recording.awaited = awaited or None
                with jax.disable_jit():
                    _once_more(self.items[test], min(left, LONGEST_RERUN))
        recording.awaited = None
        stop(recording)


class Suite(Listener):
    """The plugin of one pytest process that was given ``--audit``."""

    def __init__(self, config: pytest.Config):
        super().__init__()
        self.config, self.began = config, time.monotonic()
        self.worker = hasattr(config, "workerinput")
        self.rows: list[Row] = []
        self.spent = 0.0

    def after(self, session: pytest.Session) -> None:
        self.audit()
        if self.worker:
            self.config.workeroutput[KEY] = [row.to_json() for row in self.rows]  # type: ignore[attr-defined]
        else:
            self.report(session)

    @property
    def budget(self) -> float:
        given = self.config.getoption("--audit-seconds")
        return max(LEAST_BUDGET, time.monotonic() - self.began - self.spent) if given is None else given

    def audit(self) -> None:
        """As long as the suite itself took at most; what was not done then is a row that says so."""
        if not self.started:
            return
        from bpnn_jax.audit import Options
        from bpnn_jax.audit.packages.auditing import audited

        budget, began = self.budget, time.monotonic()
        self.listen_again(0.0 if self.config.getoption("--audit-no-rerun") else budget * RERUN_SHARE)
        rules = [
            r for r in self.recording.rules.values() if is_asked_for(r.place, self.config.getoption("--audit-package"))
        ]
        here = str(self.config.rootpath)
        rules.sort(key=lambda rule: not rule.place.file.startswith(here))  # the project's own first
        left = budget - (time.monotonic() - began)
        draws = self.config.getoption("--audit-draws")
        options = Options(mutate=False, seconds=5.0, **({} if draws is None else {"draws": draws}))
        self.rows += audited(rules, options, limit=max(LEAST_LIMIT, budget / 3), budget=left)
        self.spent = time.monotonic() - began
        self.recording = None

    # --- what it says ---

    def report(self, session: pytest.Session) -> None:
        """A pytest report for each rule; the cache plugins do not hear of it, for there is no test to run again."""
        plugins = self.config.pluginmanager
        deaf = [p for name in ("lfplugin", "nfplugin", "stepwiseplugin") if (p := plugins.get_plugin(name)) is not None]
        tell = plugins.subset_hook_caller("pytest_runtest_logreport", deaf)
        rows = [row for row in self.rows if row.verdict != "unseen"]
        session.testscollected += len(rows)
        for row in rows:
            for when in ("setup", "call", "teardown"):
                tell(report=_as_test(row, when))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """xdist's controller: a worker is done, and its rules come with its output."""
        theirs = [Row.from_json(row) for row in getattr(node, "workeroutput", {}).get(KEY, ())]
        self.rows = merged([*self.rows, *theirs])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.worker:
            return
        terminalreporter.section("audit of hand-written rules")
        for line in lines([_here(row, self.config.rootpath) for row in self.rows]):
            terminalreporter.write_line(_plain(line))
        terminalreporter.write_line(counted(self.rows) + f", in {self.spent:.1f} s" * bool(self.spent))
        if any(row.verdict == "left out" for row in self.rows):
            terminalreporter.write_line("--audit-seconds N gives the audits more time than the tests took")


def is_asked_for(place: Any, packages: list[str] | None) -> bool:
    """JAX's own rules, and equinox's, are its authors' business unless they are named."""
    if packages:
        return any(place.module == p or place.module.startswith(f"{p}.") for p in packages)
    return place.package not in ("jax", "jaxlib", "equinox")


def merged(rows: list[Row]) -> list[Row]:
    """One row for each rule: the weightiest that a worker has."""
    best: dict[tuple, Row] = {}
    for row in rows:
        key = row.name, row.where
        old = best.get(key, row)
        known = {old.verdict, row.verdict} - {"unseen", "left out"} or {old.verdict, row.verdict}
        best[key] = row if row.verdict == weightiest(sorted(known)) else old
    return list(best.values())


class Late(BaseException):
    """A test that was run again took too long."""


def _once_more(item: pytest.Item, seconds: float) -> None:
    """Run a test for its calls alone: what comes of it counts for nothing."""
    from _pytest.runner import runtestprotocol

    from bpnn_jax.audit.packages.recording import Enough

    init = getattr(item, "_initrequest", None)
    with contextlib.suppress(Enough, Late, Exception), _alarm(seconds):
        if init is not None:
            init()
        runtestprotocol(item, log=False, nextitem=None)
    with contextlib.suppress(BaseException):
        item.session._setupstate.teardown_exact(None)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """``Late`` after so many seconds, where a signal can be had: in the main thread, and if nobody else has it."""
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, signal.SIG_IGN):
        yield
        return

    def late(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _as_test(row: Row, when: Any) -> pytest.TestReport:
    file, _, line = row.where.rpartition(":")
    location = (file, int(line or 0) - 1, row.name)
    nodeid = f"audit::{_plain(row.name)}"
    said = f"{row.verdict}: {row.where}\n{row.cause}\n{row.text}".strip()
    outcome: Any = "passed"
    longrepr: Any = None
    if when == "call" and row.verdict in ("wrong", "crashes"):
        outcome, longrepr = "failed", _plain(said)
    elif when == "call" and row.verdict != "correct":
        outcome, longrepr = "skipped", (file, int(line or 0), f"audit {row.verdict}: {_plain(row.cause)}")
    return pytest.TestReport(
        nodeid, location, {}, outcome, longrepr, when, duration=row.seconds if when == "call" else 0.0
    )


def _here(row: Row, root: Path) -> Row:
    """Its file as seen from the project's root, where it is below it."""
    from dataclasses import replace

    file, _, line = row.where.rpartition(":")
    with contextlib.suppress(ValueError):
        return replace(row, where=f"{Path(file).relative_to(root)}:{line}")
    return row


def _plain(text: str) -> str:
    """No control characters: what a rule says of itself comes from outside."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
