"""Heat maps of learning rate against momentum, with the number in each cell."""

from collections.abc import Callable
from typing import Any

import altair as alt

from bpnn_jax.ablation.report.facets import facets
from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.rows import MOMENTUM, RATE
from bpnn_jax.ablation.report.theme import EMPTY_COLOUR


def success(picture: Picture) -> Any:
    scale, legend = alt.Scale(domain=[0, 1]), alt.Legend(title="solved", format=".0%", orient="right")
    colour = alt.Color("success:Q", scale=scale, legend=legend)
    return _heat(picture, "success", ".0%", colour, lambda share: share > 0.55)


def epochs(picture: Picture) -> Any:
    low, high = picture.span(("epochs",))
    scale, legend = (
        alt.Scale(domain=[low, high], reverse=True),
        alt.Legend(title="epochs", format=",.0f", orient="right"),
    )
    colour = alt.Color("epochs:Q", scale=scale, legend=legend)
    return _heat(picture, "epochs", ",.0f", colour, lambda epochs: high - epochs > 0.55 * (high - low))


def score(picture: Picture) -> Any:
    low, high = picture.span(("value",))
    colour = alt.Color("value:Q", scale=alt.Scale(domain=[low, high]), legend=alt.Legend(title=None, orient="right"))
    return _heat(picture, "value", ".3~g", colour, lambda value: value - low > 0.55 * (high - low))


def _heat(picture: Picture, value: str, written: str, colour: alt.Color, pale: Callable[[float], bool]) -> Any:
    """Cells with their number in them, in black on the bright ones."""
    rows = [row | {"pale": row[value] is not None and pale(row[value])} for row in picture.rows]
    panels = list(dict.fromkeys(row["panel"] for row in picture.rows))
    rates, momenta = (_numbers(rows, field) for field in (RATE, MOMENTUM))
    base = alt.Chart().encode(
        x=alt.X(f"{MOMENTUM}:O", sort=momenta, title="momentum", axis=alt.Axis(labelAngle=0)),
        y=alt.Y(f"{RATE}:O", sort=rates[::-1], title="learning rate"),
        tooltip=_solving() if "success" in rows[0] else _scored(),
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
    return facets(layers, shown, "panel", panels, columns, alt.Step(30), fit)


def _solving() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("arm:N"),
        alt.Tooltip("success:Q", title="solved", format=".1%"),
        alt.Tooltip("success_low:Q", title="from", format=".1%"),
        alt.Tooltip("success_high:Q", title="to", format=".1%"),
        alt.Tooltip("epochs:Q", title="mean epochs to solve", format=",.0f"),
        alt.Tooltip("epochs_low:Q", title="from ", format=",.0f"),
        alt.Tooltip("epochs_high:Q", title="to ", format=",.0f"),
        alt.Tooltip("diverged:Q", format=","),
        alt.Tooltip("runs:Q", format=","),
    ]


def _scored() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("arm:N"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("value:Q", format=".4~g"),
        alt.Tooltip("low:Q", title="from", format=".4~g"),
        alt.Tooltip("high:Q", title="to", format=".4~g"),
        alt.Tooltip("runs:Q", format=","),
    ]


def _numbers(rows: list[dict[str, Any]], field: str) -> list[str]:
    return sorted({row[field] for row in rows}, key=float)
