"""How many seeds, and how many splits, an effect needs: from the runs that a study has so far."""

from dataclasses import dataclass

import numpy as np

from bpnn_jax import statistics
from bpnn_jax.ablation import outcomes
from bpnn_jax.ablation.results import Results
from bpnn_jax.ablation.shown import ALPHA
from bpnn_jax.errors import InputError

RULE_OF_THREE = 3.0  # none of n: at most 3 / n, with 95%


@dataclass(frozen=True)
class Needed:
    """What a comparison of an arm with another needs to show an effect.

    deviation: of a seed's difference (of a split's mean difference, where there are several).
    seeds:     with the splits that there are; None where no number is enough.
    splits:    with the seeds that there are; None where no number is enough, and without splits.
    """

    arm: str
    against: str
    deviation: float
    seeds: int | None
    splits: int | None


@dataclass(frozen=True)
class Designs:
    """What a study needs for an effect in an outcome, by comparison; ``seeds`` and ``splits`` are for all of them, None as there."""

    outcome: str
    effect: float
    seeds: int | None
    splits: int | None
    comparisons: tuple[Needed, ...]
    rows: int


def designs(results: Results, effect: float, against: str) -> Designs:
    """What every other arm minus ``against`` needs for an effect with 80% power, at Holm's first step among these comparisons.

    effect: in points of a rate, otherwise in the outcome's own unit. The outcome is that which the study is led by.

    Raises InputError for fewer than two arms, for an effect of 0 or less, and where fewer than two seeds are there.
    """
    if len(results.arms) < 2:
        raise InputError("expected two arms or more to compare, got one")
    if not effect > 0:
        raise InputError(f"expected an effect above 0, got {effect:g}")
    there = _whole(results)
    if there.sum() < 2:
        raise InputError("expected two seeds or more that every arm has, to reckon from, got fewer")
    values = outcomes.values(results, there)
    lead = outcomes.lead(results, values)
    if not lead:
        raise InputError("expected an outcome to reckon from: no run was solved, and nothing is scored")
    name, times = lead[0], outcomes.unit(lead[0])[0]
    others = [k for k, arm in enumerate(results.arms) if arm != against]
    base = values[name][:, results.arms.index(against)]
    found = []
    for k in others:
        each = (values[name][:, k] - base).reshape(results.study.splits, -1)
        if not each.any() and name == outcomes.SUCCESS:  # no run differs, which does not mean that none would
            each = np.sqrt(RULE_OF_THREE / each.size) * np.where(np.arange(each.size) % 2, 1.0, -1.0).reshape(
                each.shape
            )
        needs = statistics.design(each, effect / times, ALPHA / len(others))
        spread = each.mean(axis=1) if len(each) > 1 else each[0]
        found.append(Needed(results.arms[k], against, float(spread.std(ddof=1)), needs.seeds, needs.splits))
    several = results.study.splits > 1
    return Designs(
        name,
        effect,
        _most([one.seeds for one in found]),
        _most([one.splits for one in found]) if several else None,
        tuple(found),
        int(there.sum()),
    )


def sentence(results: Results, found: Designs) -> str:
    """What the study needs, in words."""
    unit = outcomes.unit(found.outcome)[1]
    what = f"an effect of {found.effect:g}{unit and ' ' + unit} in {outcomes.words(found.outcome)}"
    among = len(found.comparisons)
    what += f", 80% power, p after Holm over {among} comparison{'s' if among > 1 else ''}"
    splits, seeds = results.study.splits, len(results.study.seed_list)
    if splits == 1:
        return f"{what}: {_count(found.seeds, 'seeds')}, from {found.rows:,} runs per arm so far"
    more = f"{_count(found.splits, 'splits')} of {seeds:,} seeds"
    if found.seeds is None:
        return f"{what}: no number of seeds with these {splits} splits, which more seeds do not shrink; {more}"
    return f"{what}: {_count(found.seeds, 'seeds')} in each of {splits} splits, or {more}"


def _whole(results: Results) -> np.ndarray:
    """Rows that every arm has; of several splits the same first seeds of each."""
    whole = results.whole_seeds
    if results.study.splits == 1:
        return whole
    square = whole.reshape(results.study.splits, -1)
    return np.tile(square.all(axis=0), results.study.splits)


def _most(numbers: list[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return max(known) if len(known) == len(numbers) else None


def _count(number: int | None, what: str) -> str:
    return f"no number of {what}" if number is None else f"{number:,} {what}"
