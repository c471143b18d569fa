"""``bpnn play``: the page on which one steps through the derivation and plays with networks, in the browser."""

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bpnn_jax.commands.common import Json, check_outputs, finish

PAGE = Path(__file__).with_name("play.html")  # made by python -m docs --write


@dataclass(frozen=True)
class Play:
    """Step through the derivation with numbers, put mistakes into it, and play with networks: a page in the browser, offline."""

    view: Literal["derivation", "playground"] = "derivation"
    """The part of the page to begin with."""
    lang: Literal["en", "zh"] | None = None
    """The page's language, English or Chinese; otherwise the browser's. The page has a switch too."""
    browser: bool = True
    """Open the page; otherwise only print where it is."""
    json: Json = None
    """Write where the page is, and whether a browser opened it, to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Play) -> int:
    check_outputs(json=options.json, overwrite=options.overwrite)
    language = "" if options.lang is None else f"&lang={options.lang}"
    address = f"{PAGE.as_uri()}#view={options.view}{language}"
    print(address)
    opened = options.browser and webbrowser.open(address)
    if options.browser and not opened:
        print("No browser was found here: open that address in one.")
    finish(options.json, "play", {"page": str(PAGE), "address": address, "opened": bool(opened)})
    return 0
