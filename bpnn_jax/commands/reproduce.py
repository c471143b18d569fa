"""``bpnn reproduce``: every number that the article prints, beside ours."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from bpnn_jax.commands.common import Json, check_outputs, finish

if TYPE_CHECKING:
    from rich.console import Console

    from bpnn_jax.article import Row


@dataclass(frozen=True)
class Reproduce:
    """Every number that the article prints, beside ours, and the digits that agree."""

    data: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Where the article's testdata.200 lies; otherwise $BPNN_ARTICLE_DATA or this folder."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Reproduce) -> int:
    from bpnn_jax import article
    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax._runtime.progress import console

    data = article.find_data(options.data)
    reads = [Read(data, "the article's data")] if data else []
    check_outputs(json=options.json, reads=reads, overwrite=options.overwrite)
    rows = article.rows(data)
    show(rows, data is not None, console())
    match = all(row.match for row in rows)
    result = {"match": match, "article_data": data is not None, "rows": [asdict(row) for row in rows]}
    finish(options.json, "reproduce", result)
    return 0 if match else 1


def show(rows: "list[Row]", with_data: bool, out: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    from bpnn_jax.article import HOW_TO_GET_IT

    for name in dict.fromkeys(row.table for row in rows):
        table = Table(title=name, title_justify="left")
        for column in ("what", "published", "ours", "digits that agree"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in rows:
            if row.table == name:
                total = len(row.published.replace(".", "").lstrip("0"))
                colour = "green" if row.match else "bold red"
                table.add_row(row.what, row.published, row.ours, Text(f"{row.digits} of {total}", colour))
        out.print(table)
    out.print(f"{sum(row.match for row in rows)} of {len(rows)} numbers agree, as far as float64 can tell")
    if not with_data:
        out.print(Text.assemble(("left out:", "yellow"), f" the code recogniser's 65.20%, twice. {HOW_TO_GET_IT}."))
