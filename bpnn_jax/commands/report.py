"""``bpnn report``: a study's folder as one page, and as figures for a paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax.commands.common import Json, check_outputs, finish
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.ablation.folder import Store
    from bpnn_jax.ablation.report import Picture


@dataclass(frozen=True)
class Report:
    """A study, finished or not, as one page that needs no network: what came out, tables, charts, and how to repeat it."""

    folder: Positional[Path]
    """The folder of the study, as made by bpnn ablate --out."""
    html: Annotated[Path | None, arg(metavar="FILE")] = None
    """The page; otherwise report.html in that folder."""
    pdf: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write the charts to this PDF as well, a page per chart, for a paper."""
    json: Json = None
    """Write the results and what each chart shows to this file as JSON."""


def run(options: Report) -> int:
    from rich.markup import escape

    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.ablation import report, results, runner
    from bpnn_jax.ablation.folder import FILES, Store, study_of
    from bpnn_jax.ablation.report.page import page

    folder = options.folder
    _, described = study_of(Store(folder, read_only=True))
    html = options.html or folder / "report.html"
    check_outputs(html, options.pdf, options.json, reads=[folder / name for name in FILES])
    _check_outside(Store(folder, read_only=True), html, options.pdf, options.json)
    draw_pdf = _pdf() if options.pdf else None
    out, complaints = console(), []
    with progress_bar("the report") as update:
        update(0, 3, "reading")
        found = runner.read(folder, complaints)
        update(1, 3, "statistics")
        summary = results.summarise(found)
        update(2, 3, "drawing")
        pictures = report.pictures(found, summary)
        # A file's name may hold bytes that are no text: these alone become question marks.
        content = page(found, summary, pictures, described["place"], complaints).encode("utf-8", "replace")
        figures = draw_pdf(pictures) if draw_pdf else b""
    write_atomically(html, content)
    out.print(f"{escape(str(html))}, {_size(len(content))}, {len(pictures)} charts")
    if options.pdf:
        write_atomically(options.pdf, figures)
        out.print(f"{escape(str(options.pdf))}, {_size(len(figures))}, {len(pictures)} pages")
    finish(options.json, results.as_dict(found, summary) | {"charts": {p.kind: p.rows for p in pictures}})
    for complaint in complaints:
        out.print(f"[bold red]{escape(complaint)}")
    if not found.complete:
        out.print(f"of a study that is not finished: {found.chunks_done} of {found.chunks} chunks")
    return 0


def _check_outside(store: "Store", *outputs: Path | None) -> None:
    """What a study has trained is not written over."""
    for output in outputs:
        if output is not None and output.resolve().is_relative_to(store.chunks.resolve()):
            raise InputError(
                f"expected a file to write outside {store.chunks}, which holds what was trained, got {output}"
            )


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
