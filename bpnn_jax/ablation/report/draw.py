"""The pictures drawn by Altair: ``chart(picture)`` is an Altair chart, and saves as PNG, SVG or HTML as those do.

Altair would check each part of a chart against Vega-Lite's schema when it is made, copied and written, which is a third of a page's
time. Here it does not: every kind of chart is checked by the tests, whose ``chart(picture).to_dict()`` checks the whole.
"""

from collections.abc import Callable
from typing import Any

from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.theme import config, log_ticks
from bpnn_jax.errors import InputError

try:
    import altair as alt
    from altair.utils.schemapi import debug_mode

    from bpnn_jax.ablation.report import heat
    from bpnn_jax.ablation.report.dots import dots
    from bpnn_jax.ablation.report.facets import curves
except ImportError as error:
    raise InputError("charts for a page stand on Altair; for these pip install 'bpnn-jax[report]'") from error


@debug_mode(False)
def chart(picture: Picture) -> Any:
    """An Altair chart of a picture, in the colours of paper.

    Its ``usermeta`` says how a page fits it to the room that there is: at most ``most`` panels beside each other, none under ``least``
    pixels, ``margin`` pixels for what stands on the left; where ``whole``, all panels beside each other, or all below each other.
    """
    drawn = _CHARTS[picture.kind](picture)
    return drawn.properties(description=picture.description).configure(**config())


def spec(picture: Picture) -> dict[str, Any]:
    """Its Vega-Lite specification."""
    return chart(picture).to_dict(validate=False)


def _survival(picture: Picture) -> Any:
    share = {"title": "not yet solved", "axis": alt.Axis(format=".0%", tickCount=5), "scale": alt.Scale(domain=[0, 1])}
    tooltip = [
        alt.Tooltip("epoch:Q", format=","),
        alt.Tooltip("unsolved:Q", title="not yet solved", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    return curves(picture, "unsolved", share, tooltip, step=True)


def _loss(picture: Picture) -> Any:
    low, high = picture.span(("median", "low", "high"))
    low, high = low / 1.2, high * 1.2
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    error = {"title": "error E", "axis": alt.Axis(format="~g", values=log_ticks(low, high)), "scale": scale}
    return curves(picture, "median", error, _middle(".3g"))


def _learning(picture: Picture) -> Any:
    low, high = picture.span(("median", "low", "high"))
    scale = alt.Scale(domain=[low, high] if low < high else [low - 1, high + 1], nice=True)
    return curves(
        picture, "median", {"title": picture.what, "axis": alt.Axis(tickCount=5), "scale": scale}, _middle(".4~g")
    )


def _middle(written: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("epoch:Q", format=","),
        alt.Tooltip("median:Q", format=written),
        alt.Tooltip("low:Q", title="10% of the runs below", format=written),
        alt.Tooltip("high:Q", title="90% of the runs below", format=written),
        alt.Tooltip("runs:Q", format=","),
    ]


def _differences(picture: Picture) -> Any:
    tooltip = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("against:N", title="minus"),
        alt.Tooltip("kind:N", title="difference in"),
        alt.Tooltip("effect:Q", format="+.3g"),
        *_interval("+.3g"),
        alt.Tooltip("p_written:N", title="p after Holm"),
        alt.Tooltip("standardised:Q", title="standardised", format="+.2f"),
        alt.Tooltip("above:Q", title="runs above", format=".0%"),
        alt.Tooltip("n:Q", title="pairs of runs"),
    ]
    return dots(picture, "effect", "kind", tooltip, zero=True)


def _scores(picture: Picture) -> Any:
    tooltip = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("value:Q", format=".4~g"),
        *_interval(".4~g"),
        alt.Tooltip("runs:Q", format=","),
    ]
    return dots(picture, "value", "outcome", tooltip)


def _shares(picture: Picture) -> Any:
    tooltip = [
        alt.Tooltip("factors:N"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("share:Q", title="share, %", format=".3~g"),
        *_interval(".3~g"),
    ]
    return dots(picture, "share", "outcome", tooltip, zero=True)


def _interval(written: str) -> list[alt.Tooltip]:
    return [alt.Tooltip("low:Q", title="from", format=written), alt.Tooltip("high:Q", title="to", format=written)]


_CHARTS: dict[str, Callable[[Picture], Any]] = {
    "survival": _survival,
    "scores": _scores,
    "shares": _shares,
    "differences": _differences,
    "success": heat.success,
    "epochs": heat.epochs,
    "score": heat.score,
    "learning": _learning,
    "loss": _loss,
}
