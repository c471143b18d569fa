"""What comparisons could have shown: the smallest effect that each would have found, and whether arms are the same within a margin."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from bpnn_jax import statistics
from bpnn_jax.statistics import Comparison

ALPHA = 0.05


def told(
    family: Sequence[Comparison],
    margins: Mapping[str, float | None],
    errors: Sequence[tuple[float, float]] | None = None,
) -> tuple[Comparison, ...]:
    """The comparisons with what each could have shown.

    That is the smallest effect that it finds with 80% power, at Holm's first step among so many; and where its kind has a margin, the
    p-value of "it is that or more", corrected by Holm.

    errors: for each the standard error of its effect and the degrees of freedom; otherwise those that its interval says, normal.

    >>> from bpnn_jax.statistics import compare_rates
    >>> one = compare_rates([1, 1, 1, 0] * 25, [1, 1, 0, 1] * 25)
    >>> told([one], {"success rate": 0.2})[0].equivalence < 0.05, round(told([one], {})[0].detectable, 2)
    (True, 0.2)
    """
    known = [_normal(c) for c in family] if errors is None else list(errors)
    alphas = [(1 - c.level if c.level != 0.95 else ALPHA) / len(family) for c in family]
    smallest = [statistics.detectable(*one, alpha=alpha) for one, alpha in zip(known, alphas, strict=True)]
    given = [k for k, c in enumerate(family) if margins.get(c.kind) is not None]
    p = [statistics.equivalence(family[k].effect, *known[k], _margin(margins, family[k])) for k in given]
    same = dict(zip(given, statistics.holm(p), strict=True)) if given else {}
    return tuple(
        replace(c, detectable=smallest[k], equivalence=float(same[k]) if k in same else None)
        for k, c in enumerate(family)
    )


def _margin(margins: Mapping[str, float | None], one: Comparison) -> float:
    found = margins[one.kind]
    assert found is not None
    return found


def _normal(one: Comparison) -> tuple[float, float]:
    """The standard error that an interval stands for, as if it were normal."""
    return (one.high - one.low) / (2 * float(special.ndtri((1 + one.level) / 2))), np.inf
