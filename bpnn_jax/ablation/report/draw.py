"""The pictures drawn by Altair, for a page: ``chart(picture)`` is an Altair chart, and saves as PNG, SVG or HTML as those do."""

from collections.abc import Callable
from typing import Any

from bpnn_jax.ablation.report import style
from bpnn_jax.ablation.report.panels import Panels
from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.rows import MOMENTUM, RATE
from bpnn_jax.errors import InputError

try:
    import altair as alt
except ImportError as error:
    raise InputError("charts for a page stand on Altair; for these pip install 'bpnn-jax[report]'") from error

WIDTH = 640  # of a chart, axes apart; a page fits it to the room that it has
LETTER = 6.3  # pixels, about
ROW = 18  # pixels an arm in the chart of differences


def chart(picture: Picture) -> Any:
    """An Altair chart of a picture, in the light colours.

    Its ``usermeta`` says how a page fits it to the room that there is: at most ``most`` panels beside each other, none under ``least``
    pixels, ``margin`` pixels for the axis on the left.
    """
    drawn = _CHARTS[picture.kind](picture)
    return drawn.properties(description=picture.description).configure(**style.config())


def _curves(picture: Picture, value: str, step: bool, y: dict[str, Any], tooltip: list) -> Any:
    """A line an arm with its band, a panel a facet; the legend's words pick a line."""
    where = picture.panels
    shape = "step-after" if step else "linear"
    colour = _colour(where)
    scale = alt.Scale(domain=[0, picture.limit], nice=False)
    base = alt.Chart().encode(x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format=",d", tickCount=4), scale=scale))
    picked = alt.selection_point(fields=["series"], bind="legend")
    band = base.mark_area(interpolate=shape, opacity=style.band(len(where.series))).encode(
        y=alt.Y("low:Q", **y), y2="high:Q", color=colour
    )
    line = base.mark_line(interpolate=shape, strokeWidth=1.8).encode(
        y=alt.Y(f"{value}:Q", **y),
        color=colour,
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
        return alt.value(style.CATEGORIES[0])
    long = sum(map(len, where.series)) * LETTER > WIDTH / 2
    legend = alt.Legend(
        title=where.colour or None,
        orient="top",
        columns=1 if long else 0,
        symbolType="stroke",
        symbolStrokeWidth=3,
        symbolOpacity=1,
    )
    return alt.Color("series:N", sort=list(where.series), legend=legend)


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
    error = {"title": "error E", "axis": alt.Axis(format="~g", values=style.log_ticks(low, high)), "scale": scale}
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
    colour = alt.when("datum.clear").then(alt.value(style.CLEAR)).otherwise(alt.value(style.UNCLEAR))
    base = alt.Chart().encode(y=y)
    zero = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(0))
    x = alt.X("low:Q", title=None, axis=alt.Axis(tickCount=4))
    bar = base.mark_rule(strokeWidth=1.8).encode(x=x, x2="high:Q", color=colour)
    dot = base.mark_point(size=55, strokeWidth=1.6, opacity=1).encode(
        x="effect:Q",
        color=colour,
        fill=alt.when("datum.clear").then(alt.value(style.CLEAR)).otherwise(alt.value("transparent")),
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
    empty = base.mark_rect(color=style.EMPTY).transform_filter(f"!{known}")
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
