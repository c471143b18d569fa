"""What the runs say: shares of variance, the best cell, what each choice is worth, and where it helps here and harms there."""

import itertools
from typing import Any

import numpy as np

from bpnn_jax import statistics
from experiments._report import CLEAR, holds
from experiments._runs import Family, Runs
from experiments.what_matters.design import FACTORS, ORDERS
from experiments.what_matters.table import AT_BEST, VIEWS, Choice, Table, crossed

KINDS = BOOLEAN, DATA = "Boolean tasks", "sets of data"
MOST_SETS = 6  # sets of factors that are kept of a task, those with the largest shares


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the answer, from the runs."""
    tables = {task: crossed(runs.where(task=task), of["epochs"], order=ORDERS[0]) for task, of in other.items()}
    tasks = {task: _of_task(table) for task, table in tables.items()}
    worth, partners = Family(), Family()
    for task, table in tables.items():
        for choice in table.choices:
            for view in VIEWS:
                worth.add(table.worth(choice, view).comparison(), task, choice.words, view)
        _add_partners(partners, task, table)
    found = {
        "tasks": tasks,
        "worth": worth.corrected(),
        "epochs": {task: _in_epochs(table) for task, table in tables.items() if table.epochs is not None},
        "reversals": _reversals(partners.corrected()),
        "order": _orders(runs, other),
        "ends": {task: _ends(runs.where(task=task), of["rates"]) for task, of in other.items()},
        "certificates": {task: of["certificates"] for task, of in other.items()},
        "seconds": {task: of["seconds"] for task, of in other.items()},
    }
    kinds = {task: BOOLEAN if table.epochs is not None else DATA for task, table in tables.items()}
    return found | {"kinds": kinds, "over tasks": _over_tasks(found["worth"], kinds)}


def _of_task(table: Table) -> dict[str, Any]:
    means = table.values.mean(axis=0)
    best = int(table.score.mean(axis=0).argmax())
    apart = np.delete(table.values - table.values[:, [best]], best, axis=1)
    p = statistics.effects(apart, np.eye(apart.shape[1]), *table.sample(apart)[1:2], inflation=table.sample(apart)[2]).p
    return {
        "units": len(table.values),
        "cells": len(means),
        "scatter": float(np.sqrt(max(statistics.total(table.values), 0.0))),
        "factors": {f: _share(table, f) for f, levels in table.factors.items() if len(levels) > 1},
        "sets": _sets(table),
        "best": {"cell": table.cells[best], **_estimate(table.at_best({}).comparison())},
        "as good": int((statistics.holm(list(p)) > CLEAR).sum()),
        "worst": {"cell": table.cells[int(means.argmin())], "value": float(means.min())},
        "article": _estimate(table.sample(table.mean(table.article)).comparison()),
    }


def _estimate(comparison: dict[str, Any]) -> dict[str, Any]:
    """A mean of shares: from 0 to 1."""
    low, high = max(comparison["low"], 0.0), min(comparison["high"], 1.0)
    return {"value": comparison["effect"], "low": low, "high": high, "n": comparison["n"]}


def _share(table: Table, factor: str) -> dict[str, Any]:
    """Of the variance among the cells what a factor makes alone, and what it makes alone and together with others."""
    at = list(table.factors).index(factor)
    units, levels = len(table.values), table.shape[at]
    cube = np.moveaxis(table.values.reshape(units, *table.shape), 1 + at, 1).reshape(units, -1)
    alone, *others = statistics.shares(cube, (levels, cube.shape[1] // levels))
    found = {"value": alone.share, "low": alone.low, "high": alone.high}
    if not others:  # it is the only factor
        return {"alone": found, "total": found}
    rest = others[0]
    return {"alone": found, "total": {"value": 1 - rest.share, "low": 1 - rest.high, "high": 1 - rest.low}}


def _sets(table: Table) -> list[dict[str, Any]]:
    names = list(table.factors)
    found = sorted(statistics.shares(table.values, table.shape), key=lambda s: -s.share)[:MOST_SETS]
    return [{"factors": [names[k] for k in s.factors], "value": s.share, "low": s.low, "high": s.high} for s in found]


def _in_epochs(table: Table) -> dict[str, Any]:
    """What each choice is worth in epochs up to the limit, with the others at their best."""
    of = table.in_epochs()
    return {choice.words: of.worth(choice, AT_BEST).comparison() for choice in of.choices}


def _add_partners(family: Family, task: str, table: Table) -> None:
    """Every choice under every level of every other factor, averaged over the rest."""
    for factor, levels in table.factors.items():
        for instead, level in itertools.combinations(levels, 2):
            choice = Choice(factor, level, instead)
            for partner, under in table.factors.items():
                for which in under if partner != factor and len(under) > 1 else ():
                    on, off = (table.mean({factor: of, partner: which}) for of in (level, instead))
                    family.add(table.sample(on - off).comparison(), task, choice.words, partner, which)


def _reversals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Choices that help under one level of a partner and harm under another, both after Holm's correction; the clearest first."""
    reversals = []
    for task, choices in found.items():
        for words, partners in choices.items():
            for partner, under in partners.items():
                standing = {level: c for level, c in under.items() if holds(c)}
                helps = max(standing, key=lambda level: standing[level]["effect"], default=None)
                harms = min(standing, key=lambda level: standing[level]["effect"], default=None)
                if helps and harms and standing[helps]["effect"] > 0 > standing[harms]["effect"]:
                    both = {"helps": {"under": helps, **standing[helps]}, "harms": {"under": harms, **standing[harms]}}
                    reversals.append({"task": task, "choice": words, "partner": partner, **both})
    return sorted(reversals, key=lambda r: -min(r["helps"]["effect"], -r["harms"]["effect"]))


def _orders(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    """The article's order in place of the gradient's, both with the previous gradient, on the tasks that have both."""
    tables = {}
    for task, of in other.items():
        if len((mine := runs.where(task=task)).values("order")) > 1:
            tables[task] = crossed(mine, of["epochs"], momentum="previous gradient")
    family = Family()
    choice = Choice("order", ORDERS[1], ORDERS[0])
    for task, table in tables.items():
        for view in VIEWS:
            family.add(table.worth(choice, view).comparison(), task, "worth", view)
        for partner, under in table.factors.items():
            for which in under if partner != "order" and len(under) > 1 else ():
                on, off = (table.mean({"order": order, partner: which}) for order in (choice.level, choice.instead))
                family.add(table.sample(on - off).comparison(), task, partner, which)
    found = family.corrected()
    return {task: {"share": _share(table, "order"), **found[task]} for task, table in tables.items()}


def _ends(runs: Runs, rates: list[float]) -> dict[str, float]:
    """Of the runs the shares whose rate was the lowest and the highest that was tried."""
    return {name: float((runs["rate"] == rate).mean()) for name, rate in (("lowest", rates[0]), ("highest", rates[-1]))}


def _over_tasks(worth: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    """Of each choice the mean over the tasks of a kind, which are all that is meant and weigh the same: their intervals together."""
    found: dict[str, Any] = {}
    for words in dict.fromkeys(words for of in worth.values() for words in of):
        for kind, view in itertools.product(KINDS, VIEWS):
            of = [choices[words][view] for task, choices in worth.items() if kinds[task] == kind and words in choices]
            if of:
                half = float(np.hypot.reduce([(c["high"] - c["low"]) / 2 for c in of]) / len(of))
                effect = float(np.mean([c["effect"] for c in of]))
                each = {"effect": effect, "low": effect - half, "high": effect + half, "tasks": len(of)}
                found.setdefault(words, {}).setdefault(kind, {})[view] = each
    return found


def varied(found: dict[str, Any]) -> list[str]:
    """The factors that have more levels than one, in the design's order."""
    return [f for f in FACTORS if any(f in of["factors"] for of in found["tasks"].values())]
