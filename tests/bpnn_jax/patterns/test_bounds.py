"""Tables that are too large, or of nothing: refused before they are unpacked, decoded or parsed."""

import gzip
import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from bpnn_jax.errors import InputError
from bpnn_jax.patterns import bounds, contents, door, formats, layout, tables

SNNS = (
    "SNNS pattern definition file V3.2\nNo. of patterns : {}\nNo. of input units : {}\nNo. of output units : {}\n\n{}\n"
)
FIVE = {  # five columns each, or four and a target
    "csv": b"1,2,3,4,0\n2,3,4,5,1\n",
    "npy": lambda: _npy(np.arange(10.0).reshape(2, 5)),
    "npz": lambda: _npz(x=np.arange(8.0).reshape(2, 4), y=np.array([[0], [1]])),
    "arff": b"@relation r\n"
    + b"".join(b"@attribute a%d real\n" % i for i in range(5))
    + b"@data\n1,2,3,4,0\n2,3,4,5,1\n",
    "libsvm": b"1 1:1 2:1 5:3\n0 1:1 2:2 3:1\n",
    "FANN": b"2 4 1\n1 2 3 4\n0\n2 3 4 5\n1\n",
    "SNNS": SNNS.format(2, 4, 1, "1 2 3 4\n0\n2 3 4 5\n1").encode(),
}


def _npy(array):
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def _npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _header(shape, literal=None):
    text = (literal or repr({"descr": "<f8", "fortran_order": False, "shape": shape})).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def opened(folder, content, name="file.csv"):
    (folder / name).write_bytes(content() if callable(content) else content)
    return door.open_file(str(folder / name))


def never(*_):
    raise AssertionError("unpacked, decoded or parsed before it was counted")


@pytest.mark.parametrize("form", FIVE)
def test_columns_are_counted_before_they_are_made(tmp_path, form, monkeypatch):
    assert len(opened(tmp_path, FIVE[form]).patterns) > 0
    monkeypatch.setattr(bounds, "MOST_COLUMNS", 4)
    with pytest.raises(InputError, match=r"expected at most 4 columns, got 5"):
        opened(tmp_path, FIVE[form])


def test_a_gzip_is_counted_before_it_is_kept(tmp_path, monkeypatch):
    packed = gzip.compress(b"1,2\n" * 300) + gzip.compress(b"1,2\n" * 300)
    assert len(contents.read_bytes(_written(tmp_path, packed))) == 2400
    monkeypatch.setattr(contents, "LARGEST", 2 * 2**20)
    monkeypatch.setattr(gzip, "decompress", never)
    with pytest.raises(InputError, match="expected at most 2 MiB unpacked, got more"):
        contents.read_bytes(_written(tmp_path, gzip.compress(bytes(2**20)) * 3))


def test_the_one_file_of_a_zip_is_counted(tmp_path, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"1,2\n" * 2**19)
    monkeypatch.setattr(formats, "LARGEST", 2**20)
    with pytest.raises(InputError, match="expected at most 1 MiB unpacked, got more"):
        opened(tmp_path, packed.getvalue())


def _written(folder, content):
    (folder / "file.csv").write_bytes(content)
    return str(folder / "file.csv")


@pytest.mark.parametrize("row", [b"1,2\n", b"mine,2\n"])
def test_cells_are_counted_before_a_text_is_decoded(tmp_path, row, monkeypatch):
    monkeypatch.setattr(bounds, "LARGEST_LIST", 500)
    monkeypatch.setattr(bounds, "LARGEST_TABLE", 900)
    monkeypatch.setattr(formats, "decoded", never)
    with pytest.raises(
        InputError, match=r"expected at most (900 cells, got 501 lines of 2|500 words, got 501 lines of 1)"
    ):
        opened(tmp_path, row * 501)
    monkeypatch.undo()
    assert len(opened(tmp_path, b"1,0\n2,1\n" * 300).patterns) == 600


def test_a_row_that_is_wrong_is_found_without_a_copy_of_the_text():
    """A StringIO takes four bytes for each character: a text of 30 MB in UTF-16 took 566 MB of memory, with it."""
    text = "1,2\n" * 2**18 + "1,2,3\n"
    tracemalloc.start()
    try:
        wrong = tables._where_it_is_wrong("f.csv", text, 4, ",", 2, ValueError("unread"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(wrong) == f"f.csv:{2**18 + 1}:1: expected 2 cells in every row, got 3"
    assert peak < len(text) / 2  # a line at a time takes kilobytes


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_what_is_unpacked_is_there_once(tmp_path, pack):
    size = 2**24
    path = tmp_path / "f.csv"
    if pack == "gz":
        path.write_bytes(gzip.compress(b"1,2\n" * (size // 4), 1))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("f.csv", b"1,2\n" * (size // 4))
    packed = contents.read_bytes(str(path)) if pack == "zip" else b""
    tracemalloc.start()
    try:
        found = formats._only_member("f.csv", packed) if pack == "zip" else contents.read_bytes(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == size
    assert peak < 1.6 * size  # parts that are gathered and joined are there twice


def test_names_by_the_million_are_not_looked_at_one_by_one(tmp_path, monkeypatch):
    """Three million of them took 12 s of CPU before they were refused."""
    from bpnn_jax.patterns import targets, task

    seen = []
    for module, name in ((task, "reads_as_number"), (targets, "as_word")):
        monkeypatch.setattr(module, name, lambda word: seen.append(word) or False)
    rows = "".join(f"n{k},{k % 2}\n" for k in range(4000))
    with pytest.raises(InputError, match="got none; left out: name, 4000 different words, another in every row"):
        opened(tmp_path, f"name,target\n{rows}".encode())
    with pytest.raises(InputError, match="4000 different values in 4000 rows"):
        opened(tmp_path, f"target,b\n{rows}".encode())
    assert len(seen) <= task.SAMPLE + 100  # and the head of the table


@pytest.mark.parametrize("form", ["arff", "libsvm", "FANN", "SNNS"])
def test_formats_that_are_read_cell_by_cell_have_fewer(tmp_path, form, monkeypatch):
    from bpnn_jax.patterns import arff, libsvm

    for module in (formats, arff, libsvm):
        monkeypatch.setattr(module, "LARGEST_LIST", 4)
    with pytest.raises(InputError, match=r"4 numbers at most|at most 4"):
        opened(tmp_path, FIVE[form])


@pytest.mark.parametrize("count", [3, 10**6])
def test_no_more_numbers_are_read_than_a_header_says(tmp_path, count):
    with pytest.raises(InputError, match=r"\(9 numbers\) after the header, as it says, got (6|10 or more)"):
        opened(tmp_path, b"3 2 1\n" + b"1 2\n0\n" * (2 if count == 3 else count))


NOTHING = {
    "2^30 rows of nothing": lambda: _archive({"x.npy": _header((2**30, 0)), "y.npy": _header((2**30, 0))}),
    "no columns": lambda: _npz(x=np.ones((4, 0)), y=np.ones(4)),
    "no rows": lambda: _npz(x=np.ones((0, 4)), y=np.ones(0)),
    "no targets": lambda: _npz(x=np.ones((4, 4)), y=np.ones((4, 0))),
    "no attributes": b"@relation r\n@data\n1,2\n",
    "no inputs": b"2 0 1\n\n1\n\n1\n",
    "no output units": SNNS.format(1, 1, 0, "1").encode(),
    "NULs": bytes(1000),
    "half a zip": b"PK\x03\x04" + bytes(30),
    "a header that is called": _header(0, "{'descr': __import__('os').getcwd(), 'shape': (1, 2)}"),
    "a header of nests": _header(0, "(" * 60000),
    "a shape of True": _header((True, -1)),
    "a cell of 200,000 characters": b"1,2\n" + b'"' + b"x" * 200_000 + b'",3\n',
    "an attribute of 200,000 characters": b"@relation r\n@attribute a {" + b"x" * 200_000 + b"}\n@data\nx\n",
}


def _archive(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize("what", NOTHING)
def test_what_holds_nothing_or_is_nested_is_a_sentence(tmp_path, what):
    with pytest.raises(InputError) as caught:
        opened(tmp_path, NOTHING[what])
    assert str(caught.value).startswith(str(tmp_path / "file.csv"))
    assert " at 0x" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a , b\nx{}y , 1\nz , 2\n", "x{}y"),
        ("a b\nx{}1\nz 2\n", "x"),
        ("| a | b |\n|---|---|\n| x{}y | 1 |\n| z | 2 |\n", "x{}y"),
    ],
    ids=["commas", "blanks", "Markdown"],
)
def test_a_line_of_blanks_takes_no_time_that_grows_with_its_square(text, cell):
    """Squared, it would take minutes."""
    blanks = " " * 120_000
    read = tables.read_table("file.csv", text.format(blanks), "UTF-8")
    assert read.columns[0].values.tolist() == [cell.format(blanks), "z"]
    assert read.columns[1].values.tolist() == [1, 2]


def test_many_blank_lines_before_a_table(tmp_path):
    """A pattern of blank lines in blank lines would never end."""
    assert opened(tmp_path, b"\n" * 4000 + b"a,b\n1,0\n2,1\n").patterns.x.tolist() == [[1], [2]]


def test_a_header_that_is_longer_than_a_cell_may_be(tmp_path):
    names = ",".join(f"{'column' * 40}_{i}" for i in range(600))
    row = ",".join(map(str, range(600)))
    assert len(names) > 131_072  # of the csv module
    assert opened(tmp_path, "\n".join([names, row, row[:-1] + "8", row]).encode()).patterns.x.shape == (3, 599)


def test_long_lines_are_looked_at_less_often():
    assert len(layout.sample("1,2\n" * 1000)) == layout.SAMPLE
    assert len(layout.sample(("1," * 2**19 + "\n") * 50)) == 2


def test_lines_that_are_not_used_are_never_made():
    text = "1 2\n1\n" * 10**6
    tracemalloc.start()
    try:
        assert formats._tokens("file.data", text, 5) == [1, 2, 1, 1, 2, 1]
        assert tracemalloc.get_traced_memory()[1] < 2**20  # a list of them would take 100 MB
    finally:
        tracemalloc.stop()
