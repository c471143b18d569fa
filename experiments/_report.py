"""Words and colours that the experiments have in common."""

from typing import Any

# Okabe and Ito's colours, which people tell apart however they see colours.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
)  # fmt: skip
GREY = "#767676"
INTERVALS = "Brackets are 95% intervals."
CLEAR = 0.05  # p after Holm's correction at which a difference stands


def percent(estimate: dict[str, Any], digits: int = 1) -> str:
    """A rate with its interval, in per cent.

    >>> percent({"value": 0.996, "low": 0.9898, "high": 0.9984})
    '99.6% [99.0, 99.8]'
    """
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:.{digits}f}% [{low:.{digits}f}, {high:.{digits}f}]"


def p_words(p: float) -> str:
    """A p-value for a sentence.

    >>> p_words(0.0312), p_words(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def number(estimate: dict[str, Any], digits: int = 0) -> str:
    """A number with its interval.

    >>> number({"value": 1234.4, "low": 1100.2, "high": 1300.0})
    '1234 [1100, 1300]'
    """
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def difference(comparison: dict[str, Any], digits: int = 0, scale: float = 1.0) -> str:
    """An effect with its sign and its interval; ``scale=100`` makes percentage points of a difference of rates.

    >>> difference({"effect": -0.123, "low": -0.2, "high": 0.01}, 1, 100)
    '-12.3 [-20.0, +1.0]'
    """
    effect, low, high = (scale * comparison[key] for key in ("effect", "low", "high"))
    return f"{effect:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def points(comparison: dict[str, Any], p: str = "p") -> str:
    """A difference of rates in percentage points, with its p-value, or with ``p_holm``.

    >>> points({"effect": -0.123, "low": -0.2, "high": 0.01, "p": 0.071})
    '-12.3 [-20.0, +1.0] points, p = 0.071'
    """
    return f"{difference(comparison, 1, 100)} points, {p_words(comparison[p])}"


def holds(comparison: dict[str, Any]) -> bool:
    """Whether the difference stands after Holm's correction, at 5%."""
    return comparison["p_holm"] is not None and comparison["p_holm"] <= CLEAR


def detectable(comparison: dict[str, Any], scale: float = 1.0) -> float:
    """The smallest difference that a repetition would find in four of five cases, at 5%, from the width of the interval.

    >>> round(detectable({"low": -1.96, "high": 1.96}), 1)
    2.8
    """
    return scale * (comparison["high"] - comparison["low"]) / 2 * 2.8 / 1.96


def outcome(comparisons: dict[str, dict[str, Any]]) -> str:
    """Where the first of two takes fewer epochs, where more, and where no difference stands, and then which would have been seen.

    >>> outcome({"xor": {"effect": -9, "low": -12, "high": -5, "p_holm": 0.001}})
    'fewer epochs on xor (-9 [-12, -5])'
    >>> outcome({"xor": {"effect": -9, "low": -29, "high": 10, "p_holm": 0.2}})
    'no difference that stands on xor (-9 [-29, +10]; 28 would have been seen)'
    """
    groups: dict[str, list[str]] = {"fewer epochs": [], "more epochs": [], "no difference that stands": []}
    for name, c in comparisons.items():
        where = ("fewer epochs" if c["effect"] < 0 else "more epochs") if holds(c) else "no difference that stands"
        seen = "" if holds(c) else f"; {detectable(c):.0f} would have been seen"
        groups[where].append(f"{name} ({difference(c)}{seen})")
    return ", ".join(f"{where} on {' and '.join(names)}" for where, names in groups.items() if names)
