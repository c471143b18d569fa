"""A study's tables about its own outcome: the score of each arm, what each factor does, and its share of what the choices do."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table

from bpnn_jax.ablation.findings import Effect, Findings
from bpnn_jax.ablation.outcomes import RATES, percent, words
from bpnn_jax.ablation.report import tables
from bpnn_jax.ablation.report import words as said

MOST_ROWS = 12  # effects and shares that are shown; the JSON has all


def columns(came: Findings) -> dict[str, list[str]]:
    """A column for the score of the lead, and for that of the training patterns; of tasks of different kinds for each one's own."""
    found = {}
    for name in tables.own(came) if came.apart else (*came.lead, *(n for n in tables.BESIDE if n not in came.lead)):
        if any(name in one for one in came.outcomes):
            times, unit = (100, "%") if name in RATES else (1, "")
            found[words(name)] = [said.interval(one.get(name), times, unit) for one in came.outcomes]
    return found


def new_data(came: Findings) -> list[str]:
    """A sentence about the best arm on new data, where there are splits."""
    known = [one for one in came.new_data or () if one is not None]
    if not known:
        return []
    best, (times, unit) = max(known, key=lambda one: one.value), (100, "%") if came.lead[0] in RATES else (1, "")
    return [f"{best.what} (Nadeau and Bengio): {said.interval(best, times, unit)}"]


def tells(came: Findings) -> bool:
    """Whether there is more than one factor to tell apart."""
    return len({s.factors for s in came.variance}) > 1


def effects_table(came: Findings) -> Group:
    """What each level makes, over all others a mean, and the clearest interactions."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what changes", overflow="fold")
    for name in came.lead:
        table.add_column(words(name) + {True: ", points", False: ""}[name in RATES], justify="right")
    rows: dict[tuple, dict[str, Effect]] = {}
    for effect in came.effects:
        rows.setdefault((effect.factors, effect.levels), {})[effect.outcome] = effect
    main = [row for row in rows if len(row[0]) == 1]
    others = sorted((row for row in rows if len(row[0]) > 1), key=lambda row: min(e.p for e in rows[row].values()))
    for row in (*main, *others[:MOST_ROWS]):
        table.add_row(_change(*row), *(_cell(rows[row].get(name)) for name in came.lead))
    more = f"; {len(others) - MOST_ROWS} more are in the JSON" if len(others) > MOST_ROWS else ""
    return Group(f"Effects, over all else a mean; p after Holm, over all of them{more}", table)


def shares_table(came: Findings) -> Group:
    """Of the variance among arms what each set of factors makes."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("factors", overflow="fold")
    for name in came.lead:
        table.add_column(words(name), justify="right")
    by_factors: dict[tuple[str, ...], dict[str, str]] = {}
    for s in sorted(came.variance, key=lambda s: -s.share):
        cell = f"{percent(s.share)} [{percent(s.low)}, {percent(s.high)}]"
        by_factors.setdefault(s.factors, {})[s.outcome] = cell
    for factors, cells in list(by_factors.items())[:MOST_ROWS]:
        table.add_row(" x ".join(factors), *(cells.get(name, "-") for name in came.lead))
    rest = "; ".join(
        f"{words(name)}: {', '.join(f'{part} {percent(share)}' for part, share in parts.items())}"
        for name, parts in came.everything.items()
    )
    return Group("Shares of the variance among arms", table, f"Of everything: {rest}")


def _change(factors: Sequence[str], levels: Sequence[tuple[str, str]]) -> str:
    """``activation: tanh - sigmoid``, and of an interaction such a line for each factor."""
    return " x\n".join(f"{factor}: {a} - {b}" for factor, (a, b) in zip(factors, levels, strict=True))


def _cell(effect: Effect | None) -> str:
    cell = tables.effect_cell(effect)
    return f"{cell.text}\n{cell.under}" if cell.under else cell.text
