"""``bpnn train --plot``: error and score over the epochs, training beside test, as a PNG."""

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.training import Curve

SIGNATURE = b"\x89PNG\r\n\x1a\n"
WRITTEN_BY = b"Software\0bpnn-jax"  # a text chunk of the PNG, by which the file is known again
MOST_POINTS = 1000  # of a curve: more are no wider than a pixel each
SIZE = (360, 260)  # pixels of a panel, drawn twice as large


def check(path: Path | None) -> None:
    """Before any work: the ending, and that there is something to draw with. Raises InputError."""
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise InputError(f"expected plot to end in .png, got {str(path)!r}")
    from bpnn_jax.ablation.report import draw  # noqa: F401 - which says what to install


def is_plot(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``plot`` wrote."""
    return head.startswith(SIGNATURE) and WRITTEN_BY in head[:100]


def rows(curves: "Mapping[str, Curve]", score: str) -> list[dict[str, Any]]:
    """A dict per mark: panel (``error per pattern``, or the score's name), part, epoch and value.

    >>> from bpnn_jax.training import Curve
    >>> rows({"test": Curve(np.array([0]), np.array([0.5]), np.array([np.nan]))}, "accuracy")
    [{'panel': 'error per pattern', 'part': 'test', 'epoch': 0, 'value': 0.5}]
    """
    found = []
    for part, curve in curves.items():
        at = np.unique(np.linspace(0, len(curve.epochs) - 1, min(len(curve.epochs), MOST_POINTS)).astype(int))
        for panel, values in (("error per pattern", curve.error), (score, curve.score)):
            found += [
                {"panel": panel, "part": part, "epoch": int(curve.epochs[k]), "value": float(values[k])}
                for k in at
                if np.isfinite(values[k])
            ]
    return found


def plot(path: Path, curves: "Mapping[str, Curve]", score: str, title: str, kept: int | None) -> None:
    """Draw the curves of the parts beside each other; ``kept`` marks the epoch whose weights were kept."""
    import altair as alt

    from bpnn_jax.ablation.report import theme

    found = rows(curves, score)
    names, panels = list(curves), list(dict.fromkeys(row["panel"] for row in found))
    colour = alt.Color(
        "part:N",
        sort=names,
        scale=alt.Scale(domain=names),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke"),
    )
    charts = []
    for panel in panels:
        here = [row for row in found if row["panel"] == panel]
        positive = panel != score and all(row["value"] > 0 for row in here)
        y = alt.Y("value:Q", title=panel, scale=alt.Scale(type="log" if positive else "linear", zero=False))
        base = alt.Chart(alt.Data(values=here))
        line = base.mark_line(strokeWidth=1.8).encode(x=alt.X("epoch:Q", title="epoch"), y=y, color=colour)
        layers = [line]
        if kept is not None:
            mark = alt.Chart(alt.Data(values=[{"epoch": kept}])).mark_rule(strokeDash=[4, 3])
            layers.append(mark.encode(x="epoch:Q"))
        charts.append(alt.layer(*layers).properties(width=SIZE[0], height=SIZE[1]))
    drawn = alt.hconcat(*charts).properties(title=title).configure(**theme.config())
    file = io.BytesIO()
    drawn.save(file, format="png", scale_factor=2)
    write_atomically(path, _signed(file.getvalue()))


def _signed(png: bytes) -> bytes:
    """A PNG with a text chunk after its header: length, kind, data, and the CRC of kind and data."""
    chunk = b"tEXt" + WRITTEN_BY
    start = len(SIGNATURE) + 25  # the header's chunk: 13 bytes, and 12 around them
    return png[:start] + len(WRITTEN_BY).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + png[start:]
