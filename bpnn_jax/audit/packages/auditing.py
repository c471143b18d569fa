"""What was recorded, audited: each rule once, then its other calls, within a time; one that hangs is given up."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from bpnn_jax.audit import _audit, _rules
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._report import Report
from bpnn_jax.audit._reused import reusing
from bpnn_jax.audit.packages.recording import Call, Recorded
from bpnn_jax.audit.packages.rows import Row, weightiest

LIMIT = 60.0  # seconds an audit may take before it is given up
LEAST = 1.0  # seconds that must be left for another audit to begin


class TimeLimitError(Exception):
    """An audit was not done in its time."""


def limited(function: Callable[[], Any], seconds: float) -> Any:
    """``function()`` in a thread of its own, which is abandoned after so many seconds: neither Python nor XLA can be interrupted.

    >>> limited(lambda: 3, seconds=1)
    3
    """
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((function(), None))
        except BaseException as error:  # SystemExit too: it is a finding about the rule
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True, name="audit")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeLimitError
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


class Progress:
    """The outcomes of a rule's calls so far."""

    def __init__(self, rule: Recorded):
        self.rule, self.seconds = rule, 0.0
        self.outcomes: list[tuple[Call, str, str, Report | None]] = []

    @property
    def settled(self) -> bool:
        """It is wrong, does not end, or cannot be audited: another call of it would say no more."""
        return any(report is None or verdict == "wrong" for _, verdict, _, report in self.outcomes)

    def row(self) -> Row:
        rule, place, reports = self.rule, self.rule.place, [r for *_, r in self.outcomes if r is not None]
        verdict, cause = _not_audited(rule)
        text, beside = "", []
        if self.outcomes:
            verdict = weightiest([v for _, v, *_ in self.outcomes])
            call, _, cause, worst = next(o for o in self.outcomes if o[1] == verdict)
            text = "" if worst is None else str(worst)
            beside = [f"{v}: {c} (called with {o.shown})" for o, v, c, r in self.outcomes if r is None and v != verdict]
            if cause and len(rule.calls) > 1:
                cause += f" (called with {call.shown})"
            rest = [call.shown for call in rule.calls[len(self.outcomes) :]]
            if rest and not self.settled:
                beside.append(f"the time was up before the audit of a call with {' and one with '.join(rest)}")
        return Row(
            name=place.title,
            kind=rule.kind,
            where=f"{place.file}:{place.line}",
            verdict=verdict,
            cause="; ".join(filter(None, (cause, *beside))),
            calls=tuple(call.shown for call, *_ in self.outcomes),
            labels=tuple(dict.fromkeys(call.label for call in rule.calls if call.label)),
            found=("run",),
            seconds=self.seconds,
            text=text,
            reports=tuple(r.to_json() for r in reports),
        )


def _not_audited(rule: Recorded) -> tuple[str, str]:
    if rule.left_out:
        return "left out", rule.left_out[0]
    if rule.traced and not rule.calls:
        return "unseen", "called with tracers alone, inside jit or the like: run it once under jax.disable_jit()"
    if not rule.calls:
        return "unseen", "no call of it could be recorded"
    return "left out", "the time was up"


def cause_of(report: Report) -> str:
    """The worst finding in a sentence."""
    worst = next((f for f in report.findings if f.weight != "note"), None)
    return (
        ""
        if worst is None
        else f"[{worst.code}] {worst.sentence}" + (f"; likely cause: {worst.cause}" if worst.cause else "")
    )


def reports_of(call: Call, options: Options) -> Iterator[Report]:
    """Of one call: the draws alone, which is soon there; then with variants, cause and power. They share what is compiled."""
    rule = _rules.decorated_rule(call.face, call.rule, call.arguments(), None, None)
    with reusing():
        quick = replace(options, variants=0, mutate=False, explain=False)
        yield _audit.audit(rule, quick)
        if options != quick:
            yield _audit.audit(rule, options)


def outcome_of(call: Call, options: Options, limit: float) -> tuple[str, str, Report | None]:
    """(verdict, cause, report) of one call; nothing that the rule does comes out as an exception."""
    reports: list[Report] = []
    try:
        limited(lambda: reports.extend(reports_of(call, options)), limit)
    except TimeLimitError:
        if not reports:
            return "timed out", f"not done within {limit:.0f} seconds", None
        said = f"only the {reports[0].draws} draws were judged within {limit:.0f} seconds"
        return reports[0].verdict, "; ".join(filter(None, (cause_of(reports[0]), said))), reports[0]
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        return "crashes", f"it ended the process: SystemExit: {error}", None
    except BaseException as error:
        said = str(error).strip().splitlines()
        return "not audited", f"{type(error).__name__}: {said[0][:300] if said else 'without a word'}", None
    return reports[-1].verdict, cause_of(reports[-1]), reports[-1]


def in_turn(rules: Iterable[Recorded]) -> Iterator[tuple[Recorded, Call]]:
    """The first call of every rule, then the second of every rule that has one, and so on."""
    rules = list(rules)
    for n in range(max((len(rule.calls) for rule in rules), default=0)):
        yield from ((rule, rule.calls[n]) for rule in rules if n < len(rule.calls))


def audited(
    rules: Iterable[Recorded],
    options: Options,
    *,
    limit: float = LIMIT,
    budget: float | None = None,
    begin: Callable[[Recorded], None] = lambda rule: None,
) -> list[Row]:
    """A row for each rule. ``limit`` is for one audit, ``budget`` for all; ``begin`` hears of each rule before its audit."""
    rules, began = list(rules), time.monotonic()
    progress = {rule.place: Progress(rule) for rule in rules}
    for rule, call in in_turn(rules):
        told = progress[rule.place]
        left = float("inf") if budget is None else budget - (time.monotonic() - began)
        if told.settled or left < LEAST:
            continue
        begin(rule)
        at = time.monotonic()
        verdict, cause, report = outcome_of(call, options, min(limit, left))
        if verdict == "timed out" and left < limit:
            verdict, cause = "left out", f"not done within {left:.0f} seconds, when the time was up"
        told.outcomes.append((call, verdict, cause, report))
        told.seconds += time.monotonic() - at
    return [progress[rule.place].row() for rule in rules]
