"""The vocabulary of ``bpnn verify``: a check is one row of its table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bpnn_jax.audit import ratio


@dataclass(frozen=True)
class Check:
    """One row. ``worst`` is the error where it is largest in relation to ``allowed``, which was computed for that number."""

    rung: int
    equation: str
    witness: str
    networks: int
    worst: float
    allowed: float
    verdict: str  # "correct" or "wrong"
    where: str = ""


@dataclass(frozen=True)
class Caught:
    """A mistake of the catalogue: whether it was caught, the first equation that failed, and the one that the auditor named."""

    name: str
    caught: bool
    equation: str
    expected: str
    why: str
    auditor: str

    @property
    def right(self) -> bool:
        # A wrong f' shows in the first δ that it is a factor of: the auditor sees cotangents, not (3), (4), (17) and (18).
        # It is not asked about a rule's step, (21) and (22), which is no derivative.
        seen_in = {**dict.fromkeys(("(3)", "(4)", "(17)", "(18)"), ("(8)", "(9)")), "(21)": ("",), "(22)": ("",)}
        named = seen_in.get(self.expected, (self.expected,))
        return self.caught and self.equation == self.expected and self.auditor in named


@dataclass(frozen=True)
class Comparison:
    """A value by hand, what it should be, and how far off it may be: scalars or arrays of one shape."""

    equation: int
    hand: object
    exact: object
    allowed: object
    where: str

    def ratio(self) -> tuple[float, float, float]:
        """(error / allowed, error, allowed) at the worst element, by the auditor's own comparison."""
        hand, exact = np.asarray(self.hand), np.asarray(self.exact, np.float64)
        if hand.shape != exact.shape or np.iscomplexobj(hand) or not np.isfinite(exact).all():
            return np.inf, np.inf, 0.0
        hand, limit = hand.astype(np.float64), np.broadcast_to(np.asarray(self.allowed, np.float64), exact.shape)
        worst, index = ratio(hand, exact, limit)
        return worst, float(abs(hand - exact)[index]), float(limit[index])


def summarise(rung: int, witness: str, networks: int, comparisons: Iterable[Comparison]) -> list[Check]:
    """A row for each equation: its worst comparison."""
    worst: dict[int, tuple] = {}
    for comparison in comparisons:
        found = (*comparison.ratio(), comparison.where)
        if comparison.equation not in worst or found[0] > worst[comparison.equation][0]:
            worst[comparison.equation] = found
    return [
        Check(rung, f"({n})", witness, networks, error, allowed, "correct" if ratio <= 1 else "wrong", where)
        for n, (ratio, error, allowed, where) in sorted(worst.items())
    ]


def compared(rung: int, witness: str, networks: int, comparisons: Callable[[], Iterable[Comparison]]) -> list[Check]:
    """The rows of one piece. A derivation so broken that it raises is wrong, not a crash of the verifier."""
    found: list[Comparison] = []
    try:
        with np.errstate(all="ignore"):
            found.extend(comparisons())
    except Exception as error:
        where = f"raised {type(error).__name__}: {error}"
        return [Check(rung, "all", witness, networks, float("inf"), 0.0, "wrong", where)]
    return summarise(rung, witness, networks, found)


def merged(checks: Iterable[Check]) -> Iterator[Check]:
    """One row for each rung, witness and equation: the worst, with the networks added up."""
    groups: dict[tuple, list[Check]] = {}
    for check in checks:
        groups.setdefault((check.rung, check.witness, check.equation), []).append(check)

    def badness(check: Check) -> float:
        return check.worst / check.allowed if check.allowed else (np.inf if check.worst else 0.0)

    for (rung, witness, equation), rows in sorted(
        groups.items(), key=lambda item: (*item[0][:2], equation_number(item[0][2]))
    ):
        worst = max(rows, key=badness)
        verdict = "wrong" if any(r.verdict == "wrong" for r in rows) else "correct"
        networks = sum(r.networks for r in rows)
        yield Check(rung, equation, witness, networks, worst.worst, worst.allowed, verdict, worst.where)


def equation_number(equation: str) -> int:
    """The number of ``(9)``; 0 for what is no single equation.

    >>> equation_number("(9)"), equation_number("all")
    (9, 0)
    """
    return int(equation.strip("()")) if equation.startswith("(") else 0
