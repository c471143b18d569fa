"""Looks at a study that is not finished: at 25, 50, 75 and 100% of its seeds, and what each may say.

An unfinished study has estimates at any time. Intervals and p-values are those of the last look that it has reached, over the first
seeds of its list, and count all looks (``statistics.repeated``). A study that nobody looked into before its end is a single look: its
intervals and p-values are the ordinary ones. Who looks is kept in the folder (``looks.json``).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bpnn_jax import statistics
from bpnn_jax._runtime.reading import LARGEST_JSON, DamagedError, read_file, sealed, unsealed
from bpnn_jax.ablation.folder import LOOKS, Store
from bpnn_jax.ablation.study import Study
from bpnn_jax.errors import InputError
from bpnn_jax.statistics import Comparison, Look

if TYPE_CHECKING:
    from bpnn_jax.ablation.results import Results

LEVEL = 0.95
INTERIM = len(statistics.LOOKS) - 1


def rows(results: "Results") -> np.ndarray:
    """(rows,), those that intervals and p-values are about: all at the end, before it those of the last look's seeds."""
    seeds, splits = len(results.study.seed_list), results.study.splits
    if results.complete:
        return np.ones(len(results.seeds), bool)
    found = statistics.look_at(_leading(results), seeds)
    count = 0 if found is None else statistics.needed(found.share, seeds)
    return np.tile(np.arange(seeds) < count, splits)


def look(results: "Results") -> Look | None:
    """The look that these rows are; None before the first, and where there is no other than that at the end."""
    if results.complete:
        return statistics.numbered(INTERIM + 1) if results.looked else None
    return statistics.look_at(_leading(results), len(results.study.seed_list))


def level(results: "Results") -> float:
    """Of the intervals."""
    found = results.look
    return LEVEL if found is None else found.level


def corrected(results: "Results", p: float) -> float:
    """A p-value that counts all looks."""
    return p if results.look is None else statistics.repeated(p, results.look)


def compared(results: "Results", family: tuple[Comparison, ...]) -> tuple[Comparison, ...]:
    """Comparisons whose p-values count all looks, corrected by Holm."""
    if results.look is None:
        return family
    return tuple(statistics.correct([replace(c, p=corrected(results, c.p)) for c in family]))


def smaller(study: Study) -> list[Study]:
    """The study as each look before its end has it: with the first of its seeds."""
    found, count = [], len(study.seed_list)
    for share in statistics.LOOKS[:-1]:
        first = statistics.needed(share, count)
        seeds = first if isinstance(study.seeds, int) else tuple(study.seed_list[:first])
        try:
            found.append(replace(study, seeds=seeds))
        except InputError:  # too few to tune by
            continue
    return found


def words(results: "Results") -> str | None:
    """Which look it is, in a sentence; None where there is no other."""
    found = results.look
    if found is None:
        return None
    seeds, of = statistics.needed(found.share, len(results.study.seed_list)), len(statistics.LOOKS)
    which = f"look {found.number} of {of}, over the first {seeds:,} of {len(results.study.seed_list):,} seeds"
    if results.complete:
        which = f"look {found.number} of {of}: the study was looked into before its end"
    return f"{which}; intervals at {100 * found.level:.6g}%, p-values count all looks (O'Brien and Fleming's spending)"


def _leading(results: "Results") -> int:
    """How many of the first seeds every arm has in every split."""
    there = results.whole_seeds.reshape(results.study.splits, -1)
    missing = np.flatnonzero(~there.all(axis=0))
    return int(missing[0]) if len(missing) else there.shape[1]


def keep(store: Store, results: "Results") -> None:
    """Write down that somebody has looked, where that is before the end. Raises InputError where it cannot be written."""
    if results.look is None or results.complete or seen(store, results.study, []) >= results.look.number:
        return
    store.put(store.folder / LOOKS, sealed({"looked": results.look.number}))


def seen(store: Store, study: Study, before: list[Study]) -> int:
    """The last look before the end that somebody has taken, 0 for none.

    A study that has grown was seen when it was smaller, and a file that is damaged counts as the last look.
    """
    grown = any(len(one.seed_list) < len(study.seed_list) or one.splits < study.splits for one in before)
    path = store.folder / LOOKS
    try:
        found = unsealed(read_file(path, LARGEST_JSON, "the looks at a study"), path, {"looked": int})
    except FileNotFoundError:
        return int(grown)
    except DamagedError:
        return INTERIM
    return max(int(grown), min(max(found["looked"], 1), INTERIM))
