"""What each chart shows, as rows: lists of dicts of strings, numbers and None, a row a mark."""

from typing import Any

import numpy as np

from bpnn_jax import settings
from bpnn_jax.ablation.report.panels import Panels, said
from bpnn_jax.ablation.report.words import CLEAR, p_value
from bpnn_jax.ablation.results import Results
from bpnn_jax.statistics import SUCCESS, Curve, Estimate, Summary

Rows = list[dict[str, Any]]

FALL = 0.005  # of a survival curve that is drawn: less is under a pixel
FLOOR = 1e-12  # errors below are drawn here: a logarithmic axis has no 0
BAND = (0.1, 0.5, 0.9)
RATE, MOMENTUM = "learning_rate", "momentum"


def survival(summary: Summary, panels: Panels) -> Rows:
    """Steps of each arm's Kaplan-Meier curve: the share ``unsolved`` from ``epoch`` on, with its interval, up to the horizon."""
    found: Rows = []
    for arm in summary.arms:
        if arm.name not in panels.places:
            continue
        panel, series = panels.places[arm.name]
        for k in _falls(arm.curve):
            found.append(_step(arm.name, panel, series, float(arm.curve.epochs[k]), arm.curve, k))
        if found[-1]["epoch"] < summary.horizon:
            found.append(_step(arm.name, panel, series, summary.horizon, arm.curve, -1))
    return found


def loss(results: Results, panels: Panels) -> Rows:
    """The error E of each arm's runs at the epochs that are kept, counted from 1, and at the last: its ``median``, and the ``low``
    and ``high`` that 10% and 90% of the runs are below.

    Over the seeds that every arm has. A solved run keeps its last error and a diverged one counts as infinite, so that a curve
    is always about all ``runs``; what is infinite is None.
    """
    whole = results.whole_seeds
    if not whole.any():
        return []
    history, ended = results.history[whole], np.where(results.diverged[whole], np.inf, results.error[whole])
    epochs = [*(results.history_epochs + 1).tolist(), results.study.epochs]
    found: Rows = []
    for k, arm in enumerate(results.arms):
        if arm not in panels.places:
            continue
        followed = np.where(np.isnan(history[:, k]), ended[:, k, None], history[:, k])
        followed = np.column_stack([followed, ended[:, k]])
        low, median, high = np.quantile(
            followed, BAND, axis=0, method="inverted_cdf"
        )  # of runs that were: inf has no mean
        panel, series = panels.places[arm]
        for epoch, *values in zip(epochs, median, low, high, strict=True):
            drawn = [max(float(v), FLOOR) if np.isfinite(v) else None for v in values]
            found.append(
                {"arm": arm, "panel": panel, "series": series, "epoch": epoch}
                | dict(zip(("median", "low", "high"), drawn, strict=True))
                | {"runs": len(followed)}
            )
    return found


def differences(summary: Summary, results: Results, arms: set[str]) -> Rows:
    """Every comparison of the summary whose arms are among ``arms``; of success rates in percentage points.

    ``clear`` is whether p after Holm is 0.05 or less.
    """
    label = labels(results)
    found: Rows = []
    for c in summary.comparisons:
        if c.arm not in arms:
            continue
        times, unit = (100, "percentage points") if c.kind == SUCCESS else (1, c.unit)
        p = c.p if c.p_holm is None else c.p_holm
        found.append(
            {
                "arm": label[c.arm],
                "against": label[c.against],
                "kind": c.kind if unit in c.kind else f"{c.kind}, {unit}",
                "effect": times * c.effect,
                "low": times * c.low,
                "high": times * c.high,
                "p": p,
                "p_written": p_value(c),
                "clear": p <= CLEAR,
                "standardised": c.standardised,
                "above": c.above,
                "n": c.n,
            }
        )
    return found


def heat(results: Results, summary: Summary) -> Rows:
    """A cell for each arm of a study of learning rate and momentum: success rate and mean epochs to solve, with their intervals.

    What else varies makes a panel. Empty where one of the two does not vary.
    """
    varied = [name for name, values in results.study.vary if len(values) > 1]
    if not {RATE, MOMENTUM} <= set(varied):
        return []
    found: Rows = []
    for k, (arm, about) in enumerate(zip(results.study.arms, summary.arms, strict=True)):
        words = {name: settings.shown(name, getattr(arm.run, name)) for name in varied}
        found.append(
            {
                "arm": arm.name,
                "panel": said(words, without=(RATE, MOMENTUM)),
                RATE: words[RATE],
                MOMENTUM: words[MOMENTUM],
                **_estimate("success", about.success),
                **_estimate("epochs", about.epochs),
                "diverged": int(results.diverged[results.whole_seeds, k].sum()),
                "runs": about.success.n,
            }
        )
    return found


def labels(results: Results) -> dict[str, str]:
    """Each arm by what varies alone: a field that has one value only tells no arms apart."""
    varied = [name for name, values in results.study.vary if len(values) > 1]
    return {
        arm.name: said({name: settings.shown(name, getattr(arm.run, name)) for name in varied}) or arm.name
        for arm in results.study.arms
    }


def _estimate(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    ends = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))


def _step(arm: str, panel: str, series: str, epoch: float, curve: Curve, k: int) -> dict[str, Any]:
    return {
        "arm": arm,
        "panel": panel,
        "series": series,
        "epoch": epoch,
        "unsolved": float(curve.unsolved[k]),
        "low": float(curve.low[k]),
        "high": float(curve.high[k]),
    }


def _falls(curve: Curve) -> list[int]:
    """The steps that are drawn: the first, the last, and each that is half a percent or more below the one drawn before."""
    kept = [0]
    for k in range(1, len(curve.epochs)):
        if curve.unsolved[kept[-1]] - curve.unsolved[k] >= FALL - 1e-9 or k == len(curve.epochs) - 1:
            kept.append(k)
    return kept
