"""What a benchmark writes into a page of docs, between two markers."""

from pathlib import Path

from bpnn_jax import InputError


def between(page: Path, begin: str, end: str, text: str, found: str | None = None) -> str:
    """The text of ``page``, or ``found`` in its place, with ``text`` between its two markers. Raises InputError without them."""
    found = page.read_text("utf-8") if found is None else found
    if found.count(begin) != 1 or found.count(end) != 1 or found.index(begin) > found.index(end):
        raise InputError(f"expected one {begin} and after it one {end} in {page.name}")
    return found[: found.index(begin) + len(begin)] + f"\n\n{text}\n" + found[found.index(end) :]
