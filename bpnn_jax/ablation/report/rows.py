"""What each chart shows, as rows: lists of dicts of strings, numbers and None, one per mark. And where each arm is drawn: in which
panel and in which colour, so that twelve arms can be told apart as well as two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bpnn_jax import settings
from bpnn_jax.ablation.report.words import CLEAR, PERCENT, p_value
from bpnn_jax.ablation.results import Results
from bpnn_jax.ablation.study import Study
from bpnn_jax.statistics import Comparison, Curve, Estimate, Summary

Rows = list[dict[str, Any]]

MIN_FALL = 0.005  # of a survival curve that is drawn: less is under a pixel
MIN_ERROR = 1e-12  # errors below are drawn here: a logarithmic axis has no 0
BAND = (0.1, 0.5, 0.9)  # quantiles of the runs' errors
MAX_COLOURS = 8  # that one can tell apart
MAX_TOGETHER = 4  # arms that share a panel with their bands and are still seen
MAX_PANELS = 24  # more of them cannot be compared by eye
RATE, MOMENTUM = "learning_rate", "momentum"


@dataclass(frozen=True)
class Panels:
    """The arms that are drawn, and of each its panel and its series, which is its colour.

    colour:   what the series are values of, in words: the legend's title.
    panels, series: in the order of the study.
    places:   arm to (panel, series).
    left_out: how many arms are not drawn, because they are too many.
    """

    colour: str
    panels: tuple[str, ...]
    series: tuple[str, ...]
    places: dict[str, tuple[str, str]]
    left_out: int = 0


def panels(study: Study, ranking: Sequence[str]) -> Panels:
    """Up to four arms share one panel, and so do up to eight values of a single field. Otherwise the field with the most values, up to
    eight, is the colour, and each combination of the others a panel. Where even that is too much, each arm has a panel of its own:
    the first arm, and those that come first in ``ranking``.

    >>> vary = {"activation": ("sigmoid", "tanh"), "momentum": (0, 0.1, 0.9)}
    >>> found = panels(Study("xor", vary=vary), ())
    >>> found.colour, found.series, found.panels
    ('momentum', ('0', '0.1', '0.9'), ('activation=sigmoid', 'activation=tanh'))
    """
    counts = {name: len(values) for name, values in study.factors}
    varied = [name for name, count in counts.items() if count > 1]
    arms = [arm.name for arm in study.arms]
    labels = {arm.name: {name: settings.shown(name, dict(arm.levels)[name]) for name in varied} for arm in study.arms}

    colour = None
    if len(varied) == 1 or len(arms) > MAX_TOGETHER:
        small = [name for name in varied if counts[name] <= MAX_COLOURS]
        colour = max(reversed(small), key=lambda name: counts[name], default=None)
        if colour is None or prod(counts[name] for name in varied if name != colour) > MAX_PANELS:
            return _one_each(arms, labels, ranking)
    if colour is None:
        places = {arm: ("", said(labels[arm]) or arm) for arm in arms}
    else:
        places = {arm: (said(labels[arm], without=(colour,)), labels[arm][colour]) for arm in arms}
    words = "" if colour is None else colour.replace("_", "-")
    return Panels(words, *_orders(places), places)


def said(words: dict[str, str], without: Sequence[str] = ()) -> str:
    """The values of an arm in words, ``activation=tanh, momentum=0.9``."""
    return ", ".join(f"{name.replace('_', '-')}={word}" for name, word in words.items() if name not in without)


def _one_each(arms: list[str], labels: dict[str, dict[str, str]], ranking: Sequence[str]) -> Panels:
    chosen = set(list(dict.fromkeys([arms[0], *ranking, *arms]))[:MAX_PANELS])
    places = {arm: (said(labels[arm]), "") for arm in arms if arm in chosen}
    return Panels("", *_orders(places), places, len(arms) - len(places))


def _orders(places: dict[str, tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(dict.fromkeys(p for p, _ in places.values())), tuple(dict.fromkeys(s for _, s in places.values()))


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
            drawn = [max(float(v), MIN_ERROR) if np.isfinite(v) else None for v in values]
            found.append(
                {"arm": arm, "panel": panel, "series": series, "epoch": epoch}
                | dict(zip(("median", "low", "high"), drawn, strict=True))
                | {"runs": len(followed)}
            )
    return found


def differences(results: Results, comparisons: Sequence[Comparison], arms: set[str]) -> Rows:
    """The comparisons whose arms are among ``arms``; of success rates and accuracies in percentage points.

    ``clear`` is whether p after Holm is 0.05 or less.
    """
    label, columns = labels(results), fields(results)
    found: Rows = []
    for c in comparisons:
        if c.arm not in arms:
            continue
        times, unit = (100, "percentage points") if c.kind in PERCENT else (1, c.unit)
        p = c.p if c.p_holm is None else c.p_holm
        found.append(
            {"arm": label[c.arm]}
            | columns[c.arm]
            | {
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
    found = []
    for k, (cell, about) in enumerate(zip(cells(results), summary.arms, strict=False)):
        numbers = {**_estimate("success", about.success), **_estimate("epochs", about.epochs)}
        diverged = int(results.diverged[results.whole_seeds, k].sum())
        found.append(cell | numbers | {"diverged": diverged, "runs": about.success.n})
    return found


def cells(results: Results) -> Rows:
    """Of each arm its panel, learning rate and momentum; empty where one of the two does not vary."""
    label = fields(results)
    if not {RATE.replace("_", "-"), MOMENTUM} <= set(next(iter(label.values()))):
        return []
    apart = (RATE.replace("_", "-"), MOMENTUM)
    return [
        {"arm": arm, "panel": said(words, without=apart), RATE: words[apart[0]], MOMENTUM: words[MOMENTUM]}
        for arm, words in label.items()
    ]


def fields(results: Results) -> dict[str, dict[str, str]]:
    """Of each arm the fields that vary, with their values in words; where none does, the arm by its name.

    A field that has one value only tells no arms apart.
    """
    varied = [name for name, values in results.study.factors if len(values) > 1]
    return {
        arm.name: {name.replace("_", "-"): settings.shown(name, dict(arm.levels)[name]) for name in varied}
        or {"arm": arm.name}
        for arm in results.study.arms
    }


def labels(results: Results) -> dict[str, str]:
    """Each arm by what varies alone."""
    return {arm: arm if "arm" in words else said(words) for arm, words in fields(results).items()}


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
        if curve.unsolved[kept[-1]] - curve.unsolved[k] >= MIN_FALL - 1e-9 or k == len(curve.epochs) - 1:
            kept.append(k)
    return kept
