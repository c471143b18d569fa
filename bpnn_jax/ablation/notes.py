"""What one has to know to read a study's figures: over what intervals are, what a choice drags along, what was tuned."""

from collections.abc import Sequence

import numpy as np

from bpnn_jax.ablation import tuning
from bpnn_jax.ablation.outcomes import TESTED, words
from bpnn_jax.ablation.results import Results


def apart(results: Results, lead: Sequence[str]) -> bool:
    """Whether tasks of different kinds have no outcome in common."""
    return not lead and len(set(results.kinds)) > 1


def notes(results: Results, values: dict[str, np.ndarray], lead: Sequence[str]) -> tuple[str, ...]:
    found = []
    tested = bool(lead) and lead[0] in TESTED
    if apart(results, lead):
        kinds = ", ".join(dict.fromkeys(results.kinds))
        found.append(
            f"tasks of different kinds ({kinds}) have no outcome in common: a study for each compares its arms"
        )
    if tested and results.study.splits == 1:
        found.append(
            "intervals are over seeds, for this one split; --splits 20 makes them about splits of this data set"
        )
    elif tested:
        found.append(f"intervals are over {results.study.splits} splits of this data set; for new data they are wider")
    bad = [arm for k, arm in enumerate(results.arms) if lead and not np.isfinite(values[lead[0]][:, k]).all()]
    if bad:
        found.append(
            f"runs diverged in {len(bad)} of {len(results.arms)} arms, which have no mean of {words(lead[0])}: {bad[0]}"
        )
    found += _dragged(results)
    if results.study.tune:
        how = (
            "the other half of the seeds" if tuning.halves(results) is not None else "the validation part of each split"
        )
        tuned = ", ".join(name.replace("_", "-") for name, _ in results.study.tune)
        found.append(f"each arm at its own best {tuned}, chosen on {how}; intervals take the chosen values as given")
    if (warned := tuning.warning(results)) is not None:
        found.append(warned)
    return tuple(found)


def _dragged(results: Results) -> list[str]:
    """What a choice changes beside itself, and how to vary it alone."""
    varied = {name for name, values in (*results.study.vary, *results.study.tune) if len(values) > 1}
    runs, found = [arm.run for arm in results.study.arms], []
    if "activation" in varied and any(run.output_activation == "same" for run in runs):
        found.append(
            "activation changes the outputs too, and what their targets mean; --output-activation sigmoid, say, keeps them alike"
        )
    if "momentum" in varied and any(run.rule == "previous-gradient" for run in runs):
        found.append(
            "momentum of rule previous-gradient adds M times the last gradient to N times this one: a larger step; --rule heavy-ball, "
            "or rates with equal N + M, or --tune learning-rate would compare equal ones"
        )
    return found
