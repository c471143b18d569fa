"""What became of each rule: a row for a table, Markdown, JSON. No JAX here, so that a process that only waits needs none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ORDER = ("wrong", "timed out", "crashes", "inconclusive", "imprecise", "correct", "not audited", "left out", "unseen")
ABOUT = {
    "wrong": "the rule is not the derivative of its function",
    "timed out": "the audit was stopped at its time limit",
    "crashes": "the audit ended its process",
    "inconclusive": "nothing can be said; never a pass",
    "imprecise": "right in float64, but it loses digits that autodiff keeps",
    "correct": "",
    "not audited": "the auditor could not run it",
    "left out": "the time or the memory was up",
    "unseen": "not called with numbers",
}


@dataclass(frozen=True)
class Row:
    """One rule, by the module and the name of the function that it belongs to.

    kind:     custom_vjp, custom_jvp, filter_custom_vjp, filter_custom_jvp, or what its source says.
    where:    file:line.
    verdict:  one of ``ORDER``: the weightiest over the calls that were audited.
    cause:    a sentence: the worst finding, or why there is none.
    calls:    the arguments of each call that was audited.
    labels:   what made these calls: tests, scripts.
    found:    "import", "source" and "run": how the rule is known.
    reports:  the audits' reports as JSON; ``text`` the worst one for people.
    """

    name: str
    kind: str
    where: str
    verdict: str
    cause: str = ""
    calls: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    seconds: float = 0.0
    text: str = ""
    reports: tuple[dict, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Row":
        given: dict[str, Any] = {}
        for name in (f.name for f in fields(cls)):
            if name in row:
                given[name] = tuple(row[name]) if isinstance(row[name], list) else row[name]
        return cls(**given)


def weightiest(verdicts: Sequence[str]) -> str:
    return min(verdicts, key=ORDER.index)


def by_weight(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (ORDER.index(r.verdict), r.name))


def counted(rows: Sequence[Row]) -> str:
    """``5 rules: 1 wrong, 4 correct``."""
    numbers = {v: sum(r.verdict == v for r in rows) for v in ORDER}
    parts = ", ".join(f"{n} {v}" for v, n in numbers.items() if n)
    return f"{len(rows)} rule{'' if len(rows) == 1 else 's'}" + (f": {parts}" if parts else "")


def lines(rows: Sequence[Row]) -> list[str]:
    """A line per rule, the weightiest first, and below it the cause of what is not correct."""
    wide = max((len(r.verdict) for r in rows), default=0)
    found = []
    for row in by_weight(rows):
        found.append(
            f"{row.verdict:{wide}}  {row.name}  {row.where}" + (f"  {row.seconds:.1f} s" if row.seconds else "")
        )
        if row.cause:
            found.append(f"{'':{wide}}  {row.cause}")
    return found
