"""The colours of all charts, light and dark, on a page and on paper. Okabe and Ito's (2008), which the colour-blind can tell apart."""

from math import ceil, floor, log10
from typing import Any

CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#7F7F7F")
HEAT = "viridis"
CLEAR, UNCLEAR = CATEGORIES[0], "#8A8F98"
EMPTY = "#8A8F98"  # a cell without a number


def band(series: int) -> float:
    """The opacity of bands, so many of them over each other."""
    return 0.18 if series <= 4 else 0.09


def config(dark: bool = False) -> dict[str, Any]:
    """Vega-Lite's configuration: the same chart on a light page and on a dark one.

    >>> config()["background"], config(dark=True)["background"]
    ('white', 'transparent')
    """
    ink, quiet, line = ("#e6e8eb", "#aeb4bc", "#3a4048") if dark else ("#1c2025", "#555c66", "#dfe3e8")
    return {
        "background": "transparent" if dark else "white",
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
