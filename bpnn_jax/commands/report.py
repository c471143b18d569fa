"""``bpnn report``: a study's folder as one page, and as figures for a paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax.commands.common import Json, check_outputs, data_read, finish

if TYPE_CHECKING:
    from bpnn_jax._runtime.outputs import Output
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
    figures: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Write each chart to a PDF of its own in this folder, and beside it its Vega-Lite specification."""
    methods: bool = False
    """Print a paper's paragraph of methods: task, splits, seeds, tuning, tests, versions, hash, command; no page without --html."""
    json: Json = None
    """Write the results and what each chart shows to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Report) -> int:
    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.ablation import findings, report, results, runner, told
    from bpnn_jax.ablation.folder import REPORT, Store
    from bpnn_jax.ablation.identity import study_of
    from bpnn_jax.ablation.report import methods

    folder = options.folder
    study, described = study_of(Store(folder, read_only=True))
    html = options.html or (None if options.methods else folder / REPORT)
    check_outputs(
        *_outputs(options, html),
        json=options.json,
        reads=[Read(folder, "the study", but=(REPORT,)), *(one for task in study.tasks for one in data_read(task))],
        overwrite=options.overwrite,
    )
    out, complaints = console(), []
    with progress_bar("the report") as update:
        update(0, 3, "reading")
        found = runner.read(folder, complaints)
        runner.looked(folder, found)
        update(1, 3, "statistics")
        summary = results.summarise(found)
        came = findings.find(found, summary)
        update(2, 3, "drawing")
        pictures = report.pictures(found, summary, came)
        files = _drawn(
            options, html, lambda page: page(found, summary, pictures, described["place"], complaints, came), pictures
        )
    if options.figures is not None:
        options.figures.mkdir(exist_ok=True)
    for path, (content, said) in files.items():
        write_atomically(path, content)
        out.print(f"{path}, {_size(len(content))}{said and ', ' + said}", markup=False)
    charts = {p.kind: p.rows for p in pictures}
    finish(options.json, "report", told.as_dict(found, summary, came) | {"charts": charts})
    if options.methods:
        out.print(methods.paragraph(found, summary, came, described["place"]), markup=False, soft_wrap=True)
    for complaint in complaints:
        out.print(complaint, style="bold red")
    if not found.complete:
        out.print(f"of a study that is not finished: {found.chunks_done} of {found.chunks} chunks")
    return 0


def _outputs(options: Report, html: Path | None) -> "list[Output]":
    """What is to be written. What draws it is asked for here, before any work, in case a package is missing."""
    from bpnn_jax._runtime.outputs import Output

    found = []
    if html is not None:
        from bpnn_jax.ablation.report.page import is_page

        found.append(Output(html, "--html", is_page))
    if options.pdf is not None or options.figures is not None:
        from bpnn_jax.ablation.report import paper
        from bpnn_jax.ablation.report.pictures import KINDS

        if options.pdf is not None:
            found.append(Output(options.pdf, "--pdf", paper.is_pdf))
        if (folder := options.figures) is not None and folder.is_dir():
            found += [Output(folder / f"{kind}.pdf", "--figures", paper.is_pdf) for kind in KINDS]
            found += [Output(folder / f"{kind}{paper.SPEC}", "--figures", paper.is_spec) for kind in KINDS]
        elif folder is not None:
            found.append(Output(folder, "--figures", lambda *_: False))
    return found


def _drawn(
    options: Report, html: Path | None, paged: "Callable[[Callable], str]", pictures: "Sequence[Picture]"
) -> dict[Path, tuple[bytes, str]]:
    """The content of each file, and what is said of it."""
    found: dict[Path, tuple[bytes, str]] = {}
    if html is not None:
        from bpnn_jax.ablation.report.page import page

        # A file's name may hold bytes that are no text: these alone become question marks.
        found[html] = paged(page).encode("utf-8", "replace"), f"{len(pictures)} charts"
    if options.pdf is not None or options.figures is not None:
        from bpnn_jax.ablation.report import paper

        if options.pdf is not None:
            found[options.pdf] = paper.pdf(pictures), f"{len(pictures)} pages"
        if options.figures is not None:
            found |= {options.figures / name: (content, "") for name, content in paper.files(pictures).items()}
    return found


def _size(count: int) -> str:
    """Bytes as one would say them.

    >>> _size(1_234_567), _size(45_678)
    ('1.2 MB', '46 kB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
