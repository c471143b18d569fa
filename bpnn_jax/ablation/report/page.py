"""The page itself: the template filled, the charts beside the one bundle that draws them, and a policy that lets nothing be loaded."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from bpnn_jax._runtime.text import plain
from bpnn_jax.ablation import findings, outcomes
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.report import Picture, draw, words
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
GENERATOR = b'<meta name="generator" content="bpnn report">'  # in page.html.jinja too


def page(
    results: Results,
    summary: Summary | None,
    pictures: Sequence[Picture],
    place: Mapping[str, str],
    complaints: Sequence[str] = (),
) -> str:
    """HTML that needs no other file and no network, and is the same each time for the same results.

    pictures:   of the same results and summary (``charts.pictures``).
    place:      versions and device, as in ``study.json``.
    complaints: files of the folder that could not be read.
    """
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template().render(
        title=words.title(results.study),
        question=words.question(results.study),
        progress=words.progress(results),
        finding=_finding(results, summary),
        arms=_arms(results, summary),
        comparisons=_comparisons(results, summary),
        interactions=_interactions(summary),
        pictures=[{"id": ID.format(p.kind), **vars(p)} for p in pictures],
        notes=[*words.notes(summary), *complaints],
        command=words.command(results.study),
        place=place,
        sha256=results.sha256,
        # No script but this one runs, and nothing is fetched, whatever the page holds.
        policy=f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
        style=_file("page.css"),
        charts=_embedded({"charts": {ID.format(p.kind): _spec(p) for p in pictures}, "config": _configs()}),
        script=script,
    )


def is_page(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is a page."""
    return GENERATOR in head


def _finding(results: Results, summary: Summary | None) -> str:
    """The task's own outcome first: the best arm's score, and which factor matters; how often and how fast where that is it."""
    came = findings.find(results, summary)
    if came is None or not came.scored:
        said = (
            [words.finding(results, summary)]
            if came is None
            else [*findings.sentences(came), words.finding(results, summary)]
        )
        return ". ".join(said)
    name = came.lead[0]
    known = [(one[name], arm) for one, arm in zip(came.outcomes, results.arms, strict=True) if name in one]
    best, arm = max(known, key=lambda pair: pair[0].value)
    times, unit = (100, "%") if name in outcomes.RATES else (1, "")
    score = f"The best {outcomes.words(name)} is that of {arm}: {words.interval(best, times, unit)}"
    return ". ".join([*findings.sentences(came), score]) + "."


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
    bundle = vl_convert.javascript_bundle(_file("page.js"))
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _embedded(value: Any) -> str:
    """JSON that can stand in a script element: no < in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _spec(picture: Picture) -> dict[str, Any]:
    """A chart without its colours, which depend on whether the page is light or dark."""
    spec = draw.chart(picture).to_dict()
    del spec["config"]
    return _short(spec)


def _configs() -> dict[str, Any]:
    return {"light": draw.config(), "dark": draw.config(dark=True)}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _arms(results: Results, summary: Summary | None) -> list[dict[str, Any]]:
    found = []
    for k, name in enumerate(results.arms):
        arm = summary.arms[k] if summary else None
        half = arm.curve.median()[0] if arm else None
        found.append(
            {
                "name": name,
                "runs": int((results.stopped[:, k] != "").sum()),
                "solved": words.interval(arm.success, 100, "%") if arm else "-",
                "epochs": words.interval(arm.epochs) if arm else "-",
                "half": "-" if half is None else f"{half:,.0f}",
                "error": words.interval(arm.error) if arm else "-",
                "diverged": int(results.diverged[:, k].sum()),
                "certificate": _certificate(results.certificates.get(name)),
            }
        )
    return found


def _certificate(found: Certificate | None) -> dict[str, str] | None:
    """Its verdict, and beside it how many checks that rests on and how near the worst came to its limit, or what failed."""
    if found is None:
        return None
    angle = "" if found.angle is None else f"{found.angle:.2g}° off the gradient, "
    failed = [f"({check.equation.strip('()')}) {check.witness}" for check in found.checks if check.verdict != "correct"]
    worst = max((check.worst / check.allowed for check in found.checks if check.allowed > 0), default=0.0)
    checks = f"{len(found.checks)} checks, worst at {worst:.2g} of its bound"
    rule = "" if found.step_checked else "; the rule is optax's, taken as it is"
    return {"verdict": found.verdict, "why": f"failed: {', '.join(failed)}" if failed else f"{angle}{checks}{rule}"}


def _comparisons(results: Results, summary: Summary | None) -> dict[str, Any] | None:
    """A row per arm, a column per kind of difference."""
    if summary is None or not summary.comparisons:
        return None
    cells = {(c.arm, c.kind): (words.effect(c), words.strength(c)) for c in summary.comparisons}
    kinds = list(dict.fromkeys(c.kind for c in summary.comparisons))
    rows = [(arm, [cells.get((arm, kind)) for kind in kinds]) for arm in results.arms[1:]]
    return {"base": results.arms[0], "kinds": kinds, "rows": rows}


def _interactions(summary: Summary | None) -> dict[str, Any] | None:
    """A row for every two fields that vary, a column per kind of difference."""
    if summary is None or not summary.contrasts:
        return None
    about = {(c.change, c.arm, c.against): None for c in summary.contrasts}
    cells = {((c.change, c.arm, c.against), c.kind): (words.effect(c), words.strength(c)) for c in summary.contrasts}
    kinds = list(dict.fromkeys(c.kind for c in summary.contrasts))
    rows = [(row, [cells.get((row, kind)) for kind in kinds]) for row in about]
    return {"kinds": kinds, "rows": rows}


def _file(name: str) -> str:
    return resources.files("bpnn_jax.ablation.report").joinpath(name).read_text("utf-8")
