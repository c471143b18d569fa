"""The page itself: the template filled, the charts beside the one bundle that draws them, and a policy that lets nothing be loaded."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from bpnn_jax._runtime.text import plain
from bpnn_jax.ablation import findings
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.parts import BOOLEAN
from bpnn_jax.ablation.report import Picture, draw, glossary, lead, methods, tables, theme, words
from bpnn_jax.ablation.report.rows import fields, labels
from bpnn_jax.ablation.results import Results
from bpnn_jax.errors import InputError
from bpnn_jax.statistics import Summary

try:
    import jinja2
    import vl_convert
except ImportError as error:
    raise InputError("a report stands on Jinja and vl-convert; for these pip install 'bpnn-jax[report]'") from error

DIGITS = 5  # of a number in a chart
ID = "chart-{}"
SCRIPTS = ("tips.js", "tables.js", "page.js")
GENERATOR = b'<meta name="generator" content="bpnn report">'  # in page.html.jinja too


def page(
    results: Results,
    summary: Summary | None,
    pictures: Sequence[Picture],
    place: Mapping[str, str],
    complaints: Sequence[str] = (),
    came: Findings | None = None,
) -> str:
    """HTML that needs no other file and no network, and is the same each time for the same results.

    pictures:   of the same results and summary (``charts.pictures``).
    place:      versions and device, as in ``study.json``.
    complaints: files of the folder that could not be read.
    came:       what ``findings.find`` has of them, where the caller has it already.
    """
    came = findings.find(results, summary) if came is None else came
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    found = [tables.arms(results, summary, came), tables.effects(came), tables.comparisons(results, summary, came)]
    found = {table.id: table for table in (*found, tables.interactions(summary, came)) if table is not None}
    return _template().render(
        title=words.title(results.study),
        question=words.question(results.study, came.scored if came else set(results.kinds) != {BOOLEAN}),
        progress=words.progress(results),
        lead=lead.lead(results, summary, came),
        tables=found,
        pictures={p.kind: {"id": ID.format(p.kind), **vars(p)} for p in pictures},
        terms=glossary.TERMS,
        notes=[*_notes(summary, came), *complaints],
        methods=methods.paragraph(results, summary, came, place),
        command=words.command(results.study),
        place=place,
        sha256=results.sha256,
        # No script but this one runs, and nothing is fetched, whatever the page holds.
        policy=f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
        style=_file("page.css"),
        charts=_embedded(
            {
                "charts": {ID.format(p.kind): _spec(p) for p in pictures},
                "config": theme.config(theme.PAGE),
                "arms": _short(
                    {**fields(results), **{labels(results)[a]: named for a, named in fields(results).items()}}
                ),
                "data": {table.id: table.data for table in found.values()},
            }
        ),
        script=script,
    )


def _notes(summary: Summary | None, came: Findings | None) -> list[str]:
    own = [] if came is None else [f"{note[:1].upper()}{note[1:]}." for note in came.notes]
    return own if came is not None and (came.scored or came.apart) else [*words.notes(summary), *own]


def is_page(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is a page."""
    return GENERATOR in head


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        finalize=lambda value: (
            plain(value) if type(value) is str else value
        ),  # names from outside: no control characters
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_file("page.html.jinja"))


@functools.cache  # a second, and the same each time
def _script() -> str:
    """Vega, Vega-Lite and Vega-Embed in one, with page.js on top."""
    bundle = vl_convert.javascript_bundle("".join(map(_file, SCRIPTS)))
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _embedded(value: Any) -> str:
    """JSON that can stand in a script element: no < in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _spec(picture: Picture) -> dict[str, Any]:
    """A chart without its colours, which are the page's own."""
    spec = draw.spec(picture)
    del spec["config"]
    return _short(spec)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _file(name: str) -> str:
    return resources.files("bpnn_jax.ablation.report").joinpath(name).read_text("utf-8")
