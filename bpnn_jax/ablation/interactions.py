"""Does one choice matter more under another? Every two fields that vary, as contrasts of the arms of a study."""

import itertools

import numpy as np

from bpnn_jax import settings
from bpnn_jax.ablation.study import Study


def interactions(study: Study) -> dict[str, np.ndarray]:
    """A weight for each arm, for every two fields that vary: what the second one's change makes, and how much more under the first.

    A change goes from a field's first value to its last; over whatever else varies it is a mean. The weights are those of a
    difference of differences, in the order of ``study.arms``.

    >>> for name, weights in interactions(Study("xor", vary={"activation": ("sigmoid", "tanh"), "momentum": (0, 0.5, 0.9)})).items():
    ...     print(name, weights)
    momentum 0 to 0.9: activation=tanh - activation=sigmoid [ 1.  0. -1. -1.  0.  1.]
    """
    shape = tuple(len(values) for _, values in study.vary)
    found = {}
    for i, j in itertools.combinations(range(len(shape)), 2):
        if shape[i] == 1 or shape[j] == 1:
            continue
        weights = np.zeros(shape)
        for first, second in itertools.product((0, -1), repeat=2):
            at: list[slice | int] = [slice(None)] * len(shape)
            at[i], at[j] = first, second
            weights[tuple(at)] = 1 if first == second else -1
        rest = weights.size // (shape[i] * shape[j])
        found[_name(study, i, j)] = weights.ravel() / rest
    return found


def _name(study: Study, i: int, j: int) -> str:
    (under, above), (changed, values) = study.vary[i], study.vary[j]
    first, last = (f"{under.replace('_', '-')}={settings.shown(under, above[k])}" for k in (0, -1))
    before, after = (settings.shown(changed, values[k]) for k in (0, -1))
    return f"{changed.replace('_', '-')} {before} to {after}: {last} - {first}"
