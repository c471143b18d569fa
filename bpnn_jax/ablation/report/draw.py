"""The pictures drawn by Altair: ``chart(picture)`` is an Altair chart, and saves as PNG, SVG or HTML as those do."""

from collections.abc import Callable
from math import ceil, floor, log10
from typing import Any

from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.rows import MOMENTUM, RATE, Panels
from bpnn_jax.errors import InputError

try:
    import altair as alt
except ImportError as error:
    raise InputError("charts for a page stand on Altair; for these pip install 'bpnn-jax[report]'") from error

WIDTH = 640  # of a chart, axes apart; a page fits it to the room that it has
LETTER = 6.3  # pixels, about
ROW = 18  # pixels per arm in the chart of differences

# Okabe and Ito's colours (2008), which the colour-blind can tell apart.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#7F7F7F")
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3])
HEAT = "viridis"
CLEAR_COLOUR, UNCLEAR_COLOUR = CATEGORIES[0], "#8A8F98"
EMPTY_COLOUR = "#8A8F98"  # a cell without a number


def chart(picture: Picture) -> Any:
    """An Altair chart of a picture, in the light colours.

    Its ``usermeta`` says how a page fits it to the room that there is: at most ``most`` panels beside each other, none under ``least``
    pixels, ``margin`` pixels for the axis on the left.
    """
    drawn = _CHARTS[picture.kind](picture)
    return drawn.properties(description=picture.description).configure(**config())


def band_opacity(series: int) -> float:
    """The opacity of bands, where ``series`` of them lie over each other."""
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


def _curves(picture: Picture, value: str, step: bool, y: dict[str, Any], tooltip: list) -> Any:
    """A line with its band per arm, a facet per panel; a click on a name in the legend picks its line."""
    where = picture.panels
    shape = "step-after" if step else "linear"
    colour = _colour(where)
    scale = alt.Scale(domain=[0, picture.limit], nice=False)
    base = alt.Chart().encode(x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format=",d", tickCount=4), scale=scale))
    picked = alt.selection_point(fields=["series"], bind="legend")
    band = base.mark_area(interpolate=shape, opacity=band_opacity(len(where.series))).encode(
        y=alt.Y("low:Q", **y), y2="high:Q", color=colour
    )
    line = base.mark_line(interpolate=shape, strokeWidth=1.8).encode(
        y=alt.Y(f"{value}:Q", **y),
        color=colour,
        strokeDash=_dashes(where),
        opacity=alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.15)),
    )
    # What a pointer finds: a line answers as a whole, with its first row only.
    points = base.mark_point(opacity=0, size=40, filled=True).encode(
        y=alt.Y(f"{value}:Q", **y), tooltip=[alt.Tooltip("arm:N"), *tooltip]
    )
    layers = alt.layer(band, line.add_params(picked), points)
    many = len(where.panels) > 1
    most = min(len(where.panels), 3 if len(where.panels) > 8 else 2)
    fit = {"most": most, "least": 190 if most == 3 else 240, "margin": 62}
    return _facets(layers, picture, "panel", where.panels, most, 150 if many else 280, fit)


def _facets(layers: Any, picture: Picture, field: str, order: Any, columns: int, height: Any, fit: dict) -> Any:
    data = alt.Data(values=picture.rows)
    width = WIDTH // columns - (14 if columns > 1 else 0)
    layers = layers.properties(width=width, height=height)
    if len(order) == 1:
        return layers.properties(data=data, usermeta={"fit": fit})
    header = alt.Header(title=None, labelAnchor="start", labelPadding=4)
    facet = alt.Facet(f"{field}:N", sort=list(order), header=header)
    return layers.facet(facet=facet, columns=columns, data=data).properties(usermeta={"fit": fit})


def _colour(where: Panels) -> Any:
    if len(where.series) == 1:
        return alt.value(CATEGORIES[0])
    return alt.Color("series:N", scale=alt.Scale(domain=list(where.series)), legend=_legend(where))


def _dashes(where: Panels) -> Any:
    """Beside the colours, for a printer that has none."""
    if len(where.series) == 1:
        return alt.value(DASHES[0])
    scale = alt.Scale(domain=list(where.series), range=list(DASHES))  # Vega merges legends of equal domains
    return alt.StrokeDash("series:N", scale=scale, legend=_legend(where))


def _legend(where: Panels) -> alt.Legend:
    long = sum(map(len, where.series)) * LETTER > WIDTH / 2
    return alt.Legend(
        title=where.colour or None,
        orient="top",
        columns=1 if long else 0,
        symbolType="stroke",
        symbolSize=500,
        symbolStrokeWidth=2,
        symbolOpacity=1,
    )


def _survival(picture: Picture) -> Any:
    share = {"title": "not yet solved", "axis": alt.Axis(format=".0%", tickCount=5), "scale": alt.Scale(domain=[0, 1])}
    tooltip = [
        alt.Tooltip("epoch:Q", format=","),
        alt.Tooltip("unsolved:Q", title="not yet solved", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    return _curves(picture, "unsolved", True, share, tooltip)


def _loss(picture: Picture) -> Any:
    low, high = picture.span(("median", "low", "high"))
    low, high = low / 1.2, high * 1.2
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    error = {"title": "error E", "axis": alt.Axis(format="~g", values=log_ticks(low, high)), "scale": scale}
    tooltip = [
        alt.Tooltip("epoch:Q", format=","),
        alt.Tooltip("median:Q", format=".3g"),
        alt.Tooltip("low:Q", title="10% of the runs below", format=".3g"),
        alt.Tooltip("high:Q", title="90% of the runs below", format=".3g"),
        alt.Tooltip("runs:Q", format=","),
    ]
    return _curves(picture, "median", False, error, tooltip)


def _differences(picture: Picture) -> Any:
    arms = list(dict.fromkeys(row["arm"] for row in picture.rows))
    kinds = list(dict.fromkeys(row["kind"] for row in picture.rows))
    y = alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=0, grid=True, domain=False, ticks=False))
    colour = alt.when("datum.clear").then(alt.value(CLEAR_COLOUR)).otherwise(alt.value(UNCLEAR_COLOUR))
    base = alt.Chart().encode(y=y)
    zero = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(0))
    x = alt.X("low:Q", title=None, axis=alt.Axis(tickCount=4))
    bar = base.mark_rule(strokeWidth=1.8).encode(x=x, x2="high:Q", color=colour)
    dot = base.mark_point(size=55, strokeWidth=1.6, opacity=1).encode(
        x="effect:Q",
        color=colour,
        fill=alt.when("datum.clear").then(alt.value(CLEAR_COLOUR)).otherwise(alt.value("transparent")),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("against:N", title="minus"),
            alt.Tooltip("kind:N", title="difference in"),
            alt.Tooltip("effect:Q", format="+.3g"),
            alt.Tooltip("low:Q", title="from", format="+.3g"),
            alt.Tooltip("high:Q", title="to", format="+.3g"),
            alt.Tooltip("p_written:N", title="p after Holm"),
            alt.Tooltip("standardised:Q", title="standardised", format="+.2f"),
            alt.Tooltip("above:Q", title="runs above", format=".0%"),
            alt.Tooltip("n:Q", title="pairs of runs"),
        ],
    )
    parts = max(len(part) for arm in arms for part in arm.split(", "))
    fit = {
        "most": len(kinds),
        "least": LETTER * max(map(len, kinds)),
        "margin": LETTER * max(map(len, arms)) + 12,
        # Where that leaves no room, the labels' parts go below each other.
        "split": {"margin": LETTER * parts + 12, "step": 4 + 14 * max(arm.count(", ") + 1 for arm in arms)},
    }
    drawn = _facets(alt.layer(zero, bar, dot), picture, "kind", kinds, len(kinds), alt.Step(ROW), fit)
    return drawn.resolve_scale(x="independent") if len(kinds) > 1 else drawn


def _heat(picture: Picture, value: str, written: str, colour: alt.Color, pale: Callable[[float], bool]) -> Any:
    """Cells with their number in them, in black on the bright ones."""
    rows = [row | {"pale": row[value] is not None and pale(row[value])} for row in picture.rows]
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    rates, momenta = (_numbers(rows, field) for field in (RATE, MOMENTUM))
    base = alt.Chart().encode(
        x=alt.X(f"{MOMENTUM}:O", sort=momenta, title="momentum", axis=alt.Axis(labelAngle=0)),
        y=alt.Y(f"{RATE}:O", sort=rates[::-1], title="learning rate"),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("success:Q", title="solved", format=".1%"),
            alt.Tooltip("success_low:Q", title="from", format=".1%"),
            alt.Tooltip("success_high:Q", title="to", format=".1%"),
            alt.Tooltip("epochs:Q", title="mean epochs to solve", format=",.0f"),
            alt.Tooltip("epochs_low:Q", title="from ", format=",.0f"),
            alt.Tooltip("epochs_high:Q", title="to ", format=",.0f"),
            alt.Tooltip("diverged:Q", format=","),
            alt.Tooltip("runs:Q", format=","),
        ],
    )
    known = f"isValid(datum.{value})"
    cells = base.mark_rect().encode(color=colour).transform_filter(known)
    empty = base.mark_rect(color=EMPTY_COLOUR).transform_filter(f"!{known}")
    ink = alt.when("datum.pale").then(alt.value("black")).otherwise(alt.value("white"))
    text = (
        base.mark_text(fontSize=11)
        .encode(text=alt.Text("written:N"), color=ink)
        .transform_calculate(written=f"{known} ? format(datum.{value}, '{written}') : '–'")
    )
    layers = alt.layer(empty, cells, *([text] if max(len(rates), len(momenta)) <= 12 else []))
    columns = 1 if len(panels) == 1 else 2
    fit = {"most": columns, "least": 36 * len(momenta), "margin": 62, "widest": 64 * len(momenta)}
    shown = Picture(**{**vars(picture), "rows": rows})
    return _facets(layers, shown, "panel", panels, columns, alt.Step(30), fit)


def _success(picture: Picture) -> Any:
    colour = alt.Color(
        "success:Q", scale=alt.Scale(domain=[0, 1]), legend=alt.Legend(title="solved", format=".0%", orient="right")
    )
    return _heat(picture, "success", ".0%", colour, lambda share: share > 0.55)


def _epochs(picture: Picture) -> Any:
    low, high = picture.span(("epochs",))
    colour = alt.Color(
        "epochs:Q",
        scale=alt.Scale(domain=[low, high], reverse=True),
        legend=alt.Legend(title="epochs", format=",.0f", orient="right"),
    )
    return _heat(picture, "epochs", ",.0f", colour, lambda epochs: high - epochs > 0.55 * (high - low))


def _numbers(rows: list[dict[str, Any]], field: str) -> list[str]:
    return sorted({row[field] for row in rows}, key=float)


_CHARTS: dict[str, Callable[[Picture], Any]] = {
    "survival": _survival,
    "differences": _differences,
    "success": _success,
    "epochs": _epochs,
    "loss": _loss,
}
