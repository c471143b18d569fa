"""Charts of dots with their intervals: a row per arm, its varied fields in columns on the left, as in the tables."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from bpnn_jax.ablation.report.facets import facets, nearest
from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.theme import CLEAR_COLOUR, LETTER, ROW, UNCLEAR_COLOUR

LONGEST = 40  # letters of a value that are written beside a row
FIRST = "datum.column === 0"  # of panels beside each other, the one that has the rows' names


def dots(picture: Picture, value: str, panel: str, tooltip: list, *, zero: bool = False) -> Any:
    """A dot for ``value`` and a line from ``low`` to ``high``; filled where ``clear``, if the rows tell that.

    panel: the column that has a panel for each of its values, with a scale of its own.
    zero:  whether there is a line at 0.
    """
    panels = list(dict.fromkeys(row[panel] for row in picture.rows))
    written = {field: short([str(row[field]) for row in picture.rows]) for field in picture.fields}
    keys = [tuple(row[field] for field in picture.fields) for row in picture.rows]
    order = list(dict.fromkeys(keys))
    rows = [
        row
        | {"row": order.index(key), "column": panels.index(row[panel])}
        | {f"name{j}": written[field][i] for j, field in enumerate(picture.fields)}
        for i, (row, key) in enumerate(zip(picture.rows, keys, strict=True))
    ]
    y = alt.Y("row:O", axis=None, sort=list(range(len(order))))
    base = alt.Chart().encode(y=y)
    told = "clear" in picture.rows[0]
    colour = alt.when("datum.clear").then(alt.value(CLEAR_COLOUR)).otherwise(alt.value(UNCLEAR_COLOUR))
    colour = colour if told else alt.value(CLEAR_COLOUR)
    fill = alt.when("datum.clear").then(alt.value(CLEAR_COLOUR)).otherwise(alt.value("transparent"))
    axis = alt.Axis(tickCount=4, grid=True)
    bar = base.mark_rule(strokeWidth=1.8).encode(
        x=alt.X("low:Q", title=None, axis=axis, scale=alt.Scale(zero=False)), x2="high:Q", color=colour
    )
    under = nearest()
    dot = base.mark_point(strokeWidth=1.6, opacity=1).encode(
        x=f"{value}:Q",
        color=colour,
        fill=fill if told else alt.value(CLEAR_COLOUR),
        size=alt.when(under, empty=False).then(alt.value(130)).otherwise(alt.value(55)),
        tooltip=tooltip,
    )
    names, margin = _names(base, picture.fields, list(written.values()))
    line = [alt.Chart().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(0))] if zero else []
    fit = {"most": len(panels), "least": max(130, LETTER * max(map(len, panels))), "margin": margin, "whole": True}
    shown = Picture(**{**vars(picture), "rows": rows})
    layers = alt.layer(*line, bar, *names, dot.add_params(under))
    drawn = facets(layers, shown, panel, panels, len(panels), alt.Step(ROW), fit)
    if len(panels) == 1:
        return drawn.properties(title=alt.Title(panels[0], anchor="start", fontSize=12))
    return drawn.resolve_scale(x="independent")


def _names(base: Any, fields: Sequence[str], columns: Sequence[Sequence[str]]) -> tuple[list, float]:
    """A column of text for each field, with its name on top, left of the first panel; and how wide they are together."""
    widths = [LETTER * max(len(field), *map(len, column)) + 14 for field, column in zip(fields, columns, strict=True)]
    found, at = [], sum(widths)
    for j, (field, width) in enumerate(zip(fields, widths, strict=True)):
        text = base.mark_text(align="left", baseline="middle", fontSize=11).encode(x=alt.value(-at))
        found.append(text.encode(text=f"name{j}:N").transform_filter(FIRST).properties(name=f"field{j}"))
        head = text.encode(y=alt.value(-7), text=alt.value(field)).transform_filter(FIRST)
        found.append(head.transform_filter("datum.row === 0").properties(name=f"head{j}"))
        at -= width
    # As high as the names, so that the titles of all panels are at one height.
    room = base.mark_text(color="transparent", baseline="middle", fontSize=11)
    found.append(room.encode(x=alt.value(0), y=alt.value(-7), text=alt.value("|")).properties(name="room"))
    return found, sum(widths)


def short(values: Sequence[str]) -> list[str]:
    """What tells values apart: of long ones the middle is left out, or else what they have in common at both ends.

    >>> short(["tanh", "all but the last letter in this rather long name of a file are equal.csv"])
    ['tanh', 'all but the last le… file are equal.csv']
    """
    different = list(dict.fromkeys(values))
    cut = {value: _middle(value) for value in different}
    if len(set(cut.values())) < len(cut):
        head = _common(different)
        tail = _common([value[head:][::-1] for value in different])
        cut = {v: ("…" if head else "") + v[head : len(v) - tail] + ("…" if tail else "") for v in different}
        cut = {
            v: f"{k}: {_middle(text)}" if len(text) > LONGEST else text for k, (v, text) in enumerate(cut.items(), 1)
        }
    return [cut[value] for value in values]


def _middle(value: str) -> str:
    half = (LONGEST - 2) // 2
    return value if len(value) <= LONGEST else f"{value[:half]}…{value[-half:]}"


def _common(values: Sequence[str]) -> int:
    """How many letters all of them begin with."""
    first, last = min(values), max(values)
    return next((k for k, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
