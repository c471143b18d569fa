"""Rows about the task's own outcome: of each arm, of each factor its share, and while training."""

import numpy as np

from bpnn_jax.ablation import outcomes
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.report.rows import BAND, Panels, Rows, cells, fields, labels
from bpnn_jax.ablation.results import Results


def leads(came: Findings) -> tuple[str, ...]:
    """The outcomes that are drawn: those that lead, otherwise the error, where it is known of every arm."""
    names = came.lead or (outcomes.ERROR,)
    return tuple(name for name in names if all(name in one for one in came.outcomes))


def scores(results: Results, came: Findings) -> Rows:
    """Each arm's outcome with its interval, the best first; of rates in percent."""
    names = leads(came)
    if not names or len(results.arms) < 2:
        return []
    label, columns = labels(results), fields(results)
    sign = -1 if names[0] in outcomes.RATES or names[0].endswith("r2") else 1
    order = sorted(range(len(results.arms)), key=lambda k: tuple(_key(came, k, name, sign) for name in names))
    return [
        {"arm": label[results.arms[k]]} | columns[results.arms[k]] | {"outcome": titled(name)} | _told(came, k, name)
        for name in names
        for k in order
    ]


def titled(name: str) -> str:
    """An outcome with its unit: ``test accuracy, %``."""
    return f"{outcomes.words(name)}, %" if name in outcomes.RATES else outcomes.words(name)


def shares(came: Findings) -> Rows:
    """Of each set of factors its share of the variance among arm means, in percent, the largest first."""
    names = [name for name in came.lead if sum(s.outcome == name for s in came.variance) > 1]
    found = sorted((s for s in came.variance if s.outcome in names), key=lambda s: (names.index(s.outcome), -s.share))
    return [
        {
            "factors": " x ".join(s.factors),
            "outcome": f"{outcomes.words(s.outcome)}, share in %",
            "share": 100 * s.share,
            "low": 100 * s.low,
            "high": 100 * s.high,
        }
        for s in found
    ]


def heat(results: Results, came: Findings) -> Rows:
    """A cell for each arm of a study of learning rate and momentum, with the outcome that leads."""
    name = came.lead[0]
    return [
        cell | {"outcome": titled(name)} | (_told(came, k, name) if name in came.outcomes[k] else _NONE)
        for k, cell in enumerate(cells(results))
    ]


_NONE = {"value": None, "low": None, "high": None, "runs": 0}


def learning(results: Results, came: Findings, panels: Panels) -> Rows:
    """The score that leads at the epochs that are kept, counted from 1, and at the last: median, and 10% and 90% of the runs.

    Over the seeds that every arm has. A run that stopped keeps its last score; what is not finite is None.
    """
    name, whole = came.lead[0] if came.lead else "", results.whole_seeds
    if name not in results.curves or not whole.any():
        return []
    times, curves, ended = outcomes.unit(name)[0], results.curves[name][whole], results.scores[name][whole]
    epochs = [*(results.curve_epochs + 1).tolist(), results.study.epochs]
    found: Rows = []
    for k, arm in enumerate(results.arms):
        if arm not in panels.places:
            continue
        followed = np.where(np.isnan(curves[:, k]), ended[:, k, None], curves[:, k])
        followed = np.nan_to_num(np.column_stack([followed, ended[:, k]]), nan=-np.inf)
        panel, series = panels.places[arm]
        quantiles = np.quantile(followed, BAND, axis=0, method="inverted_cdf")
        for epoch, *values in zip(epochs, *quantiles[[1, 0, 2]], strict=True):
            drawn = [times * float(v) if np.isfinite(v) else None for v in values]
            found.append(
                {"arm": arm, "panel": panel, "series": series, "epoch": epoch}
                | dict(zip(("median", "low", "high"), drawn, strict=True))
                | {"runs": len(followed)}
            )
    return found


def _told(came: Findings, k: int, name: str) -> dict[str, float | None]:
    one, times = came.outcomes[k][name], outcomes.unit(name)[0]
    return {"value": times * one.value, "low": times * one.low, "high": times * one.high, "runs": one.n}


def _key(came: Findings, k: int, name: str, sign: int) -> float:
    return (sign if name != outcomes.EPOCHS else 1) * came.outcomes[k][name].value
