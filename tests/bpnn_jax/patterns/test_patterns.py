"""Each pattern set against a definition of its own, and every way in which Patterns says no."""

import ast
import cmath
import dataclasses
import doctest
import itertools
import operator
import pickle
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax import patterns
from bpnn_jax.patterns import Patterns, UnknownPatternsError, door, files, load, load_held_out, names
from bpnn_jax.patterns.files import PatternFileError


def rows(array):
    return [tuple(row) for row in array.tolist()]


def patterns_of(x=((0.0, 1.0), (1.0, 1.0), (1.0, 0.0)), t=((0.0,), (1.0,), (1.0,)), **rest):
    return Patterns(x=x, t=t, **{"name": "three", **rest})


# --- the sets ---


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("and", lambda a, b: a and b),
        ("or", lambda a, b: a or b),
        ("nand", lambda a, b: not (a and b)),
        ("nor", lambda a, b: not (a or b)),
        ("xor", lambda a, b: a != b),
        ("xnor", lambda a, b: a == b),
    ],
)
def test_gate(name, gate):
    loaded = load(name)
    assert rows(loaded.x) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert rows(loaded.t) == [(float(gate(a, b)),) for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]]
    assert (loaded.name, loaded.hidden) == (name, (2,))


@pytest.mark.parametrize("n", [2, 3, 4, 7, 16])
def test_parity(n):
    loaded = load(f"parity-{n}")
    bits = list(itertools.product((0, 1), repeat=n))
    assert rows(loaded.x) == bits
    assert rows(loaded.t) == [(reduce(operator.xor, row),) for row in bits]
    assert (loaded.name, loaded.hidden) == (f"parity-{n}", (n,))


@pytest.mark.parametrize("n", [2, 4, 6, 16])
def test_symmetry(n):
    loaded = load(f"symmetry-{n}")
    bits = np.array(list(itertools.product((0, 1), repeat=n)))
    np.testing.assert_array_equal(loaded.x, bits)
    mirrored = (bits[:, : n // 2] == bits[:, : n // 2 - 1 : -1]).all(axis=1)
    np.testing.assert_array_equal(loaded.t, mirrored[:, None])
    assert loaded.t.sum() == 2 ** (n // 2)
    assert (loaded.name, loaded.hidden) == (f"symmetry-{n}", (2,))


@pytest.mark.parametrize(
    ("name", "n", "hidden", "full"),
    [
        ("encoder-10-5-10", 10, 5, "encoder-10-5-10"),
        ("encoder-8", 8, 3, "encoder-8-3-8"),
        ("encoder-9", 9, 4, "encoder-9-4-9"),
        ("encoder-2", 2, 1, "encoder-2-1-2"),
    ],
)
def test_encoder(name, n, hidden, full):
    loaded = load(name)
    one_hot = [tuple(float(i == j) for j in range(n)) for i in range(n)]
    assert rows(loaded.x) == rows(loaded.t) == one_hot
    assert (loaded.name, loaded.hidden) == (full, (hidden,))


def test_two_spirals():
    loaded = load("two-spirals")
    first = [6.5 * (1 - i / 104) * cmath.exp(1j * cmath.pi / 16) ** i for i in range(97)]
    both = [point for z in first for point in (z, -z)]
    np.testing.assert_allclose(loaded.x, [(z.real, z.imag) for z in both], rtol=0, atol=1e-13)
    assert rows(loaded.t) == [(1,), (0,)] * 97
    # the second pair in four digits, and where the spirals end
    np.testing.assert_allclose(loaded.x[2:4], [(6.3138, 1.2559), (-6.3138, -1.2559)], rtol=0, atol=1e-4)
    np.testing.assert_allclose(loaded.x[-2:], [(0.5, 0), (-0.5, 0)], rtol=0, atol=1e-13)
    assert not np.signbit(loaded.x[1, 1])


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """Two files of our own where the bundled ones are."""
    head = "# any remark\n# inputs: { ; :\n# outputs: C Python\n"
    (tmp_path / "code.train.txt").write_text(head + "0.5 0.5 0 > 1 0\n0 0 1 > 0 1\n")
    (tmp_path / "code.test.txt").write_text(head + "0.25 0.75 0 > 1 0\n")
    monkeypatch.setattr(door, "DATA", tmp_path)
    return tmp_path


def test_code_and_its_held_out_part(own_data):
    train, test = load("code"), load_held_out("code")
    assert test is not None
    assert (rows(train.x), rows(train.t)) == ([(0.5, 0.5, 0), (0, 0, 1)], [(1, 0), (0, 1)])
    assert (rows(test.x), rows(test.t)) == ([(0.25, 0.75, 0)], [(1, 0)])
    for part in (train, test):
        assert (part.inputs, part.outputs, part.hidden) == (("{", ";", ":"), ("C", "Python"), (8,))
    assert (train.name, test.name) == ("code", "code (held out)")


def test_code_without_its_file_names_the_file(own_data):
    (own_data / "code.train.txt").unlink()
    with pytest.raises(PatternFileError, match=r"code\.train\.txt: expected a file, got a path that does not exist"):
        load("code")


@pytest.mark.parametrize("name", ["xor", "parity-4", "two-spirals", "no such set"])
def test_nothing_is_held_out_of_the_others(name):
    assert load_held_out(name) is None


def test_every_listed_name_loads():
    for name in names():
        example = name.replace("N", "4").replace("H", "2")
        loaded = load(example)
        assert loaded.x.dtype == loaded.t.dtype == np.float64
        assert loaded.name.startswith(example)


# --- load ---


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xro", "expected a pattern set or a file, got 'xro': no such file, nearest names: xor"),
        ("XNOR", "expected a pattern set or a file, got 'XNOR': no such file, nearest names: xnor, xor, nor"),
        ("party-4", "expected a pattern set or a file, got 'party-4': no such file, nearest names: parity-N"),
        (
            "two spirals",
            "expected a pattern set or a file, got 'two spirals': no such file, nearest names: two-spirals",
        ),
        ("parity-17", "parity-N: expected N from 2 to 16, got 17"),
        ("parity-1", "parity-N: expected N from 2 to 16, got 1"),
        ("symmetry-18", "symmetry-N: expected N from 2 to 16, got 18"),
        ("symmetry-5", "symmetry-N: expected an even N, got 5"),
        ("encoder-1025", "encoder-N: expected N from 2 to 1024, got 1025"),
        ("encoder-8-0-8", "encoder-N-H-N: expected H of 1 or more, got 0"),
    ],
)
def test_unknown_name(name, expected):
    with pytest.raises(UnknownPatternsError) as caught:
        load(name)
    assert str(caught.value) == expected
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["encoder-8-3-9", "parity-", "parity-4.0", "parity--4", "parity-٤", "xor\n", "xor\0"])
def test_near_misses_are_unknown(name):
    with pytest.raises(UnknownPatternsError, match="no such file, nearest names: "):
        load(name)


def test_where_nothing_is_near_all_names_are_listed():
    with pytest.raises(UnknownPatternsError) as caught:
        load("qqq/zzzzzzzzzz.txt")
    assert all(name in str(caught.value) for name in names())


def test_load_reads_a_file_and_prefers_a_known_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("xor").write_text("1 2 3 > 4\n")
    assert load("xor").x.shape == (4, 2)
    assert rows(load("./xor").x) == rows(load(Path("xor")).x) == [(1, 2, 3)]
    assert load("./xor").name == "xor"
    with pytest.raises(PatternFileError, match=r"expected a file.*, got a folder"):
        load(".")
    with pytest.raises(PatternFileError, match="absent: expected a file, got a path that does not exist"):
        load(Path("absent"))


# --- Patterns ---


def test_slices_keep_everything_else():
    three = patterns_of(inputs=("a", "b"), outputs=("c",), hidden=(4, 3))
    part = three[1:]
    assert (rows(part.x), rows(part.t)) == ([(1, 1), (1, 0)], [(1,), (1,)])
    assert (part.name, part.inputs, part.outputs, part.hidden) == ("three", ("a", "b"), ("c",), (4, 3))
    assert (len(three), len(part)) == (3, 2)


def test_split():
    eight = load("parity-3")
    train, test = eight[1:].split(3, 2)
    assert rows(train.x) == rows(eight.x[1:4])
    assert rows(test.x) == rows(eight.x[4:6])
    assert rows(test.t) == rows(eight.t[4:6])
    assert [len(part) for part in eight.split(3)] == [3, 5]


@pytest.mark.parametrize(("train", "test"), [(3, 1), (0, 1), (1, 0), (3, None), (-1, 2)])
def test_split_that_does_not_fit(train, test):
    with pytest.raises(ValueError, match=r"expected 1 or more to train and to test, 3 in all, got -?\d and \d"):
        patterns_of().split(train, test)


def test_with_targets():
    three = patterns_of(outputs=("c",))
    mapped = three.with_targets(-1, 0.9)
    assert rows(mapped.t) == [(-1,), (0.9,), (0.9,)]
    assert rows(mapped.x) == rows(three.x)
    assert mapped.outputs == ("c",)
    with pytest.raises(ValueError, match=r"expected targets 0 and 1, got -1\.0"):
        mapped.with_targets(0, 1)


def test_arrays_are_copies_that_cannot_be_written():
    x = np.ones((1, 2))
    made = Patterns(x=x, t=[[1]], name="one")
    x[0, 0] = 7
    assert rows(made.x) == [(1, 1)]
    with pytest.raises(ValueError, match="read-only"):
        made.t[0, 0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "two"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"x": [1, 2, 3]}, "x: expected a 2-D array, 1 or more rows by 1 or more columns, got shape (3,)"),
        ({"t": [[[1]]]}, "t: expected a 2-D array, 1 or more rows by 1 or more columns, got shape (1, 1, 1)"),
        ({"x": np.ones((0, 2)), "t": np.ones((0, 1))}, "x: expected a 2-D array, 1 or more rows by 1 or more columns, "
         "got shape (0, 2)"),
        ({"t": np.ones((3, 0))}, "t: expected a 2-D array, 1 or more rows by 1 or more columns, got shape (3, 0)"),
        ({"t": [[1], [0]]}, "expected as many rows in t as in x, 3, got 2"),
        ({"x": [[1, 2], [3]]}, "x: expected a 2-D array of numbers, got rows of different lengths"),
        ({"x": [["1"], ["2"], ["3"]]}, "x: expected a 2-D array of numbers, got an array of <U1"),
        ({"x": [[1j], [2], [3]]}, "x: expected a 2-D array of numbers, got an array of complex128"),
        ({"x": [[None], [2], [3]]}, "x: expected a 2-D array of numbers, got an array of object"),
        ({"t": [[0], [1], [np.nan]]}, "t: expected finite numbers, got nan at row 2, column 0 (from 0)"),
        ({"x": [[0, 1], [2, np.inf], [np.nan, 4]]}, "x: expected finite numbers, got inf at row 1, column 1 (from 0)"),
        ({"x": np.full((3, 1), np.longdouble("1e400"))}, "x: expected finite numbers, got inf at row 0, column 0 "
         "(from 0)"),
        ({"inputs": ("a",)}, "inputs: expected 2 names, got 1"),
        ({"outputs": ("a", "b")}, "outputs: expected 1 names, got 2"),
        ({"inputs": ("a", "b c")}, "inputs: expected names that are one printable word, got 'b c'"),
        ({"outputs": ("\ud800",)}, "outputs: expected names that are one printable word, got '\\ud800'"),
        ({"hidden": (2, 0)}, "hidden: expected sizes of 1 or more, got (2, 0)"),
        ({"hidden": (2.5,)}, "hidden: expected sizes of 1 or more, got (2.5,)"),
    ],
)  # fmt: skip
def test_what_patterns_refuse(change, expected):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        patterns_of(**change)
    assert str(caught.value) == expected


def test_an_empty_slice_and_an_index_are_refused():
    with pytest.raises(ValueError, match=r"got shape \(0, 2\)"):
        patterns_of()[3:]
    with pytest.raises(TypeError, match=r"expected a slice such as patterns\[:500\], got 0"):
        patterns_of()[0]  # pyright: ignore[reportArgumentType]


# --- the house ---


@pytest.mark.parametrize("module", [patterns, files])
def test_doctests(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("module", [patterns, files])
def test_imports_stay_below_jax_and_open_no_door(module):
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not imported & {"jax", "optax", "pickle", "subprocess"}
    below = {"bpnn_jax", "bpnn_jax.patterns", "bpnn_jax.errors", "bpnn_jax._runtime"}
    below |= {f"bpnn_jax._runtime.{name}" for name in ("files", "reading", "text")}
    below |= {f"bpnn_jax.patterns.{name}" for name in ("_patterns", "door", "files", "sets")}
    assert {name for name in imported if name.startswith("bpnn_jax")} <= below
    assert not called & {"eval", "exec", "compile", "__import__"}


def test_errors_survive_a_trip_to_another_process():
    error = pickle.loads(pickle.dumps(PatternFileError("a.txt", "expected a number, got 'x'", 3, 7)))
    assert str(error) == "a.txt:3:7: expected a number, got 'x'"
    assert (error.path, error.line, error.column) == ("a.txt", 3, 7)
