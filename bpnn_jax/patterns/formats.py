"""Files that are no plain tables, by what they begin with: FANN, SNNS, ARFF, libsvm, and NumPy's npy and npz.

Each reader gives a ``Table``. Formats that say themselves which numbers are targets name these columns ``target_1``, ``target_2``, ...
"""

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bpnn_jax._runtime import archive
from bpnn_jax._runtime.reading import DamagedError, reason
from bpnn_jax._runtime.text import one_line, reads_as_number
from bpnn_jax.patterns.arff import read_arff
from bpnn_jax.patterns.bounds import LARGEST_ARRAY, LARGEST_LIST, check_cells, check_columns, lines
from bpnn_jax.patterns.contents import LARGEST, decoded, read_bytes, whole
from bpnn_jax.patterns.files import PatternFileError, check_lines
from bpnn_jax.patterns.libsvm import is_libsvm, read_libsvm
from bpnn_jax.patterns.tables import Column, Table, numbered, read_table

PAIRS = (  # what people call inputs and targets in an npz, with what they call those to test with
    ("x", "t", "x_test", "t_test"),
    ("x", "y", "x_test", "y_test"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("x_train", "t_train", "x_test", "t_test"),
    ("train_x", "train_y", "test_x", "test_y"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("data", "target", "data_test", "target_test"),
    ("features", "labels", "features_test", "labels_test"),
    ("inputs", "targets", "inputs_test", "targets_test"),
    ("inputs", "outputs", "inputs_test", "outputs_test"),
    ("data", "labels", "data_test", "labels_test"),
    ("x", "labels", "x_test", "labels_test"),
    ("images", "labels", "images_test", "labels_test"),
    ("arr_0", "arr_1", "", ""),  # as np.savez names two arrays that were given without names
)
LOOKS_LIKE = {  # what else people have, by its first bytes
    b"PAR1": "Parquet; pandas.read_parquet(FILE).to_csv(NEW, index=False) makes a table of text",
    b"ARROW1": "Arrow or Feather; pandas.read_feather(FILE).to_csv(NEW, index=False) makes a table of text",
    b"\x89HDF": "HDF5",
    b"%PDF": "PDF",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\xd0\xcf\x11\xe0": "an Excel file (.xls); save it as CSV",
    b"\x80\x04\x95": "a pickle, which is never run; np.savez(FILE, x=x, y=y) or a CSV is read",
    b"BZh": "bzip2; gzip is read",
    b"\xfd7zXZ": "xz; gzip is read",
    b"(\xb5/\xfd": "Zstandard; gzip is read",
}


class Content(NamedTuple):
    """What a file holds: a table, and a second one to test with where the file has its own (npz)."""

    table: Table
    test: Table | None = None


def is_article(content: bytes) -> bool:
    r"""Whether a file is in the article's format: its first line that is no comment has a > between numbers.

    >>> is_article(b"# c\n0.5 1 > 0\n"), is_article(b"a,b\n1,2\n")
    (True, False)
    """
    if content.startswith((b"PK\x03\x04", b"\x93NUMPY", *LOOKS_LIKE)):
        return False
    lines = (line.strip() for line in content[:65536].removeprefix(codecs.BOM_UTF8).splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return b">" in first and b"," not in first.partition(b">")[0] and not first.startswith(b"<")


class Format(NamedTuple):
    name: str
    begins: Callable[[str], bool]  # the first 4096 characters
    read: Callable[[str, str], Table]  # path, text


def read_file(path: str, content: bytes | None = None) -> Content:
    """The table in a file of any format that is known. Raises PatternFileError, which names the formats that are.

    content: the file's bytes, where they have been read.
    """
    content = read_bytes(path) if content is None else content
    if content.startswith(b"\x93NUMPY"):
        return Content(_from_array(path, _unpacked(path, archive.array, content, LARGEST_ARRAY), "npy"))
    if content.startswith(b"PK\x03\x04"):
        inner = _only_member(path, content)
        return _npz(path, content) if inner is None else read_file(path, inner)
    for begins, what in LOOKS_LIKE.items():
        if content.startswith(begins):
            raise PatternFileError(path, f"expected one of {KNOWN}; this one looks like {what}")
    if not content or content.isspace():
        raise PatternFileError(path, "expected at least one pattern, got an empty file", 1, 1)
    check_cells(path, content)
    check_lines(path, content)
    text, encoding = decoded(path, content)
    del content  # it may be large
    start = text[:4096]
    for form in FORMATS:
        if form.begins(start):
            return Content(_parsed(path, form.read, text))
    if start.lstrip()[:1] in ("{", "<") or start.lstrip()[:2] in ("[{", "[["):
        raise PatternFileError(path, f"expected one of {KNOWN}; this one begins with {start.strip()[:40]!r}")
    return Content(_parsed(path, read_table, text, encoding))


def _parsed(path: str, read: Callable[..., Table], *text: str) -> Table:
    try:
        return read(path, *text)
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise PatternFileError(path, f"expected a table, got: {error}") from None


def _tokens(path: str, text: str, most: int) -> list[float]:
    """The numbers of a text without its comments, which begin with #: all, or one more than ``most``."""
    found: list[float] = []
    for number, line in enumerate(lines(text), 1):
        for word in line.partition("#")[0].split():
            if not reads_as_number(word):
                raise PatternFileError(path, f"expected a number, got {word[:40]!r} in line {number} below the header")
            if len(found) > most:
                return found
            found.append(float(word))
    return found


def _from_pairs(path: str, text: str, count: int, inputs: int, outputs: int, form: str) -> Table:
    """Patterns as inputs and targets in turn, as FANN and SNNS have them."""
    check_columns(path, inputs + outputs)
    if not (count and inputs and outputs) or count * (inputs + outputs) > LARGEST_LIST:
        raise PatternFileError(
            path,
            f"expected patterns, inputs and targets, {LARGEST_LIST:,} numbers at most, got a header that says {count}, {inputs} "
            f"and {outputs}",
        )
    numbers = _tokens(path, text, count * (inputs + outputs))
    if len(numbers) != count * (inputs + outputs):
        raise PatternFileError(
            path,
            f"expected {count} patterns of {inputs} inputs and {outputs} targets ({count * (inputs + outputs)} numbers) "
            f"after the header, as it says, got {len(numbers)}{' or more' if len(numbers) > count * (inputs + outputs) else ''}",
        )
    cells = np.array(numbers).reshape(count, inputs + outputs)
    return Table(numbered(cells[:, :inputs], "input") + numbered(cells[:, inputs:], "target"), True, form)


def _fann(path: str, text: str) -> Table:
    begins = next(at for at, character in enumerate(text) if not character.isspace())
    ends = text.index("\n", begins)  # which ``_is_fann`` has seen
    head, rest = text[begins:ends], text[ends + 1 :]
    count, inputs, outputs = map(int, head.split())
    return _from_pairs(path, rest, count, inputs, outputs, "FANN")


def _is_fann(start: str) -> bool:
    lines = start.strip().split("\n")
    head = lines[0].split()
    if len(head) != 3 or not all(re.fullmatch("[0-9]{1,9}", n) for n in head) or len(lines) < 2:
        return False
    if len(lines) == 2:  # all numbers on one line: no row of a table with three columns
        return len(lines[1].split()) > 3
    return (len(lines[1].split()), len(lines[2].split())) == (int(head[1]), int(head[2])) or len(start) == 4096


def _snns(path: str, text: str) -> Table:
    head = {}
    for what in ("patterns", "input units", "output units"):
        match = re.search(rf"No\. of {what}\s*:\s*([0-9]{{1,9}})", text)
        if match is None and what == "output units":
            head[what] = 0
        elif match is None:
            raise PatternFileError(path, f"expected a line 'No. of {what} : N' in a file of SNNS, got none")
        else:
            head[what] = int(match[1])
    if re.search(r"No\. of variable|\[", text.partition("# ")[0]):
        raise PatternFileError(path, "expected patterns of one size, got patterns of variable size")
    if not head["output units"]:
        raise PatternFileError(path, "expected patterns with targets, got a file of SNNS without output units")
    body = text[max(m.end() for m in re.finditer(r"No\. of [a-z ]+:\s*[0-9]+", text)) :]
    count, inputs, outputs = (head[what] for what in ("patterns", "input units", "output units"))
    return _from_pairs(path, body, count, inputs, outputs, "SNNS")


def _only_member(path: str, content: bytes) -> bytes | None:
    """The one file of a zip that is no npz, as tables come from the web. Raises PatternFileError for Excel's, and for several."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            files = [i for i in pack.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX")]
            names = [i.filename for i in files]
            if any(name.endswith(".npy") for name in names) or not names:
                return None
            if "[Content_Types].xml" in names:
                raise PatternFileError(
                    path, f"expected one of {KNOWN}; this one looks like an Excel file (.xlsx); save it as CSV"
                )
            if len(names) > 1:
                raise PatternFileError(
                    path, f"expected a zip of one table, got {len(names)} files: {', '.join(names[:5])}"
                )
            if files[0].file_size > LARGEST:
                raise PatternFileError(path, f"expected at most {LARGEST // 2**20} MiB unpacked, got more")
            with pack.open(files[0]) as file:
                inner = whole(file)  # no more than ``file_size``
    except PatternFileError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        raise PatternFileError(path, f"expected a whole zip, got: {reason(error)}") from None
    if inner.startswith(b"PK\x03\x04"):
        raise PatternFileError(path, "expected a zip of one table, got a zip in a zip")
    return inner


def _npz(path: str, content: bytes) -> Content:
    names = _unpacked(path, archive.names, content)
    lower = {name.lower(): name for name in names}
    pair = next((p for p in PAIRS if p[0] in lower and p[1] in lower), None)
    if pair and pair[0] == "arr_0" and len(names) > 2:  # in which order they were given, nobody knows
        pair = None
    if pair is None:
        known = ", ".join(f"{x} and {t}" for x, t, *_ in PAIRS)
        raise PatternFileError(path, f"expected arrays {known}, got {one_line(', '.join(names))[:200] or 'none'}")
    wanted = [lower[name] for name in (*pair, "feature_names") if name in lower]
    given = _unpacked(path, archive.arrays, content, wanted, LARGEST_ARRAY)
    found = {name.lower(): array for name, array in given.items()}
    called = found.get("feature_names")
    table = _paired(path, found[pair[0]], found[pair[1]], pair[1], called)
    rest = [name for key, name in lower.items() if key not in (*pair, "feature_names")]
    if rest:
        table = replace(table, notes=(*table.notes, f"arrays that are not used: {one_line(', '.join(rest))[:200]}"))
    if pair[2] in found and pair[3] in found:
        return Content(table, _paired(path, found[pair[2]], found[pair[3]], pair[1], called))
    return Content(table)


def _unpacked(path: str, read: Callable, content: bytes, *rest: Any) -> Any:
    """What a reader of ``archive`` gives, or says."""
    try:
        return read(content, one_line(path), *rest)
    except DamagedError as error:
        raise PatternFileError(path, str(error).removeprefix(f"{one_line(path)}: ")) from None


def _paired(path: str, x: np.ndarray, t: np.ndarray, target: str, names: np.ndarray | None) -> Table:
    if len(np.shape(x)) < 2 or len(np.shape(t)) not in (1, 2) or len(x) != len(t) or not x.size or not t.size:
        raise PatternFileError(
            path, f"expected inputs (patterns, n) and as many targets, got shapes {np.shape(x)} and {np.shape(t)}"
        )
    notes = () if x.ndim == 2 else (f"inputs of shape {x.shape[1:]} taken as {int(np.prod(x.shape[1:]))} in a row",)
    check_columns(path, x.size // len(x) + t.size // len(t))
    inputs = numbered(_numbers(path, x.reshape(len(x), -1)), "input")
    if names is not None and names.dtype.kind == "U" and len(names) == len(inputs):
        inputs = tuple(Column(str(n), c.values) for n, c in zip(names, inputs, strict=True))
    t = t[:, 0] if t.ndim == 2 and t.shape[1] == 1 else t
    if t.ndim == 2:
        return Table((*inputs, *numbered(_numbers(path, t), "target")), True, "npz", notes)
    if t.dtype.kind in "US":
        words = [w.decode("utf-8", "replace") if isinstance(w, bytes) else str(w) for w in t.tolist()]
        return Table((*inputs, Column(target, np.array(words, object))), True, "npz", notes)
    return Table((*inputs, Column(target, _numbers(path, t), t.dtype.kind == "b")), True, "npz", notes)


def _numbers(path: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise PatternFileError(path, f"expected an array of numbers, got {array.dtype}")
    return array.astype(np.float64)


def _from_array(path: str, array: np.ndarray, form: str) -> Table:
    if array.ndim != 2 or array.size == 0:
        raise PatternFileError(path, f"expected a 2-D array, got shape {array.shape}")
    check_columns(path, array.shape[1])
    cells = _numbers(path, array)
    return Table(tuple(Column("", np.array(cells[:, k])) for k in range(cells.shape[1])), False, form)


FORMATS = (
    Format("SNNS .pat", lambda start: start.lstrip().startswith("SNNS pattern definition"), _snns),
    Format(
        "ARFF",
        lambda start: re.search(r"(?im)\A(?:[^\S\n]*(?:%.*)?\n)*[^\S\n]*@relation\b", start) is not None,
        read_arff,
    ),
    Format("FANN .data", _is_fann, _fann),
    Format(
        "libsvm",
        is_libsvm,
        read_libsvm,
    ),
)
KNOWN = (
    "the article's format (0.45 0.05 > 1 0 0), a table (commas, semicolons, tabs, bars or spaces), "
    + ", ".join(f.name for f in FORMATS)
    + ", .npz, .npy"
)
