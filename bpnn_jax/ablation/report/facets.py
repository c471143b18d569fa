"""One panel or several of the same kind, and what tells their lines apart: what all charts are made of."""

from collections.abc import Sequence
from typing import Any

from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.rows import Panels
from bpnn_jax.ablation.report.theme import CATEGORIES, DASHES, LETTER, WIDTH, band_opacity
from bpnn_jax.errors import InputError

try:
    import altair as alt
except ImportError as error:
    raise InputError("charts for a page stand on Altair; for these pip install 'bpnn-jax[report]'") from error

HOVER = "under"  # the parameter of what is nearest to the pointer


def facets(
    layers: Any, picture: Picture, field: str, order: Sequence[str], columns: int, height: Any, fit: dict
) -> Any:
    """``layers`` for each value of ``field``; ``fit`` is for the page (``draw.chart``)."""
    data = alt.Data(values=picture.rows)
    width = WIDTH // columns - (14 if columns > 1 else 0)
    layers = layers.properties(width=width, height=height)
    meta = {"fit": fit, "lines": lines(picture.panels) if field == "panel" else None}
    if len(order) == 1:
        return layers.properties(data=data, usermeta=meta)
    header = alt.Header(title=None, labelAnchor="start", labelPadding=4)
    facet = alt.Facet(f"{field}:N", sort=list(order), header=header)
    return layers.facet(facet=facet, columns=columns, data=data).properties(usermeta=meta)


def curves(picture: Picture, value: str, y: dict[str, Any], tooltip: list, step: bool = False) -> Any:
    """A line with its band per arm, a facet per panel; a pointer finds the nearest point of them."""
    where = picture.panels
    shape = "step-after" if step else "linear"
    colour = _colour(where)
    scale = alt.Scale(domain=[0, picture.limit], nice=False)
    base = alt.Chart().encode(x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format=",d", tickCount=4), scale=scale))
    band = base.mark_area(interpolate=shape, opacity=band_opacity(len(where.series))).encode(
        y=alt.Y("low:Q", **y), y2="high:Q", color=colour
    )
    line = base.mark_line(interpolate=shape, strokeWidth=1.8).encode(
        y=alt.Y(f"{value}:Q", **y), color=colour, strokeDash=_dashes(where)
    )
    under = nearest()
    points = base.mark_point(size=40, filled=True, opacity=0).encode(
        y=alt.Y(f"{value}:Q", **y),
        color=colour,
        opacity=alt.when(under, empty=False).then(alt.value(1)).otherwise(alt.value(0)),
        tooltip=[alt.Tooltip("arm:N"), *tooltip],
    )
    layers = alt.layer(band, line, points.add_params(under))
    many = len(where.panels) > 1
    most = min(len(where.panels), 3 if len(where.panels) > 8 else 2)
    fit = {"most": most, "least": 190 if most == 3 else 240, "margin": 62}
    return facets(layers, picture, "panel", where.panels, most, 150 if many else 280, fit)


def nearest() -> Any:
    """What is nearest to the pointer, wherever in the panel that is."""
    return alt.selection_point(name=HOVER, on="pointerover", clear="pointerout", nearest=True)


def lines(where: Panels) -> dict[str, Any] | None:
    """The series with their colours and dashes, for a page's own legend, whose buttons switch them; None for one alone."""
    if len(where.series) == 1:
        return None
    series = [
        {"name": name, "colour": CATEGORIES[i % len(CATEGORIES)], "dash": list(DASHES[i % len(DASHES)])}
        for i, name in enumerate(where.series)
    ]
    return {"title": where.colour, "series": series}


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
