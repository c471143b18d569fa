"""``bpnn featurize``: folders of source code to pattern files."""

from collections import Counter

from rich.table import Table
from rich.text import Text

from bpnn_jax import cli
from bpnn_jax._runtime.progress import console, progress_bar
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.featurize import featurize, outputs, write


def run(options: cli.Featurize) -> int:
    check_outputs(options.json, *outputs(options.out))
    with progress_bar("reading") as update:
        made = featurize(
            options.sources,
            symbols=options.symbols,
            chunk=options.chunk,
            languages=languages(options.languages),
            held_out=options.held_out,
            limit=options.limit,
            seed=options.seed,
            progress=update,
        )
    paths = write(made, options.out)
    table = Table(title=Text(f"symbols: {' '.join(made.symbols)}"), title_justify="left")
    table.add_column("language")
    counts = {}
    for name, split, path in (("training", made.train, paths[0]), ("held out", made.held_out, paths[1])):
        table.add_column(f"{name}: files", justify="right")
        table.add_column("patterns", justify="right")
        files = Counter(f.language for f in split.files)
        found = dict(zip(made.languages, split.t.sum(axis=0).astype(int).tolist(), strict=True))
        counts[name] = {"path": str(path), "files": dict(files), "patterns": found}
    for language in made.languages:
        cells = [str(counts[n][what][language]) for n in ("training", "held out") for what in ("files", "patterns")]
        table.add_row(language, *cells)
    out = console()
    out.print(table)
    if made.skipped:
        reasons = Counter(s.reason.partition(":")[0] for s in made.skipped)
        out.print("skipped: " + ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())), markup=False)
    out.print(f"wrote {paths[0]} and {paths[1]}", markup=False)
    result = {
        "train": counts["training"],
        "held_out": counts["held out"],
        "symbols": list(made.symbols),
        "skipped": [list(s) for s in made.skipped],
    }
    finish(options.json, result)
    return 0


def languages(pairs: tuple[str, ...]) -> dict[str, str] | None:
    """``.c=C .py=Python`` as a mapping; nothing as None."""
    found = {}
    for pair in pairs:
        extension, equals, name = pair.partition("=")
        if not equals or not extension or not name:
            raise InputError(f"expected languages as .c=C .py=Python, got {pair!r}")
        found["." + extension.removeprefix(".")] = name
    return found or None
