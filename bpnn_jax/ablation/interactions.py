"""Does one choice matter more under another? Every two fields that vary, as contrasts of the arms of a study."""

import itertools

import numpy as np

from bpnn_jax import settings
from bpnn_jax.ablation.study import Study
from bpnn_jax.statistics import Contrast


def interactions(study: Study) -> list[Contrast]:
    """One contrast of the arms for every two fields that vary: what the second one's change makes under the first one's last value,
    minus what it makes under the first one's first value.

    A change goes from a field's first value to its last; over whatever else varies it is a mean. The weights are those of a
    difference of differences, in the order of ``study.arms``.

    >>> study = Study("xor", vary={"activation": ("sigmoid", "tanh"), "momentum": (0, 0.5, 0.9)})
    >>> for contrast in interactions(study):
    ...     print(*contrast, sep="; ")
    [ 1.  0. -1. -1.  0.  1.]; momentum 0 to 0.9; activation=tanh; activation=sigmoid
    """
    shape = tuple(len(values) for _, values in study.vary)
    found = []
    for i, j in itertools.combinations(range(len(shape)), 2):
        if shape[i] == 1 or shape[j] == 1:
            continue
        weights = np.zeros(shape)
        for first, second in itertools.product((0, -1), repeat=2):
            at: list[slice | int] = [slice(None)] * len(shape)
            at[i], at[j] = first, second
            weights[tuple(at)] = 1 if first == second else -1
        rest = weights.size // (shape[i] * shape[j])
        found.append(_contrast(study, i, j, weights.ravel() / rest))
    return found


def _contrast(study: Study, i: int, j: int, weights: np.ndarray) -> Contrast:
    (under, levels), (changed, values) = study.vary[i], study.vary[j]
    first, last = (f"{under.replace('_', '-')}={settings.shown(under, levels[k])}" for k in (0, -1))
    before, after = (settings.shown(changed, values[k]) for k in (0, -1))
    return Contrast(weights, f"{changed.replace('_', '-')} {before} to {after}", last, first)
