"""``bpnn featurize``: folders of source code to pattern files."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from bpnn_jax.commands.common import Count, Json, check_outputs, finish
from bpnn_jax.errors import InputError


@dataclass(frozen=True)
class Featurize:
    """Turn folders of source code into patterns: how often each symbol occurs in a chunk, and which language it is."""

    sources: Positional[tuple[Path, ...]]
    """Folders to search, with their subfolders."""
    out: Annotated[Path, arg(metavar="FILE")] = Path("code.txt")
    """code.txt is written as code.train.txt and code.test.txt, split by file."""
    symbols: int = 20
    """How many of the most frequent symbols to count."""
    chunk: int = 500
    """Characters in a chunk."""
    languages: tuple[str, ...] = ()
    """Which extension is which language, such as .c=C .h=C .py=Python. Otherwise the well-known ones that are found."""
    held_out: float = 0.3
    """Share of the files that is held out for testing."""
    limit: Count = None
    """At most so many chunks a language."""
    seed: int = 0
    """Moves the split."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Featurize) -> int:
    from rich.table import Table

    from bpnn_jax._runtime.outputs import Output, Read
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.patterns.featurize import featurize, is_featurized, outputs, write
    from bpnn_jax.patterns.sources import checked_languages

    read = checked_languages(languages(options.languages))
    check_outputs(
        *(Output(path, "--out", is_featurized) for path in outputs(options.out)),
        json=options.json,
        reads=[Read(folder, "the sources", lambda file: file.suffix.lower() in read) for folder in options.sources],
        overwrite=options.overwrite,
    )
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
    table = Table(title=f"symbols: {' '.join(made.symbols)}", title_justify="left")
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
        out.print("skipped: " + ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())))
    out.print(f"wrote {paths[0]} and {paths[1]}")
    result = {
        "train": counts["training"],
        "held_out": counts["held out"],
        "symbols": list(made.symbols),
        "skipped": [list(s) for s in made.skipped],
    }
    finish(options.json, "featurize", result)
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
