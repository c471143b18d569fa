"""``bpnn reproduce``: every number that the article prints, beside ours."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from bpnn_jax import article, cli
from bpnn_jax._runtime.progress import console
from bpnn_jax.commands.common import check_outputs, finish


def run(options: cli.Reproduce) -> int:
    check_outputs(options.json)
    data = article.find_data(options.data)
    rows = article.rows(data)
    show(rows, data is not None, console())
    match = all(row.match for row in rows)
    finish(options.json, {"match": match, "article_data": data is not None, "rows": [asdict(row) for row in rows]})
    return 0 if match else 1


def show(rows: list[article.Row], with_data: bool, out: Console) -> None:
    for name in dict.fromkeys(row.table for row in rows):
        table = Table(title=name, title_justify="left")
        for column in ("what", "published", "ours", "digits that agree"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in rows:
            if row.table == name:
                total = len(row.published.replace(".", "").lstrip("0"))
                colour = "green" if row.match else "bold red"
                table.add_row(row.what, row.published, row.ours, f"[{colour}]{row.digits} of {total}")
        out.print(table)
    out.print(f"{sum(row.match for row in rows)} of {len(rows)} numbers agree, as far as float64 can tell")
    if not with_data:
        out.print(f"[yellow]left out:[/] the code recogniser's 65.20%, twice. {article.HOW_TO_GET_IT}.")
