"""Files as people bring them: what is read, which column is learnt, and what is refused rather than guessed."""

import contextlib
import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import tabular
from bpnn_jax.patterns.formats import read_file
from bpnn_jax.patterns.task import learn

ROWS = [
    *((5.1, 3.5, "setosa"), (7.0, 3.2, "versicolor"), (6.3, 3.3, "virginica")),
    *((4.9, 3.0, "setosa"), (6.4, 3.1, "versicolor"), (5.8, 2.7, "virginica")),
]
CODES = {"setosa": 0, "versicolor": 1, "virginica": 2}


def text(sep=",", header="length,width,species", number="{}", classes=str, end="\n"):
    head = [header.replace(",", sep)] if header else []
    lines = [sep.join((number.format(a), number.format(b), str(classes(c)))) for a, b, c in ROWS]
    return end.join([*head, *lines]) + end


def numbered(c):
    return CODES[c]


def comma(value):
    return value.replace(".", ",")


def r_table():
    return "length width species\n" + "".join(f'"{k}" {a} {b} {c}\n' for k, (a, b, c) in enumerate(ROWS, 1))


WORDS = ("setosa", "versicolor", "virginica")
CODED = ("0", "1", "2")

FLOWERS = {  # how the flowers are written: content, classes, name of what is learnt
    "words": (text(), WORDS, "species"),
    "no header": (text(header=""), WORDS, "column 3"),
    "tabs": (text("\t"), WORDS, "species"),
    "bars": (text("|"), WORDS, "species"),
    "spaces": (text("   "), WORDS, "species"),
    "spaces around": (text(" , "), WORDS, "species"),
    "decimal comma": (comma(text(";")), WORDS, "species"),
    "decimal comma, no header": (comma(text(";", "")), WORDS, "column 3"),
    "codes": (text(classes=numbered), CODED, "species"),
    "codes as floats": (text(classes=lambda c: f"{CODES[c]}.0"), CODED, "species"),
    "CR LF": (text(end="\r\n"), WORDS, "species"),
    "CR CR LF": (text(end="\r\r\n"), WORDS, "species"),
    "CR": (text(end="\r"), WORDS, "species"),
    "byte-order mark": ("\ufeff" + text(), WORDS, "species"),
    "comments": ("# about flowers\n#\n" + text().replace("\n7", "\n# half way\n7"), WORDS, "species"),
    "sep=": ("sep=;\n" + text(";"), WORDS, "species"),
    "quoted": (text(classes=lambda c: f'"{c}"', header='"length","width","species"'), WORDS, "species"),
    "pandas' header": (text(header="0,1,2"), WORDS, "2"),
    "blank lines": ("\n\n" + text().replace("\n7", "\n\n7") + "\n\n", WORDS, "species"),
    "a separator at every end": ("length,width,species,\n" + text(header="", end=",\n"), WORDS, "species"),
    "R's row names": (r_table(), WORDS, "species"),
    "scikit-learn's counts": ("6,2,setosa,versicolor,virginica\n" + text(header="", classes=numbered), CODED, "column 3"),
}  # fmt: skip


def test_spaces_around_separators_go_and_those_inside_quotes_stay(tmp_path):
    rows = "".join(f'{k} , "{k}, high" , "{("a, b", "c  ,d")[k % 2]}"\n' for k in range(6))
    task = learnt(tmp_path, '"size, cm" , note , kind\n' + rows, Choice(target="kind"))
    assert task.classes == ("a, b", "c  ,d")
    assert "size, cm" in task.inputs


def learnt(tmp_path, content, choice=None, name="file.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return learn(read_file(str(file)).table, choice or Choice())


@pytest.mark.parametrize("how", FLOWERS)
def test_flowers_however_they_are_written(tmp_path, how):
    content, classes, learns = FLOWERS[how]
    task = learnt(tmp_path, content)
    assert (task.kind, task.classes, task.learns, len(task)) == ("classification", classes, learns, 6)
    assert task.x.tolist() == [[a, b] for a, b, _ in ROWS]
    assert task.t.argmax(axis=1).tolist() == [CODES[c] for *_, c in ROWS]


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda b: b.decode().encode("utf-16"),
        lambda b: b.decode().encode("utf-16-le"),
        lambda b: b.replace(b"setosa", b"s\xe9tosa"),
    ],
    ids=["gzip", "UTF-16", "UTF-16 without mark", "Latin-1"],
)
def test_flowers_in_other_bytes(tmp_path, pack):
    task = learnt(tmp_path, pack(text().encode()))
    assert (len(task), len(task.classes)) == (6, 3)
    assert task.classes[0] in ("setosa", "sétosa")


@pytest.mark.parametrize(
    ("choice", "header", "learns", "inputs"),
    [
        (Choice(), "class,a,b", "class", ("a", "b")),
        (Choice(), "a,Label,b", "Label", ("a", "b")),
        (Choice(), "a,b,c", "c", ("a", "b")),
        (Choice(target="a"), "a,b,c", "a", ("b", "c")),
        (Choice(target="2"), "a,b,c", "b", ("a", "c")),
        (Choice(ignore=("b",)), "a,b,target", "target", ("a",)),
        (Choice(), "id,b,target", "target", ("b",)),
        (Choice(), ",b,target", "target", ("b",)),
        (Choice(), "y,class,b", "class", ("y", "b")),
        (Choice(), "y,a,b", "y", ("a", "b")),
        (Choice(), "x,y,b", "b", ("x", "y")),
    ],
)
def test_which_column_is_learnt(tmp_path, choice, header, learns, inputs):
    rows = [(1, 0, 1), (2, 1, 0), (3, 0, 1), (4, 1, 1)]
    task = learnt(tmp_path, "\n".join([header, *(",".join(map(str, r)) for r in rows)]), choice)
    assert (task.learns, task.inputs) == (learns, inputs)
    if header.startswith(("id", ",")):
        assert any("only counts the rows" in note for note in task.notes)


@pytest.mark.parametrize(
    ("cells", "kind", "outputs"),
    [
        ("0 1 1 0 0 1", "classification", 2),
        ("1 2", "classification", 2),
        ("yes no no yes", "classification", 2),
        ("True False True False", "classification", 2),
        ("3 3 4 4 5 5", "classification", 3),
        ("3 3 4 4 5 6", "regression", 1),
        ("0.5 0.25 0.75 1", "regression", 1),
        (" ".join(str(n % 21) for n in range(42)), "regression", 1),
        (" ".join("abcdefghijklmnopqrstuvwxyz" * 2), "classification", 26),
    ],
)
def test_kinds_of_one_column(tmp_path, cells, kind, outputs):
    lines = [f"{0.5 + k},{cell}" for k, cell in enumerate(cells.split())]
    task = learnt(tmp_path, "\n".join(["a,target", *lines]))
    assert (task.kind, task.t.shape[1]) == (kind, outputs)
    forced = "regression" if kind == "classification" and cells[0].isdigit() else None
    if forced:
        assert learnt(tmp_path, "\n".join(["a,target", *lines]), Choice(kind=forced)).t.shape[1] == 1


def test_kinds_of_several_columns(tmp_path):
    head = "a,target_x,target_y\n"
    assert learnt(tmp_path, head + "0.1,1,0\n0.2,0,1\n0.3,1,0\n").classes == ("x", "y")
    assert learnt(tmp_path, head + "0.1,1,1\n0.2,0,1\n0.3,0,0\n").kind == "multi-label"
    assert learnt(tmp_path, head + "0.1,1.5,1\n0.2,0,1\n0.3,0,0\n").kind == "regression"
    assert learnt(tmp_path, "a,kind_x,kind_y\n0.1,True,False\n0.2,False,True\n").learns == "kind_*"


def test_a_truth_table_is_boolean_and_half_of_one_is_not(tmp_path):
    rows = ["0,0,0", "0,1,1", "1,0,1", "1,1,0"]
    assert learnt(tmp_path, "\n".join(["p,q,target", *rows])).kind == "boolean"
    assert learnt(tmp_path, "\n".join(["p,q,target", *rows[:3]])).kind == "classification"


def test_words_among_the_inputs_become_one_hot(tmp_path):
    rows = ["Torgersen,male,yes,39.1,a", "Biscoe,female,no,40,b", "Dream,male,no,41,a", "Dream,female,yes,42,b"]
    task = learnt(tmp_path, "\n".join(["island,sex,old,bill,species", *rows]))
    assert task.inputs == ("island=Biscoe", "island=Dream", "island=Torgersen", "sex=female", "sex=male", "old", "bill")
    assert task.x[:2].tolist() == [[0, 0, 1, 0, 1, 1, 39.1], [1, 0, 0, 1, 0, 0, 40]]
    assert task.x[2:].tolist() == [[0, 1, 0, 0, 1, 0, 41], [0, 1, 0, 1, 0, 1, 42]]


def test_names_among_the_inputs_are_left_out_with_a_word(tmp_path):
    rows = [f"person {k},{k % 5},{k % 2}" for k in range(30)]
    task = learnt(tmp_path, "\n".join(["name,age,survived", *rows]))
    assert task.inputs == ("age",)
    assert task.notes == ("left out: name, 30 different words, another in every row",)


@pytest.mark.parametrize("mark", ["", "?", "NA", "nan", "NULL", " "])
def test_missing_cells(tmp_path, mark):
    content = f"a,b,target\n1,x,0\n{mark},y,1\n3,x,1\n5,{mark},1\n"
    with pytest.raises(InputError, match=r"2 in 2 of 4 rows \(1 in a, 1 in b\).*--missing drop"):
        learnt(tmp_path, content)
    dropped = learnt(tmp_path, content, Choice(missing="drop"))
    assert (len(dropped), dropped.rows.tolist()) == (2, [0, 2])
    filled = learnt(tmp_path, content, Choice(missing="mean")).filled
    assert (filled[1, 0], filled[3].tolist()) == (3.0, [5.0, 1.0, 0.0])


def test_missing_cells_are_filled_as_the_rows_to_train_on_have_it(tmp_path):
    """The mean of all rows would tell the network of those that it is tested on."""
    rows = ["1,x,no,0", ",,,1", "3,x,no,1", "2,x,no,0", "100,y,yes,1", ",,,0"]  # the last two are kept apart
    task = learnt(tmp_path, "\n".join(["a,b,c,target", *rows]), Choice(missing="mean"))
    cut = tabular.prepare(task, "t", test_share=0.3, in_order=True, standardize=False)
    assert cut.train.x.tolist() == [[1, 1, 0, 0], [2, 1, 0, 0], [3, 1, 0, 0], [2, 1, 0, 0]]
    assert cut.test is not None
    assert cut.test.x.tolist() == [[100, 0, 1, 1], [2, 1, 0, 0]]
    assert [c.fill for c in cut.encoding.columns] == [2.0, "x", "no"]
    apart = tabular.prepare(task, "t", validation=0.3, in_order=True, standardize=False)
    assert apart.validation is not None
    assert apart.validation.x.tolist() == cut.test.x.tolist()


@pytest.mark.parametrize(("missing", "count"), [("refuse", None), ("drop", 1), ("mean", 2)])
def test_a_test_file_is_treated_as_the_other_where_cells_are_missing(tmp_path, missing, count):
    task = learnt(tmp_path, "a,b,target\n1,x,0\n3,y,1\n5,y,1\n", Choice(missing=missing))
    (tmp_path / "test.csv").write_text("a,b,target\n7,x,0\n,y,1\n9,x,\n")
    table = read_file(str(tmp_path / "test.csv")).table
    if count is None:
        with pytest.raises(InputError, match="expected no missing cells, got 2 in 2 of 3 rows"):
            tabular.prepare(task, "t", test=table)
        return
    cut = tabular.prepare(task, "t", test=table, standardize=False)
    assert cut.test is not None
    assert (len(cut.test), cut.left_out) == (count, 3 - count)
    assert any(note.startswith("test: left out") for note in cut.task.notes)
    if missing == "mean":
        assert cut.test.x[:, 0].tolist() == [7.0, 3.0]  # 3 is the mean of training


REFUSED = {
    "a target of one value": ("1,2,0\n3,4,0\n5,6,0\n", Choice(), "got 0 in every row of column 3"),
    "a one-hot sibling among the inputs": ("a,k_x,k_y\n1,0,1\n2,1,0\n3,0,1\n", Choice(target="k_y"), "k_x among the inputs.*k_\\*"),
    "no such column": ("age,b\n1,2\n3,4\n", Choice(target="aeg"), "did you mean age"),
    "no such number": ("a,b\n1,2\n3,4\n", Choice(target="3"), "from 1 to 2"),
    "a ragged row": ("a,b\n1,2\n3,4,5\n6,7\n", Choice(), r"file.csv:3:1: expected 2 cells in every row, got 3"),
    "one name twice": ("a,a\n1,2\n3,4\n", Choice(), "'a' 2 times"),
    "a word among numbers": ("a,target\n1,0\n2,1\n3..1,0\n4,1\n", Choice(), r"expected numbers in a.*'3\.\.1' in row 3"),
    "nothing but a header": ("a,b,target\n", Choice(), "expected rows below the header"),
    "nothing": ("", Choice(), "empty file"),
    "JSON": ('{"a": [1, 2]}', Choice(), "expected one of the article's format.*begins with"),
    "only a target": ("target\n1\n0\n", Choice(), "expected a column of inputs beside target"),
    "names as classes": ("\n".join(["a,target", *(f"1,n{k}" for k in range(30))]), Choice(), "30 different values in 30"),
    "no targets of 0 and 1": ("a,target\n1,2\n2,3\n3,2\n", Choice(kind="multi-label"), "expected targets 0 and 1"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_rather_than_guessed(tmp_path, what):
    content, choice, says = REFUSED[what]
    with pytest.raises(InputError, match=says):
        learnt(tmp_path, content, choice)


# --- other formats ---

ARFF = "% c\n@RELATION f\n@ATTRIBUTE a NUMERIC\n@ATTRIBUTE b NUMERIC\n@ATTRIBUTE class {setosa,versicolor,virginica}\n@DATA\n"
SNNS = "SNNS pattern definition file V3.2\ngenerated at x\n\nNo. of patterns : 4\nNo. of input units : 2\nNo. of output units : 1\n\n"


def fann():
    one_hot = {"setosa": "1 0 0", "versicolor": "0 1 0", "virginica": "0 0 1"}
    return "6 2 3\n" + "".join(f"{a} {b}\n{one_hot[c]}\n" for a, b, c in ROWS)


FORMATS = {
    "FANN": (fann(), "classification", 6, 3),
    "SNNS": (SNNS + "# 1\n0 0\n0\n0 1 1\n1 0\n1\n1 1 0\n", "boolean", 4, 1),
    "ARFF": (ARFF + text(header=""), "classification", 6, 3),
    "libsvm": ("".join(f"{CODES[c]} 1:{a} 3:{b}\n" for a, b, c in ROWS), "classification", 6, 3),
}


@pytest.mark.parametrize("form", FORMATS)
def test_formats_by_what_they_begin_with(tmp_path, form):
    content, kind, count, outputs = FORMATS[form]
    task = learnt(tmp_path, content, name="file.dat")
    assert (task.kind, task.t.shape) == (kind, (count, outputs))
    with pytest.raises(InputError, match="expected"):
        learnt(tmp_path, content.rstrip()[:-2] + " x", name="file.dat")


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize("names", [("x", "t"), ("X", "y"), ("data", "target"), ("x_train", "y_train")])
def test_arrays_of_an_npz(tmp_path, names):
    x, t = np.array([r[:2] for r in ROWS]), np.array([CODES[r[2]] for r in ROWS])
    more = {"x_test": x[:2], "y_test": t[:2]} if names[0] == "x_train" else {}
    file = tmp_path / "a.npz"
    file.write_bytes(npz(**{names[0]: x, names[1]: t}, **more))
    found = read_file(str(file))
    assert learn(found.table).classes == CODED
    assert (found.test is not None) == bool(more)
    assert found.test is None or len(found.test) == 2


def test_images_are_taken_in_a_row_and_objects_refused(tmp_path):
    images = npz(x_train=np.arange(24, dtype=np.uint8).reshape(4, 2, 3), y_train=np.array([0, 1, 0, 1], np.uint8))
    task = learnt(tmp_path, images)
    assert (task.x.shape, task.notes) == ((4, 6), ("inputs of shape (2, 3) taken as 6 in a row",))
    with pytest.raises(InputError, match="numbers or texts, got object"):
        learnt(tmp_path, npz(x=np.ones((2, 2)), y=np.array([{}, 1], object)))
    with pytest.raises(InputError, match=r"expected arrays x and t, x and y.*got left, right"):
        learnt(tmp_path, npz(left=np.ones(2), right=np.ones(2)))


def test_a_forged_header_asks_for_no_memory(tmp_path):
    forged = npz(x=np.ones((2, 2)), y=np.ones(2)).replace(b"(2, 2)", b"(2,9999999999)"[:6])
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    for content in (forged, array.getvalue()):
        with pytest.raises(InputError, match="expected"):
            learnt(tmp_path, content)


def test_rows_to_come_are_read_as_those_that_were_learnt(tmp_path):
    from bpnn_jax.patterns.encode import encode

    task = learnt(tmp_path, "sex,age,target\nm,1,0\nf,2,1\nm,3,1\n")
    (tmp_path / "new.csv").write_text("sex,age\nf,7\n")
    table = read_file(str(tmp_path / "new.csv")).table
    assert encode(table, task.columns, np.arange(1)).tolist() == [[1.0, 0.0, 7.0]]
    (tmp_path / "new.csv").write_text("sex,age\nx,7\n")
    with pytest.raises(InputError, match="expected sex as one of f, m, got 'x'"):
        encode(read_file(str(tmp_path / "new.csv")).table, task.columns, np.arange(1))


# --- anything at all ---

CELLS = st.sampled_from(
    ["", "0", "1", "2.5", "-3", "1e400", "nan", "x", "yes", "no", "NA", '"', "a b", "1,5", "#", "\x00", "é", "9" * 400]
)
TEXTS = st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=6)
SNNS_HEAD = "SNNS pattern definition file V3.2\nNo. of patterns : 2\n"
HEADS = ["", "0,1,2\n", SNNS_HEAD, "2 1 1\n", "@relation x\n", "sep=;\n", "1 1:2\n", "\x93NUMPY"]


@given(TEXTS, st.sampled_from(list(",;\t| ")), st.sampled_from(HEADS), st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_any_text_is_a_task_or_a_sentence(tmp_path_factory, rows, separator, head, encoding):
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes((head + "\n".join(separator.join(row) for row in rows)).encode(encoding, "replace"))
    for choice in (Choice(), Choice(missing="mean"), Choice(target="1", kind="regression", missing="drop")):
        try:
            task = learn(read_file(str(file)).table, choice)
        except InputError:
            continue
        assert np.isfinite(task.filled).all()
        assert len(task.x) == len(task.t) == len(task.rows) > 0
        assert task.x.shape[1] == len(task.inputs)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\xff\xfe"]))
def test_any_bytes_are_a_task_or_a_sentence(tmp_path_factory, content, head):
    file = tmp_path_factory.getbasetemp() / "any.bin"
    file.write_bytes(head + content)
    with contextlib.suppress(InputError):
        learn(read_file(str(file)).table)
