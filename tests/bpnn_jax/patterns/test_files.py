"""Files of patterns: what is read, what is written, and every error with its exact place."""

import io
import itertools
import math
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns
from bpnn_jax.patterns.files import PatternFileError, read, write

BOM = b"\xef\xbb\xbf"


def read_bytes(folder: Path, data: bytes | str, name: str = "data.txt", **options) -> Patterns:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read(path, **options)


def error_of(folder: Path, data: bytes | str, name: str = "data.txt", **options) -> PatternFileError:
    with pytest.raises(PatternFileError) as caught:
        read_bytes(folder, data, name, **options)
    return caught.value


def check_error(folder, error, name, line, column, problem):
    path = str(folder / name)
    assert (error.path, error.line, error.column, error.problem) == (path, line, column, problem)
    assert str(error) == f"{path}:{line}:{column}: {problem}"


def same(one: Patterns, two: Patterns) -> bool:
    """Equal to the bit, the sign of zero included."""
    return all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in ((one.x, two.x), (one.t, two.t)))


# --- the article's format ---


def test_the_article_s_example(tmp_path):
    made = read_bytes(tmp_path, "0.45 0.05 > 1 0 0\n0.20 0.00 > 0 1 0\n")
    assert made.x.tolist() == [[0.45, 0.05], [0.2, 0.0]]
    assert made.t.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (made.name, made.inputs, made.outputs) == ("data.txt", (), ())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", [b"", BOM])
def test_line_ends_blank_lines_and_byte_order_mark(tmp_path, end, last, mark):
    text = end.join(["", "1 2 > 3", "  \t", "4\t5  >6 ", ""]) + (end if last else "")
    made = read_bytes(tmp_path, mark + (text if last else text.rstrip("\r\n")).encode())
    assert made.x.tolist() == [[1, 2], [4, 5]]
    assert made.t.tolist() == [[3], [6]]
    # and the line numbers of an error count such a line once
    check_error(tmp_path, error_of(tmp_path, mark + (text + "x").encode()), "data.txt", 6 if last else 5, 1, (
        "expected a number, got 'x'"
    ))  # fmt: skip


@pytest.mark.parametrize("word", ["1", "+1", "-1", "1.", ".5", "1.5", "1e3", "1E-3", "-.5e+2", "007", "1e-999", "-0"])
def test_numbers_that_are_read(tmp_path, word):
    made = read_bytes(tmp_path, f"{word} 2 > {word}")
    assert made.x[0, 0] == made.t[0, 0] == float(word)
    assert np.signbit(made.x[0, 0]) == word.startswith("-")


@pytest.mark.parametrize(
    "word",
    ["nan", "NaN", "inf", "-inf", "Infinity", "1_000", "0x10", "0b1", "1j", "1e", "e5", ".", "+", "--1", "1.2.3", "1-2",
     "1,5", "٣", "１", "1\u00a02", "\ufeff1", "1\x00", "1\x0c", "True", "__import__('os')", "[1]", "1;2", "'1'"],
)  # fmt: skip
def test_words_that_are_no_numbers(tmp_path, word):
    shown = f"expected a number, got {word!r}"
    check_error(tmp_path, error_of(tmp_path, f"1 2 > 3\n\n4 {word} > 6"), "data.txt", 3, 3, shown)
    check_error(tmp_path, error_of(tmp_path, f"1 2 > 3\n4 5 > 6 {word}"), "data.txt", 2, 9, shown)
    if "," not in word:
        check_error(tmp_path, error_of(tmp_path, f"1,2,3\n4, {word} ,6", "a.csv"), "a.csv", 2, 4, shown)


FAULTS = [
    ("1 2 > 3\n4 1e999 > 6", 2, 3, "expected a finite number, got '1e999'"),
    ("1 2 > -1e999", 1, 7, "expected a finite number, got '-1e999'"),
    ("1 2 3", 1, 6, "expected '>' between inputs and targets, got the end of the line"),
    ("1 2 > 3\n1 2 3  \t", 2, 6, "expected '>' between inputs and targets, got the end of the line"),
    ("1 > 2 > 3", 1, 7, "expected one > a line, got a second '>'"),
    ("1 >> 3", 1, 4, "expected one > a line, got a second '>'"),
    ("1 2 >", 1, 6, "expected a number, the first target, got the end of the line"),
    ("1 2 >  \n", 1, 6, "expected a number, the first target, got the end of the line"),
    ("  > 1", 1, 3, "expected a number, the first input, got '>'"),
    (">", 1, 1, "expected a number, the first input, got '>'"),
    ("# a\n\n1 2 > 3\n\n1 > 3", 5, 3, "expected 2 inputs as in line 3, got 1"),
    ("1 2 > 3\n1 2 33 > 3", 2, 5, "expected 2 inputs as in line 1, got 3"),
    ("1 2 > 3\n1 2 > 3 44 5", 2, 9, "expected 1 targets as in line 1, got 3"),
    ("1 2 > 3 4\n1 2 > 3 ", 2, 8, "expected 2 targets as in line 1, got 1"),
    ("1 2 > 3\n1 2 > 3 # no comment", 2, 9, "expected a number, got '#'"),
    ("1 2 > 3\n" + "9" * 30 + "x" * 30 + " > 3", 2, 1, f"expected a number, got '{'9' * 30}{'x' * 7}...'"),
    ("é > 1", 1, 1, "expected a number, got 'é'"),
    ("# é 漢字\r\r\n1 2 > x 漢", 2, 7, "expected a number, got 'x'"),
    ("\r\r\r\n\r\r\n\n\r\nx", 6, 1, "expected a number, got 'x'"),
    ("", 1, 1, "expected at least one pattern, got none"),
    ("\r\n  \n# 1 2 > 3\n", 1, 1, "expected at least one pattern, got none"),
]


@pytest.mark.parametrize(("text", "line", "column", "problem"), FAULTS)
def test_fault_and_its_place(tmp_path, text, line, column, problem):
    check_error(tmp_path, error_of(tmp_path, text), "data.txt", line, column, problem)
    check_error(tmp_path, error_of(tmp_path, BOM + text.encode()), "data.txt", line, column, problem)


def test_the_first_fault_of_several_is_the_one_named(tmp_path):
    error = error_of(tmp_path, "1 2 > 3\n1 1e999 > 3\n1 2 3\nx")
    assert (error.line, error.column) == (2, 3)


@pytest.mark.parametrize("name", ["data.txt", "data.csv"])
@pytest.mark.parametrize(
    ("data", "line", "column", "byte"),
    [
        (b"\xff\xfe1\x00", 1, 1, "ff"),
        (BOM + b"1 > 2\r\r\n\xc3\xa9 > \x80", 2, 5, "80"),
        (b"# ok\n1 > \xe6\xbc", 2, 5, "e6"),
    ],
)
def test_not_utf8(tmp_path, name, data, line, column, byte):
    expected = f"expected text in UTF-8, got the byte 0x{byte}"
    check_error(tmp_path, error_of(tmp_path, data, name), name, line, column, expected)


def test_a_hostile_line_is_just_a_parse_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data.txt", "data.csv"):
        error = error_of(tmp_path, "1,2\n__import__('os').mkdir('owned')\n", name)
        assert error.problem.startswith("expected a number, got ")
    assert not (tmp_path / "owned").exists()


def test_names_in_comments(tmp_path):
    text = "# inputs: { > #\n  #outputs :C  Python\n# inputs are chunks\n1 2 3 > 1 0\n"
    made = read_bytes(tmp_path, text)
    assert (made.inputs, made.outputs) == (("{", ">", "#"), ("C", "Python"))


@pytest.mark.parametrize("comment", ["# inputs: a b c", "# inputs: a", "# inputs:", "# inputs: a \x07", "#inputs a b"])
def test_names_that_do_not_fit_are_left_out(tmp_path, comment):
    made = read_bytes(tmp_path, f"{comment}\n# outputs: C\n1 2 > 1\n")
    assert (made.inputs, made.outputs) == ((), ("C",))


def test_paths_that_are_no_files(tmp_path):
    for name in ("absent.txt", "absent.csv", "absent.npz", "no/folder.txt"):
        with pytest.raises(PatternFileError) as caught:
            read(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: expected a file, got a path that does not exist"
        assert (caught.value.line, caught.value.column) == (None, None)
    with pytest.raises(PatternFileError, match="expected a file, got a folder"):
        read(tmp_path)
    with pytest.raises(PatternFileError, match="expected a file that can be read, got: embedded null byte"):
        read("a\0b")
    with pytest.raises(PatternFileError, match="expected a file that can be read, got: File name too long"):
        read("a" * 5000)


def test_targets_are_checked_in_every_format(tmp_path):
    np.savez(tmp_path / "two.npz", x=np.ones((1, 3)), t=np.ones((1, 2)))
    (tmp_path / "two.txt").write_text("1 1 1 > 1 1")
    (tmp_path / "two.csv").write_text("a,b,c,t_1,t_2\n1,1,1,1,1")
    for name in ("two.npz", "two.txt", "two.csv"):
        assert read(tmp_path / name, targets=2).t.shape == (1, 2)
        with pytest.raises(PatternFileError, match=f"{name}: expected 3 targets a pattern, got 2"):
            read(tmp_path / name, targets=3)
        with pytest.raises(ValueError, match="targets: expected 1 or more, got 0"):
            read(tmp_path / name, targets=0)


# --- CSV ---


@pytest.mark.parametrize(
    ("text", "targets", "x", "t", "inputs", "outputs"),
    [
        ("1,2,3\n4,5,6", None, [[1, 2], [4, 5]], [[3], [6]], (), ()),
        ("1,2,3\n4,5,6", 2, [[1], [4]], [[2, 3], [5, 6]], (), ()),
        ("a,b,c\n4,5,6", None, [[4, 5]], [[6]], ("a", "b"), ("c",)),
        ("a,b,c\n4,5,6", 2, [[4]], [[5, 6]], ("a",), ("b", "c")),
        ("a,target,c\n4,5,6", None, [[4, 6]], [[5]], ("a", "c"), ("target",)),
        ("T_one,x,target_two,TARGET: three\n1,2,3,4", None, [[2]], [[1, 3, 4]], ("x",), ("one", "two", "three")),
        ("total,t,targets,target\n1,2,3,4", None, [[1, 2, 3]], [[4]], ("total", "t", "targets"), ("target",)),
        ("0,1,target\n4,5,6", None, [[4, 5]], [[6]], ("0", "1"), ("target",)),
        ("target_,a\n4,5", None, [[5]], [[4]], ("a",), ("target_",)),
        ('"petal, length","say ""a""",t_x\n4,"5",6', None, [[4, 5]], [[6]], ("petal,_length", 'say_"a"'), ("x",)),
        (' 1 ,\t"2" , 3 \n"-4.5" ,5e0,.6', None, [[1, 2], [-4.5, 5]], [[3], [0.6]], (), ()),
        ("\n\r\r\na,\x07,c\n\n4,5,6\r\n \r\n7,8,9", None, [[4, 5], [7, 8]], [[6], [9]], (), ("c",)),
    ],
)
def test_csv(tmp_path, text, targets, x, t, inputs, outputs):
    for mark in (b"", BOM):
        made = read_bytes(tmp_path, mark + text.encode(), "a.CSV", targets=targets)
        assert (made.x.tolist(), made.t.tolist()) == (x, t)
        assert (made.name, made.inputs, made.outputs) == ("a.CSV", inputs, outputs)


CSV_FAULTS = [
    ("1,2,3\n1,2", 2, 4, "expected 3 columns as in line 1, got 2"),
    ("\na,b,c\n1,2,3\n1,2,3, 4 ,5", 4, 8, "expected 3 columns as in line 2, got 5"),
    ('1,2\n"1", "2","3"', 2, 10, "expected 2 columns as in line 1, got 3"),
    ("1,2,3\n1,,3", 2, 3, "expected a number, got nothing"),
    ("1,2,3\n1, ,3", 2, 4, "expected a number, got nothing"),
    ("1,2,3\n1,2,", 2, 5, "expected a number, got nothing"),
    ('1,2,3\n1,"",3', 2, 3, "expected a number, got nothing"),
    ("1,2,3\n1,1e999,3", 2, 3, "expected a finite number, got '1e999'"),
    ("1,nan,3", 1, 3, "expected a number, got 'nan'"),
    ("nan,inf", 1, 1, "expected a number, got 'nan'"),
    ("a,2,3\n1,2,3", 1, 1, "expected a number, got 'a'"),
    ("a,,c\n1,2,3", 1, 3, "expected the name of a column, got nothing"),
    ("1;2;3\n4;5;6", 2, 1, "expected a number, got '4;5;6'"),
    ('a,b\n1,2"2', 2, 4, "expected quotes around a whole cell, got '\"2'"),
    ('a,b\n1,"2"2', 2, 3, "expected quotes around a whole cell, got '\"2\"2'"),
    ('a,b\n1, "2,3', 2, 4, "expected quotes around a whole cell, got '\"2,3'"),
    ("a,b", 1, 1, "expected at least one pattern, got only a header"),
    ("\n \n", 1, 1, "expected at least one pattern, got none"),
    ("", 1, 1, "expected at least one pattern, got none"),
    ("1\n2", 1, 1, "expected columns of inputs and of targets, got targets only"),
    ("t_a,t_b\n1,2", 1, 1, "expected columns of inputs and of targets, got targets only"),
]


@pytest.mark.parametrize(("text", "line", "column", "problem"), CSV_FAULTS)
def test_csv_fault_and_its_place(tmp_path, text, line, column, problem):
    check_error(tmp_path, error_of(tmp_path, text, "a.csv"), "a.csv", line, column, problem)


def test_csv_with_more_targets_than_columns(tmp_path):
    error = error_of(tmp_path, "1,2,3", "a.csv", targets=3)
    assert error.problem == "expected columns of inputs and of targets, got targets only"


# --- npz ---


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_npz(tmp_path):
    x, t = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([[True], [False], [True]])
    made = read_bytes(tmp_path, npz(x=x, t=t, other=np.ones(3)), "a.npz")
    assert made.x.tolist() == x.tolist()
    assert made.t.tolist() == [[1], [0], [1]]
    assert made.x.dtype == made.t.dtype == np.float64
    assert made.name == "a.npz"


ONES = np.ones((2, 1))


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"x": ONES}, "expected the arrays x and t, got no t"),
        ({"t": ONES}, "expected the arrays x and t, got no x"),
        ({"x": np.ones(2), "t": ONES}, "x: expected a 2-D array, 1 or more rows by 1 or more columns, got shape (2,)"),
        ({"x": ONES, "t": np.ones((3, 1))}, "expected as many rows in t as in x, 2, got 3"),
        ({"x": np.array([["a"], ["b"]]), "t": ONES}, "x: expected a 2-D array of numbers, got an array of <U1"),
        ({"x": ONES, "t": ONES * np.nan}, "t: expected finite numbers, got nan at row 0, column 0 (from 0)"),
        ({"x": ONES.astype(object), "t": ONES}, "expected x.npy to hold numbers or texts, got object"),
    ],
)  # fmt: skip
def test_npz_fault(tmp_path, arrays, problem):
    error = error_of(tmp_path, npz(**arrays), "a.npz")
    assert (error.problem, error.line, error.column) == (problem, None, None)
    assert str(error) == f"{tmp_path / 'a.npz'}: {problem}"


def test_npz_cut_short_at_any_byte(tmp_path):
    whole = npz(x=ONES, t=ONES)
    for length in range(len(whole)):
        error = error_of(tmp_path, whole[:length], "a.npz")
        assert error.problem.startswith("expected an npz archive of numbers, got: ")


def test_npz_that_is_another_zip(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", b"text")
        archive.writestr("t", b"text")
    assert error_of(tmp_path, file.getvalue(), "a.npz").problem == "expected the arrays x and t, got no x"


def test_npz_with_one_byte_changed(tmp_path):
    np.savez(tmp_path / "whole.npz", x=ONES, t=ONES)
    damaged = (tmp_path / "whole.npz").read_bytes().replace(ONES.tobytes(), (ONES + 1).tobytes())
    assert error_of(tmp_path, damaged, "a.npz").problem.startswith("expected an npz archive of numbers, got: Bad CRC")


# --- writing ---

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(min_size=1, max_size=4).filter(lambda word: word.isprintable() and word.split() == [word])


@st.composite
def some_patterns(draw):
    rows, inputs, outputs = (draw(st.integers(1, 4)) for _ in range(3))
    return Patterns(
        x=draw(st.lists(st.lists(FINITE, min_size=inputs, max_size=inputs), min_size=rows, max_size=rows)),
        t=draw(st.lists(st.lists(FINITE, min_size=outputs, max_size=outputs), min_size=rows, max_size=rows)),
        name="drawn.txt",
        inputs=draw(st.just(()) | st.tuples(*[WORDS] * inputs)),
        outputs=draw(st.just(()) | st.tuples(*[WORDS] * outputs)),
    )


@settings(deadline=None)
@given(made=some_patterns())
def test_write_and_read_round_trip(tmp_path_factory, made):
    path = tmp_path_factory.getbasetemp() / "drawn.txt"
    write(path, made)
    again = read(path)
    assert same(made, again)
    assert (again.inputs, again.outputs) == (made.inputs, made.outputs)


def test_what_is_written(tmp_path):
    made = Patterns(
        x=[[0.1, -0.0, 1e300], [5e-324, 10, 100]],
        t=[[1], [0]],
        name="n",
        inputs=("a", "#", ">"),
        outputs=("C",),
    )
    write(tmp_path / "a.txt", made)
    assert (tmp_path / "a.txt").read_bytes() == (
        b"# inputs: a # >\n# outputs: C\n0.1 -0 1e+300 > 1\n5e-324 10 100 > 0\n"
    )
    assert same(made, read(tmp_path / "a.txt"))


def test_write_replaces_whole_or_not_at_all(tmp_path, monkeypatch):
    path, made = tmp_path / "a.txt", Patterns(x=[[1]], t=[[0]], name="n")
    path.write_text("old")

    def no_replace(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_replace)
        with pytest.raises(InputError) as caught:
            write(path, made)
    assert str(caught.value) == f"{path}: expected a path that can be written, got: No space left on device"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
    write(path, made)
    assert path.read_text() == "1 > 0\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_write_to_places_that_cannot_be(tmp_path):
    made = Patterns(x=[[1]], t=[[0]], name="n")
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name in ("no/folder.txt", "file/a.txt", "folder"):
        with pytest.raises(InputError, match=f"{name}: expected a path that can be written, got: "):
            write(tmp_path / name, made)
    for name in ("a.csv", "a.NPZ"):
        with pytest.raises(ValueError, match=r"expected a name for the article's format, \.txt for example, got \."):
            write(tmp_path / name, made)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


# --- anything at all ---


def outcome(path: Path) -> Patterns | PatternFileError:
    try:
        return read(path)
    except PatternFileError as error:
        return error


def reference(text: str) -> tuple[list, list] | None:
    """The article's format once more, by one regular expression a line; None where it is at fault."""
    number = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
    numbers = rf"[ \t]*{number}([ \t]+{number})*[ \t]*"
    x, t = [], []
    for line in re.split(r"\r\r\n|\r\n|\r|\n", text):
        if re.fullmatch(r"[ \t]*(#.*)?", line, re.DOTALL):
            continue
        if not re.fullmatch(f"{numbers}>{numbers}", line):
            return None
        left, right = line.split(">")
        x.append([float(word) for word in left.split()])
        t.append([float(word) for word in right.split()])
    widths = {(len(a), len(b)) for a, b in zip(x, t, strict=True)}
    return (x, t) if len(widths) == 1 and all(map(math.isfinite, itertools.chain(*x, *t))) else None


WORD = st.sampled_from(
    ["1", "-2.5", ".5e1", "0.1", ">", ">", "1e999", "nan", "1_0", "x", "#", "e", "+", "0x1", "\x0c1"]
)
GAP = st.sampled_from([" ", " ", "\t", "", "\u00a0"])
LINE = st.lists(st.tuples(WORD, GAP).map("".join), max_size=6).map("".join) | st.sampled_from(["1 2 > 3", "4 5 >6"])
TEXT = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n", "\r\r\n", "\r"])).map("".join), max_size=4).map("".join)


@settings(deadline=None, max_examples=400)
@given(text=TEXT)
def test_near_patterns_are_read_as_the_reference_reads_them(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "near.txt"
    path.write_bytes(text.encode())
    expected, got = reference(text), outcome(path)
    if isinstance(got, Patterns):
        assert (got.x.tolist(), got.t.tolist()) == expected
    else:
        assert expected is None, got
        lines = re.split(r"\r\r\n|\r\n|\r|\n", text)
        assert 1 <= got.line <= len(lines)
        assert 1 <= got.column <= len(lines[got.line - 1]) + 1


CSV_TEXT = st.lists(
    st.sampled_from(
        ["1", "-2.5", "1e999", "nan", ",", ",", ",", "\n", "\n", '"', '"3"', " ", "a", "target", "t_b", "\r"]
    ),
    max_size=14,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=60) | TEXT.map(str.encode) | CSV_TEXT.map(str.encode))
@pytest.mark.parametrize("name", ["fuzz.txt", "fuzz.csv", "fuzz.npz"])
def test_any_bytes_are_patterns_or_a_clear_error(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    got = outcome(path)
    if isinstance(got, Patterns):
        assert np.isfinite(got.x).all()
        assert np.isfinite(got.t).all()
    else:
        assert str(got).startswith(str(path))
        assert ": expected " in str(got)


WHOLE_NPZ = npz(x=np.arange(4.0).reshape(2, 2), t=ONES)


@settings(deadline=None, max_examples=200)
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE_NPZ) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_npz_is_patterns_or_a_clear_error(tmp_path_factory, changes):
    data = bytearray(WHOLE_NPZ)
    for place, byte in changes:
        data[place] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(data)
    got = outcome(path)
    if isinstance(got, PatternFileError):
        assert "expected " in got.problem
    else:
        assert len(got) == 2


# --- the article's own data ---


def article_data(name: str) -> Path:
    folder = Path(os.environ.get("BPNN_ARTICLE_DATA", "."))
    if not (folder / name).is_file():
        pytest.skip(f"the article's {name} is not here; BPNN_ARTICLE_DATA names the folder that has it")
    return folder / name


@pytest.mark.parametrize(("name", "patterns"), [("testdata.200", 6771), ("testdata.500", 2668), ("testdata.1k", 1298)])
def test_the_article_s_data(tmp_path, name, patterns):
    path = article_data(name)
    made = read(path)
    words = path.read_bytes().replace(b">", b"").split()
    table = np.array([float(word) for word in words]).reshape(patterns, 23)
    assert made.x.tolist() == table[:, :20].tolist()
    assert made.t.tolist() == table[:, 20:].tolist()
    assert (made.t.sum(axis=1) == 1).all()
    write(tmp_path / "again.txt", made)
    assert same(made, read(tmp_path / "again.txt"))
