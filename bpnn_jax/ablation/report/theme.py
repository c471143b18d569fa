"""How charts look on paper and on a page: sizes, colours that the colour-blind can tell apart, and Vega-Lite's configuration."""

from math import ceil, floor, log10
from typing import Any

WIDTH = 640  # of a chart, axes apart; a page fits it to the room that it has
LETTER = 6.3  # pixels, about
ROW = 18  # pixels per arm in a chart of dots

# Okabe and Ito's colours (2008).
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#7F7F7F")
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3])
HEAT = "viridis"
CLEAR_COLOUR, UNCLEAR_COLOUR = CATEGORIES[0], "#8A8F98"
EMPTY_COLOUR = "#8A8F98"  # a cell without a number

# Ink, quiet ink, lines and ground.
PAPER = ("#1c2025", "#555c66", "#dfe3e8", "white")
PAGE = ("var(--ink)", "var(--quiet)", "var(--line)", "transparent")  # the page's own, light or dark or printed


def band_opacity(series: int) -> float:
    """The opacity of bands, where ``series`` of them lie over each other."""
    return 0.18 if series <= 4 else 0.09


def config(colours: tuple[str, str, str, str] = PAPER) -> dict[str, Any]:
    """Vega-Lite's configuration: the same chart on paper and on a page, whose colours follow the reader's.

    >>> config()["background"], config(PAGE)["background"]
    ('white', 'transparent')
    """
    ink, quiet, line, ground = colours
    return {
        "background": ground,
        "font": "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif",
        "view": {"stroke": line},
        "axis": {
            "labelColor": quiet,
            "titleColor": ink,
            "titleFontWeight": "normal",
            "gridColor": line,
            "domainColor": quiet,
            "tickColor": quiet,
            "labelFontSize": 11,
            "titleFontSize": 12,
        },
        "legend": {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 0},
        "header": {
            "labelColor": ink,
            "labelFontSize": 12,
            "labelFontWeight": "bold",
            "titleColor": ink,
            "labelLimit": 0,
        },
        "rule": {"color": quiet},
        "text": {"color": ink},
        "range": {
            "category": list(CATEGORIES),
            "heatmap": {"scheme": HEAT},
        },
    }


def log_ticks(low: float, high: float) -> list[float]:
    """Where a logarithmic axis has its lines: 1, 2 and 5 of each decade, or every so many decades of many.

    >>> log_ticks(0.09, 3), log_ticks(1e-9, 1)
    ([0.1, 0.2, 0.5, 1.0, 2.0], [1e-08, 1e-06, 0.0001, 0.01, 1.0])
    """
    first, last = floor(log10(low)), ceil(log10(high))
    few = last - first <= 3
    ticks = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in ((1, 2, 5) if few else (1,))]
    step = 1 if few else ceil((last - first) / 6)
    return [tick for tick in ticks if low <= tick <= high and (few or round(log10(tick)) % step == 0)]
