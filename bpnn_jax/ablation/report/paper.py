"""The pictures on paper: a PDF with a page for each chart, drawn by Vega as the page's charts are, in vectors and with its fonts."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bpnn_jax.ablation.report import draw
from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.errors import InputError

try:
    import vl_convert

    from bpnn_jax.ablation.report.dots import FIRST
except ImportError as error:
    raise InputError("figures for a paper stand on vl-convert; for these pip install 'bpnn-jax[report]'") from error

WIDTH = 624  # pixels, each a point: at the width of a letter or A4 page's text its letters of 11 points come to 8
BEGIN = b"%PDF-1.7\n%\x80\x80\x80\x80\n%bpnn report\n"  # a comment: whose it is
SPEC = ".vl.json"
GAP = 20  # pixels between panels, Vega-Lite's own


def pdf(pictures: Sequence[Picture]) -> bytes:
    r"""A PDF with a page for each picture: ``\includegraphics[page=2, width=\linewidth]{figures.pdf}``.

    The same pictures make the same bytes: there is no date in it, and no chart has more than one font, which vl-convert would number
    in any order.
    """
    return joined([vl_convert.vegalite_to_pdf(_spec(picture)) for picture in pictures])


def is_pdf(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``pdf`` made."""
    return head.startswith(BEGIN)


def files(pictures: Sequence[Picture]) -> dict[str, bytes]:
    """Of each picture a PDF of its own and the Vega-Lite specification that it is drawn from, by their names."""
    found = {}
    for picture in pictures:
        spec = _spec(picture)
        found[f"{picture.kind}.pdf"] = joined([vl_convert.vegalite_to_pdf(spec)])
        found[f"{picture.kind}{SPEC}"] = json.dumps({"usermeta": {"bpnn": "report"}, **_said(spec)}, indent=2).encode()
    return found


def is_spec(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is a specification that ``files`` made."""
    return head.startswith(b'{\n  "usermeta": {\n    "bpnn": "report"')


def _said(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "usermeta"}


def _spec(picture: Picture) -> dict[str, Any]:
    """The page's chart as wide as the paper's text, without bold letters and without the points that are there for a pointer."""
    spec = draw.spec(picture)
    for part, of in (("header", "label"), ("legend", "title"), ("axis", "title")):
        spec["config"][part][f"{of}FontWeight"] = "normal"
    if "title" in spec:
        spec["title"]["fontWeight"] = "normal"
    fit, panel = spec["usermeta"]["fit"], spec.get("spec", spec)
    panel["layer"] = [layer for layer in panel["layer"] if layer["mark"].get("opacity") != 0]
    room, columns = WIDTH - fit["margin"], fit["most"]
    if fit.get("whole") and room - GAP * (columns - 1) < columns * fit["least"]:
        columns = 1  # and the rows have their names in each
        for layer in panel["layer"]:
            layer["transform"] = [one for one in layer.get("transform", ()) if one["filter"] != FIRST]
    if "spec" in spec:
        spec["columns"] = columns
    room = (room - GAP * (columns - 1)) // columns
    panel["width"] = max(60, min(fit.get("widest", room), room))
    return spec


def joined(files: Sequence[bytes]) -> bytes:
    """One PDF with the pages of several, in their order: each file's objects with new numbers, below one new tree of pages.

    files: PDFs as vl-convert writes them: a table of plain objects, and all references in their dictionaries.
    """
    bodies: list[bytes] = [b"", b""]  # of objects 1 (the catalog) and 2 (the tree of pages)
    kids, count = [], 0
    for file in files:
        shift = len(bodies)
        for number, body in enumerate(_objects(file), start=1):
            head, stream, rest = body.partition(b"stream\n")
            head = _renumbered(head, shift)
            if b"/Type /Pages" in head:
                kids.append(b"%d 0 R" % (number + shift))
                count += int(re.search(rb"/Count (\d+)", head)[1])  # type: ignore[index]
                head = head.replace(b"/Type /Pages", b"/Type /Pages /Parent 2 0 R")
            bodies.append(head + stream + rest)
    bodies[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    bodies[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), count)
    written, places = BEGIN, []
    for number, body in enumerate(bodies, start=1):
        places.append(b"%010d 00000 n\r\n" % len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = len(bodies) + 1
    table = b"xref\n0 %d\n0000000000 65535 f\r\n%s" % (size, b"".join(places))
    return written + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))


def _renumbered(head: bytes, shift: int) -> bytes:
    """A dictionary with ``shift`` added to its references; those that stand in lines of their own, which have any order, sorted."""
    shifted = re.sub(rb"\b(\d+) 0 R\b", lambda found: b"%d 0 R" % (int(found[1]) + shift), head)
    lines = rb"(?:^ +/\w+ \d+ 0 R\n)+"
    return re.sub(lines, lambda found: b"".join(sorted(found[0].splitlines(True))), shifted, flags=re.MULTILINE)


def _objects(file: bytes) -> list[bytes]:
    """What stands between ``obj`` and ``endobj`` of objects 1, 2, 3, ..., found by the file's own table."""
    start = int(file[file.rindex(b"startxref") :].split()[1])
    lines = file[start : file.index(b"trailer", start)].splitlines()
    places = [int(line[:10]) for line in lines[3:]]  # after "xref", how many there are, and object 0, which is none
    ends = dict(pairwise([*sorted(places), start]))
    return [file[at : ends[at]].partition(b"obj")[2].rpartition(b"endobj")[0].strip(b"\n") for at in places]
