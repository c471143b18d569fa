"""Odd files, each of a kind that people bring: what is learnt, what is left out and noted, and what is refused with a sentence."""

# ruff: noqa: E501 - tables, a file per line
import io
import zipfile

import numpy as np
import pytest

from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.door import open_file

A = [round(0.37 * k - 4.1 + (k * 7 % 5), 2) for k in range(40)]
B = [round((k * 13 % 17) / 3 - 2, 2) for k in range(40)]
PETS = ["cat" if k % 2 else "dog" for k in range(40)]
THREE = [k % 3 for k in range(40)]
SHUFFLED = [(k * 27 + 5) % 40 for k in range(40)]


def rows(header, *columns, sep=","):
    lines = [sep.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines] if header else lines) + "\n"


def each(form, values=A):
    return [form.format(v) for v in values]


def comma(values):
    return [str(v).replace(".", ",") for v in values]


CATS = "learns pet (2 classes: cat 20, dog 20) from"
READ = {  # content, what is learnt, and what is said beside
    "percent signs": (rows("rate,pet", each("{}%"), PETS), f"{CATS} 1 inputs", ["rate read as numbers: -4.1% is -4.1"]),
    "currency": (rows("fee,pet", each("${}", map(abs, A)), PETS), f"{CATS} 1 inputs", ["fee read as numbers: $4.1 is 4.1"]),
    "units": (rows("size,pet", each("{} cm"), PETS), f"{CATS} 1 inputs", ["size read as numbers: -4.1 cm is -4.1"]),
    "thousands": (
        rows("people,pet", each('"{:,}"', range(900, 4900, 100)), PETS), f"{CATS} 1 inputs", ["people read as numbers: 1,000 is 1000"]
    ),
    "thousands, German": (
        rows("people;x;pet", each("{}", [f"{n:,}".replace(",", ".") for n in range(900, 4900, 100)]), comma(A), PETS, sep=";"),
        f"{CATS} 2 inputs",
        ["people read as numbers: 1.000 is 1000"],
    ),
    "decimal comma in quotes": (rows("x,pet", each('"{}"', comma(A)), PETS), f"{CATS} 1 inputs", ["x read as numbers: -4,1 is -4.1"]),
    "quoted line ends": (rows("x,note,pet", A, each('"one\nline {}"', THREE), PETS), f"{CATS} 4 inputs", []),
    "a header with line ends": (rows('"long\nname","x",pet', A, B, PETS), f"{CATS} 2 inputs", []),
    "an id in the middle": (
        rows("x,customer_id,pet", A, [k + 7000 for k in SHUFFLED], PETS),
        f"{CATS} 1 inputs",
        ["left out: customer_id, another value in every row, and called an id"],
    ),
    "an id at the end": (
        rows("x,y2,pet,rowId", A, B, PETS, SHUFFLED), f"{CATS} 2 inputs", ["left out: rowId, another value in every row, and called an id"]
    ),
    "a shuffled index": (rows(",x,pet", SHUFFLED, A, PETS), f"{CATS} 1 inputs", ["left out: the nameless first column, which only names the rows"]),
    "telephone numbers": (
        rows("phone,pet", [491510000000 + 7 * k for k in SHUFFLED], PETS),
        f"{CATS} 1 inputs",
        ["phone is another whole number in every row: if it only names the rows, --ignore phone"],
    ),
    "classes from 1": (rows("x,label", A, [k + 1 for k in THREE]), "learns label (3 classes: 1 14, 2 13, 3 13) from 1 inputs", []),
    "negative classes": (rows("x,label", A, [2 * (k % 2) - 1 for k in range(40)]), "learns label (2 classes: -1 20, 1 20) from 1 inputs", []),
    "plus and minus": (rows("x,label", A, ["+-"[k % 2] for k in range(40)]), "learns label (2 classes: + 20, - 20) from 1 inputs", []),
    "bool words in mixed case": (
        rows("smoker,ill", ["Yes" if k % 3 else "no" for k in range(40)], ["TRUE" if k % 2 else "false" for k in range(40)]),
        "learns ill (2 classes: False 20, True 20) from 1 inputs",
        [],
    ),
    "a constant column of words": (rows("unit,x,pet", ["cm"] * 40, A, PETS), f"{CATS} 1 inputs", ["left out: unit, the same word in every row"]),
    "target first": (rows("Outcome,x,y2", PETS, A, B), "learns Outcome (2 classes: cat 20, dog 20) from 2 inputs", []),
    "y1 and y2 beside x1 and x2": (rows("x1,x2,y1,y2", A, B, B, A), "learns y1,y2 (2 numbers) from 2 inputs", []),
    "dummies of the class in front": (rows("class_a,class_b,x", *zip(*[(k % 2, 1 - k % 2) for k in range(40)], strict=True), A), "learns class_* (2 classes: a 20, b 20) from 1 inputs", []),
    "years as names": (rows("land,1990,2000,pet", each("land {}", THREE), A, B, PETS), f"{CATS} 5 inputs", []),
    "Markdown": ("| x | pet |\n|---|:--|\n" + "".join(f"| {a} | {p} |\n" for a, p in zip(A, PETS, strict=True)), f"{CATS} 1 inputs", []),
    "the class in the middle, without its name": (
        rows("x,diagnosis,z", A, PETS, B),
        "learns z (a number, -2 to 3.33) from 3 inputs",
        ["z is learnt because it is the last column; these may be classes: diagnosis (cat, dog). To learn one, --target diagnosis"],
    ),
    "UCI's class first": (
        rows("", [k + 1 for k in THREE], A, B),
        "learns column 3 (a number, -2 to 3.33) from 2 inputs",
        ["column 3 is learnt because it is the last column; these may be classes: column 1 (1, 2, 3). To learn one, --target 1"],
    ),
    "UCI's class first, classes last": (
        rows("", PETS, A, THREE),
        "learns column 3 (3 classes: 0 14, 1 13, 2 13) from 3 inputs",
        ["column 3 is learnt because it is the last column; these may be classes: column 1 (cat, dog). To learn one, --target 1"],
    ),
    "dummies of a class in front, without its name": (
        rows("pet_cat,pet_dog,x", [k % 2 for k in range(40)], [1 - k % 2 for k in range(40)], A),
        "learns x (a number, -4.1 to 13.59) from 2 inputs",
        ["these may be classes: pet_* (2 columns). To learn one, --target 'pet_*'"],
    ),
    "labels at the end": (
        rows("x,red,round", A, [k % 3 // 2 for k in range(40)], [k % 2 for k in range(40)]),
        "learns round (2 classes: 0 20, 1 20) from 2 inputs",
        ["0 and 1 like it: red. To learn all of them as labels, --target red,round"],
    ),
    "a number at the end": (rows("x,z", A, B), "learns z (a number, -2 to 3.33) from 1 inputs", ["z is learnt because it is the last column; --target names another"]),
    "numbers of rows first, without names": (
        rows("", [7 * k + 3 for k in SHUFFLED], A, PETS), "learns column 3 (2 classes: cat 20, dog 20) from 2 inputs", ["if it only names the rows, --ignore 1"]
    ),
    "numbers above 2^53": (rows("stamp,pet", [10**18 + 1000 * k % 7 for k in range(40)], PETS), f"{CATS} 1 inputs", []),
    "a word among few numbers": (rows("doors,pet", ["2", "3", "4", "5more"] * 10, PETS), f"{CATS} 4 inputs", ["doors read as words, since 5more is one"]),
    "a separator at the end of rows alone": (rows("x,pet", A, each("{},", PETS)), f"{CATS} 1 inputs", []),
    "libsvm with comments": (
        "# c\n" + "".join(f"{k % 2} 1:{a} # {k}\n" for k, a in enumerate(A)), "learns target (2 classes: 0 20, 1 20) from 1 inputs", []
    ),
    "FANN on one line": (
        "40 1 1\n" + " ".join(f"{a} {k % 2}" for k, a in enumerate(A)), "learns target_1 (2 classes: 0 20, 1 20) from 1 inputs", []
    ),
    "libsvm with a row of zeros": (
        "".join(f"{k % 2} {'' if k == 2 else f'1:{a}'}\n" for k, a in enumerate(A)), "learns target (2 classes: 0 20, 1 20) from 1 inputs", []
    ),
    "a mark for missing": (
        rows("x,pet", [-999 if k % 9 == 4 else v for k, v in enumerate(A)], PETS),
        f"{CATS} 1 inputs",
        ["x has -999 in 4 rows: if that marks a missing cell, leave it empty"],
    ),
    "a class of one row": (rows("x,pet", A, ["emu", *PETS[1:]]), "learns pet (3 classes: cat 20, dog 19, emu 1) from 1 inputs", ["emu: a class of one row"]),
    "a twin of the class": (rows("x,paw,pet", A, ["pc" if p == "cat" else "pd" for p in PETS], PETS), f"{CATS} 3 inputs", ["paw goes with the target one to one"]),
    "ARFF with quotes and strings": (
        "% c\n@RELATION 'a b'\n@attribute \"x 1\" REAL\n@attribute 'it\\'s' {'big one',small}\n@attribute pet {cat,dog}\n@DATA\n"
        + rows("", A, ["'big one'" if k % 3 else "small" for k in range(40)], PETS),
        f"{CATS} 3 inputs",
        [],
    ),
    "sparse ARFF": (
        "@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute pet {cat,dog}\n@data\n"
        + "".join(f"{{0 {a}{', 2 dog' if k % 2 else ''}}}\n" for k, a in enumerate(A)),
        f"{CATS} 2 inputs",
        [],
    ),
}  # fmt: skip

REFUSED = {  # content, what is said
    "dates": (rows("day,pet", each("2024-01-{:02d}", [k % 28 + 1 for k in range(40)]), PETS), ["got dates or times such as 2024-01-01", "--ignore day"]),
    "few dates": (rows("day,pet", each("{}/2/2024", [k + 1 for k in THREE]), PETS), ["got dates or times such as 1/2/2024"]),
    "names that come twice": (rows("x,x,pet", A, B, PETS), ["got 'x' 2 times; rename"]),
    "a dash among numbers": (rows("x,pet", ["-", *A[1:]], PETS), ["1 in 1 of 40 rows (1 in x); --missing drop"]),
    "an error of a spreadsheet": (rows("x,pet", ["#DIV/0!", *A[1:]], PETS), ["1 in 1 of 40 rows (1 in x); --missing drop"]),
    "a name of the target": (rows("x,target,target_name", A, [k % 2 for k in range(40)], PETS), ["target_name, which goes with target one to one", "--ignore target_name"]),
    "JSON": ('[{"x": 1, "pet": "cat"}]', ["expected one of the article's format", "begins with '[{"]),
    "another separator": (rows("x:pet", A, PETS, sep=":"), ["beside x:pet, got none", "sep=:"]),
    "JSON, rows of numbers": ("[[1, 2], [3, 4]]", ["expected one of the article's format", "begins with '[[1"]),
    "HTML": ("<table><tr><td>1</td></tr></table>", ["expected one of the article's format", "begins with '<table"]),
    "libsvm with queries": ("".join(f"{k % 2} qid:{k} 1:{a}\n" for k, a in enumerate(A)), ["t:1:1: expected a label and INDEX:VALUE cells"]),
    "libsvm with several labels": ("".join(f"1,{k} 1:{a}\n" for k, a in enumerate(A)), ["t:1:1: expected a label and INDEX:VALUE cells"]),
    "images whose class may be first or last": (rows("", THREE, *([k % 7 for k in range(40)] for _ in range(60))), ["expected to be told what to learn", "--target 1 learns it"]),
    "a slip among few numbers": (rows("doors,pet", ["2", "3", "4", "5"] * 9 + ["2x", *"234"], PETS), ["expected numbers in doors", "'2x'"]),
    "Parquet": ("PAR1\0\0", ["looks like Parquet"]),
    "a broken ARFF row": ("@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n1,x\n2\n", ["t:6:1: expected 2 cells"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_what_is_learnt(tmp_path, kind):
    content, line, notes = READ[kind]
    (tmp_path / "t").write_text(content, "utf-8")
    task = open_file(tmp_path / "t").task
    assert task.line == line
    assert len(task) == 40
    assert len(task.notes) == len(notes)
    assert all(note in said for note, said in zip(notes, task.notes, strict=True))


def test_what_is_proposed_is_taken(tmp_path):
    (tmp_path / "t").write_text(rows("", SHUFFLED, A, PETS), "utf-8")
    assert len(open_file(tmp_path / "t", choice=Choice(ignore=("1",))).task.inputs) == 1


def test_arrays_that_are_not_used_are_named(tmp_path):
    given = {"x_train": np.array([A]).T, "y_train": np.array(PETS), "x_val": np.ones((2, 1)), "y_val": np.ones(2)}
    np.savez(tmp_path / "t.npz", **given)
    assert open_file(tmp_path / "t.npz").task.notes == ("arrays that are not used: x_val, y_val",)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(tmp_path, kind):
    content, words = REFUSED[kind]
    (tmp_path / "t").write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        open_file(tmp_path / "t")
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_numbers_in_clothes_are_the_numbers(tmp_path):
    plain = rows("x,pet", A, PETS)
    (tmp_path / "plain").write_text(plain)
    expected = open_file(tmp_path / "plain").task.x
    for form in ("{}%", "{} kg", '"{}"'):
        (tmp_path / "t").write_text(rows("x,pet", each(form), PETS))
        np.testing.assert_array_equal(open_file(tmp_path / "t").task.x, expected)
    (tmp_path / "t").write_text(rows("x,pet", ["—", *each("{}%")[1:]], PETS))
    filled = open_file(tmp_path / "t", choice=Choice(missing="mean")).patterns.x
    assert filled[0, 0] == pytest.approx(expected[1:].mean())


def _zip(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as pack:
        for name, text in files.items():
            pack.writestr(name.replace("_dot_", "."), text)
    return content.getvalue()


def test_a_table_in_a_zip(tmp_path):
    (tmp_path / "t.zip").write_bytes(_zip(pets_dot_csv=rows("x,pet", A, PETS)))
    assert open_file(tmp_path / "t.zip").task.line == f"{CATS} 1 inputs"
    (tmp_path / "t.zip").write_bytes(_zip(a_dot_csv="x", b_dot_csv="y"))
    with pytest.raises(InputError, match=r"expected a zip of one table, got 2 files: a\.csv, b\.csv"):
        open_file(tmp_path / "t.zip")
    (tmp_path / "t.xlsx").write_bytes(_zip(**{"[Content_Types].xml": "<a/>", "xl/workbook.xml": "<a/>"}))
    with pytest.raises(InputError, match=r"looks like an Excel file \(\.xlsx\); save it as CSV"):
        open_file(tmp_path / "t.xlsx")


def test_arrays_without_names(tmp_path):
    np.savez(tmp_path / "t.npz", np.array([A, B]).T, np.array(THREE))
    assert open_file(tmp_path / "t.npz").task.line == "learns arr_1 (3 classes: 0 14, 1 13, 2 13) from 2 inputs"
    np.savez(tmp_path / "t.npz", np.array([A, B]).T, np.array(THREE), np.array([A, B]).T, np.array(THREE))
    with pytest.raises(InputError, match="got arr_0, arr_1, arr_2, arr_3"):
        open_file(tmp_path / "t.npz")
