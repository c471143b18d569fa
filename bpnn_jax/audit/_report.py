"""What an audit says: a verdict, findings with their numbers, and what the check could have seen."""

import html
from dataclasses import asdict, dataclass, field
from typing import Any

PASTED = 200  # characters of a counter-example that is printed; the JSON has longer ones
SURVIVORS = 5  # the most telling ones are printed; the JSON has them all
ORDER = ("wrong", "inconclusive", "imprecise")  # a finding's weight, the heaviest first; "note" changes no verdict


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, or cannot be told.

    code:     stable, for scripts: ``wrong-value``, ``imprecise``, ``none-for-live``, ``kink``, ...
    weight:   the verdict that it leads to: wrong, inconclusive, imprecise, or note.
    sentence: for people.
    leaf:     pytree path, as in ``argument 0['w']``; empty where it concerns the rule as a whole.
    index:    of the worst element in that leaf.
    numbers:  expected, got, relative_error, allowed, ratio: whatever there is.
    draw:     which draw shows it; ``smallest`` is a draw as small as could be found that still does.
    cause:    a guess from the ratio of the leaves.
    """

    code: str
    weight: str
    sentence: str
    leaf: str = ""
    index: tuple[int, ...] = ()
    numbers: dict[str, float] = field(default_factory=dict)
    draw: str = ""
    smallest: dict[str, Any] = field(default_factory=dict)
    cause: str = ""


@dataclass(frozen=True)
class Survivor:
    """A wrong version of the rule that these draws did not tell from the right one."""

    change: str
    where: str
    harmless: bool  # its values were those of the right rule, to rounding, on every draw
    exercised: bool = True  # some side of what was changed was never taken: then it is no wonder


@dataclass(frozen=True)
class Power:
    """What the audit could have seen. ``smallest`` is, for each leaf, the smallest relative error that would have shown."""

    mutants: int = 0
    caught: int = 0
    survivors: tuple[Survivor, ...] = ()
    smallest: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A named intermediate: its cotangent by hand beside the reference's. Stages come from the output down."""

    name: str
    verdict: str  # correct, wrong, or not judged
    error: float = 0.0
    allowed: float = 0.0
    cause: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """The result of an audit; ``print(report)`` is meant to be read."""

    name: str
    kind: str
    dtype: str
    draws: int
    findings: tuple[Finding, ...]
    power: Power
    stages: tuple[Stage, ...] = ()
    leaves: tuple[dict, ...] = ()  # for each: name, error and allowed in float64, and in the rule's own dtype
    arguments: tuple[str, ...] = ()  # what the author calls them
    varied: tuple[str, ...] = ()  # beside the random draws
    not_varied: tuple[str, ...] = ()  # what the example alone says something about
    branches: tuple[int, int] = (0, 0)  # sides of selects, limits, conds and loops that some draw took, and all of them
    not_exercised: tuple[str, ...] = ()  # the others
    nested: tuple[str, ...] = ()  # custom rules inside the reference, trusted as they are
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """correct, wrong (the algebra), imprecise (right in float64 only) or inconclusive (never a pass)."""
        weights = {f.weight for f in self.findings}
        return next((w for w in ORDER if w in weights), "correct")

    @property
    def first_wrong_stage(self) -> str:
        """The name of the first stage, from the output down, whose cotangent is wrong; empty if none is."""
        return next((s.name for s in self.stages if s.verdict == "wrong"), "")

    def to_json(self) -> dict:
        return {"verdict": self.verdict, "first_wrong_stage": self.first_wrong_stage, **_plain(asdict(self))}

    def __repr__(self) -> str:
        """The verdict and the weightiest findings, a line each; ``print(report)`` shows the rest."""
        lines = [f"<audit.Report {self._title}>", *(f"  [{f.code}] {f.sentence}" for f in self.findings[:3])]
        if len(self.findings) > 3:
            lines.append(f"  and {len(self.findings) - 3} more; print the report to see them")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    @property
    def _title(self) -> str:
        return (
            f"{self.verdict.upper()}: {self.kind} {self.name}, {self.dtype}, {self.draws} draws, {self.seconds:.1f} s"
        )

    def __str__(self) -> str:
        lines = [self._title]
        if self.first_wrong_stage:
            lines.append(f"  first wrong stage: {self.first_wrong_stage}")
        for f in self.findings:
            lines.append(f"  [{f.code}] {f.sentence}")
            if f.cause:
                lines.append(f"      likely cause: {f.cause}")
            if f.smallest:
                values = ", ".join(f"{name} = {value}" for name, value in f.smallest["values"].items())
                lines.append(f"      smallest draw that shows it ({f.smallest['draw']}): {values}")
                if 0 < len(f.smallest.get("paste", "")) <= PASTED:
                    lines.append(f"      to run it again: {f.smallest['paste']}")
        for s in self.stages:
            numbers = "" if s.verdict == "not judged" else f", error {s.error:.1e}, allowed {s.allowed:.1e}"
            lines.append(f"  stage {s.name}: {s.verdict}{numbers}" + (f"; likely cause: {s.cause}" if s.cause else ""))
        if self.arguments:
            lines.append("  arguments: " + ", ".join(f"{i} is {name}" for i, name in enumerate(self.arguments)))
        for leaf in self.leaves:
            lines.append(f"  {leaf['name']}: " + _errors(leaf))
        if self.power.mutants:
            lines.append(
                f"  power: {self.power.caught} of {self.power.mutants} wrong versions of this rule were caught"
            )
            for s in sorted(self.power.survivors, key=lambda s: s.harmless)[:SURVIVORS]:
                kind = "makes no difference here" if s.exercised else "not exercised"
                kind = kind if s.harmless else "NOT CAUGHT"
                lines.append(f"      {kind}: {s.change} at {s.where}")
        if self.power.smallest:
            known = [size for size in self.power.smallest.values() if size < 1]
            if known:
                every = "any leaf" if len(known) == len(self.power.smallest) else "any other leaf"
                lines.append(f"  a relative error of {max(known):.0e} in {every} would have shown")
        if self.varied:
            lines.append(f"  varied: {'; '.join(self.varied)}")
        if self.not_varied:
            lines.append(f"  not varied: {'; '.join(self.not_varied)}")
        if self.branches[1]:
            lines.append(f"  branches: {self.branches[0]} of {self.branches[1]} sides were taken")
        lines += [f"      not exercised: {said}" for said in self.not_exercised[:SURVIVORS]]
        if self.nested:
            lines.append(f"  the reference trusts these rules inside it: {', '.join(self.nested)}")
        return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Complex numbers, which JSON has none of, as text."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, complex) else value


def _errors(leaf: dict) -> str:
    parts = [f"float64 error {leaf['error']:.1e} (allowed {leaf['allowed']:.1e})"]
    if "low_error" in leaf:
        parts.append(f"{leaf['dtype']} error {leaf['low_error']:.1e} (allowed {leaf['low_allowed']:.1e})")
    return ", ".join(parts)


def assert_correct(report: Report) -> None:
    """Raise AssertionError, with the report as its message, unless the verdict is "correct".

    >>> assert_correct(Report("f", "vjp", "float32", 1, (), Power()))
    """
    if report.verdict != "correct":
        raise AssertionError(str(report))
