"""``bpnn report``: a study's folder as one page, and as figures for a paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax.commands.common import Json, check_outputs, data_read, finish

if TYPE_CHECKING:
    from bpnn_jax.ablation.report import Picture


@dataclass(frozen=True)
class Report:
    """A study, finished or not, as one page that needs no network: results, tables, charts, and how to repeat it."""

    folder: Positional[Path]
    """The folder of the study, as made by bpnn ablate --out."""
    html: Annotated[Path | None, arg(metavar="FILE")] = None
    """The page; otherwise report.html in that folder."""
    pdf: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write the charts to this PDF as well, a page per chart, for a paper."""
    json: Json = None
    """Write the results and what each chart shows to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Report) -> int:
    from bpnn_jax._runtime.outputs import Output, Read
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.ablation import findings, report, results, runner, told
    from bpnn_jax.ablation.folder import REPORT, Store
    from bpnn_jax.ablation.identity import study_of
    from bpnn_jax.ablation.report.page import is_page, page
    from bpnn_jax.ablation.report.paper import is_pdf

    folder = options.folder
    study, described = study_of(Store(folder, read_only=True))
    html = options.html or folder / REPORT
    check_outputs(
        Output(html, "--html", is_page),
        None if options.pdf is None else Output(options.pdf, "--pdf", is_pdf),
        json=options.json,
        reads=[Read(folder, "the study", but=(REPORT,)), *(one for task in study.tasks for one in data_read(task))],
        overwrite=options.overwrite,
    )
    draw_pdf = _pdf() if options.pdf else None
    out, complaints = console(), []
    with progress_bar("the report") as update:
        update(0, 3, "reading")
        found = runner.read(folder, complaints)
        runner.looked(folder, found)
        update(1, 3, "statistics")
        summary = results.summarise(found)
        came = findings.find(found, summary)
        update(2, 3, "drawing")
        pictures = report.pictures(found, summary)
        # A file's name may hold bytes that are no text: these alone become question marks.
        content = page(found, summary, pictures, described["place"], complaints).encode("utf-8", "replace")
        figures = draw_pdf(pictures) if draw_pdf else b""
    write_atomically(html, content)
    out.print(f"{html}, {_size(len(content))}, {len(pictures)} charts")
    if options.pdf:
        write_atomically(options.pdf, figures)
        out.print(f"{options.pdf}, {_size(len(figures))}, {len(pictures)} pages")
    charts = {p.kind: p.rows for p in pictures}
    finish(options.json, "report", told.as_dict(found, summary, came) | {"charts": charts})
    for complaint in complaints:
        out.print(complaint, style="bold red")
    if not found.complete:
        out.print(f"of a study that is not finished: {found.chunks_done} of {found.chunks} chunks")
    return 0


def _pdf() -> "Callable[[Sequence[Picture]], bytes]":
    """What draws the figures; asked for before any work, in case vl-convert is missing."""
    from bpnn_jax.ablation.report import paper

    return paper.pdf


def _size(count: int) -> str:
    """Bytes as one would say them.

    >>> _size(1_234_567), _size(45_678)
    ('1.2 MB', '46 kB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
