"""Which arm is drawn in which panel and in which colour, so that twelve arms can be told apart as well as two."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from bpnn_jax import settings
from bpnn_jax.ablation.study import Study

COLOURS = 8  # that one can tell apart
TOGETHER = 4  # arms that share a panel with their bands and are still seen
MOST = 24  # panels; more of them nobody compares


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
    varied = [name for name, values in study.vary if len(values) > 1]
    counts = {name: len(values) for name, values in study.vary}
    arms = [arm.name for arm in study.arms]
    labels = {arm.name: {name: settings.shown(name, getattr(arm.run, name)) for name in varied} for arm in study.arms}

    colour = None
    if len(varied) == 1 or len(arms) > TOGETHER:
        small = [name for name in varied if counts[name] <= COLOURS]
        colour = max(reversed(small), key=lambda name: counts[name], default=None)
        if colour is None or prod(counts[name] for name in varied if name != colour) > MOST:
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
    chosen = set(list(dict.fromkeys([arms[0], *ranking, *arms]))[:MOST])
    places = {arm: (said(labels[arm]), "") for arm in arms if arm in chosen}
    return Panels("", *_orders(places), places, len(arms) - len(places))


def _orders(places: dict[str, tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(dict.fromkeys(p for p, _ in places.values())), tuple(dict.fromkeys(s for _, s in places.values()))
