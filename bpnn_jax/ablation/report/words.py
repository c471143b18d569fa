"""How numbers, intervals and comparisons are written, on a terminal and on a page alike."""

from bpnn_jax.statistics import SUCCESS, Comparison, Estimate

CLEAR = 0.05  # p after Holm at which a difference is called clear
TINY = 1e-300  # below this a p-value is rounding


def number(value: float, sign: str = "") -> str:
    """Three digits, and all of those before the point.

    >>> number(1234.5), number(999.7), number(-0.012345), number(7, "+")
    ('1234', '1000', '-0.0123', '+7')
    """
    return format(value, f"{sign}.0f" if abs(value) >= 999.5 else f"{sign}.3g")


def interval(estimate: Estimate | None, times: float = 1, unit: str = "") -> str:
    """An estimate with its interval; ``-`` where there is none."""
    if estimate is None:
        return "-"
    value, low, high = (times * v for v in (estimate.value, estimate.low, estimate.high))
    return f"{number(value)}{unit} [{number(low)}, {number(high)}]"


def percent(value: float, low: float, high: float, digits: int = 1) -> str:
    """A rate with its interval, in per cent, for a sentence.

    >>> percent(0.996, 0.9898, 0.9984)
    '99.6% [99.0, 99.8]'
    """
    return f"{100 * value:.{digits}f}% [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def p_words(p: float) -> str:
    """A p-value for a sentence.

    >>> p_words(0.0312), p_words(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def effect(comparison: Comparison) -> str:
    """The difference with its interval; of success rates in percentage points."""
    times, unit = (100, "%") if comparison.kind == SUCCESS else (1, "")
    value, low, high = (number(times * v, "+") for v in (comparison.effect, comparison.low, comparison.high))
    return f"{value}{unit} [{low}, {high}]"


def strength(comparison: Comparison) -> str:
    """The standardised difference, where there is one, and p after Holm."""
    d = "" if comparison.standardised is None else f"d {comparison.standardised:+.2f}, "
    return f"{d}p {p_value(comparison)}"


def p_value(comparison: Comparison) -> str:
    """After Holm, where that has been made."""
    p = comparison.p if comparison.p_holm is None else comparison.p_holm
    return f"{p:.2g}" if p >= TINY else f"< {TINY:g}"
