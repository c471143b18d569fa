"""Folders of source code to patterns: the counts, the split, the bytes that come out, and every complaint."""

import hashlib
import os
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpnn_jax
from bpnn_jax.patterns import files as pattern_files
from bpnn_jax.patterns.featurize import SYMBOLS, Featurized, FeaturizeError, featurize, write

DATA = Path(bpnn_jax.__file__).parent / "patterns" / "data"
TWO = {".c": "C", ".py": "Python"}


def make(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tree(files: int = 12, size: int = 130) -> dict[str, str | bytes]:
    """So many files of C and as many of Python, all different, of a few chunks of 50 characters each."""
    draw = random.Random(1)
    symbols = {".c": "{};*", ".py": ":()#"}
    return {
        f"{'lib' if i % 2 else 'app/core'}/n{i}{suffix}": "".join(draw.choices("ab \n" + some, k=size + 10 * i))
        for suffix, some in symbols.items()
        for i in range(files)
    }


def bytes_of(result: Featurized, folder: Path) -> tuple[bytes, bytes]:
    train, test = write(result, folder / "code.txt")
    return train.read_bytes(), test.read_bytes()


def paths(split) -> set[str]:
    return {file.path for file in split.files}


def digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


# ---- counts -----------------------------------------------------------------------------------------------------


def test_exact_patterns_of_a_tiny_example(tmp_path):
    c, py = "a(b);c(d);" + "{{}};;;;;;" + "tail;", "f(x): g:h " + "::::::::::"
    files = {"a.c": c, "b.c": c + "x", "a.py": py, "b.py": py + "y"}
    result = featurize(make(tmp_path, files), symbols=4, chunk=10, held_out=0.5)

    # C, 25 or 26 characters: 9 ";", 2 each of "(){}". Python, 20 or 21: 12 ":", 1 "(", 1 ")". So : ; then ( ) at 2/25 + 1/20.
    assert result.symbols == (":", ";", "(", ")")
    assert result.languages == ("C", "Python")
    rows = [[0, 2, 2, 2], [0, 6, 0, 0], [2, 0, 1, 1], [10, 0, 0, 0]]  # the tails "tail;" and "y" are dropped
    for split in (result.train, result.held_out):
        assert split.x.dtype == split.t.dtype == np.float64
        assert sorted(split.x.tolist()) == sorted(rows)
        for x, t in zip(split.x.tolist(), split.t.tolist(), strict=True):
            assert t == ([1, 0] if rows.index(x) < 2 else [0, 1])
        assert [file.patterns for file in split.files] == [2, 2]
    assert paths(result.train).isdisjoint(paths(result.held_out))
    assert result.skipped == ()


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(
        st.text(st.sampled_from(SYMBOLS + "aé𝔘 \n"), min_size=40, max_size=120), min_size=4, max_size=4, unique=True
    ),
    chunk=st.integers(10, 40),
)
def test_every_value_is_count_times_ten_over_chunk(tmp_path_factory, texts, chunk):
    folder = tmp_path_factory.mktemp("code")
    make(folder, dict(zip(["a.c", "b.c", "a.py", "b.py"], (text + "," for text in texts), strict=True)))
    result = featurize(folder, symbols=1, chunk=chunk)
    whole = featurize(folder, symbols=len(_found(folder, paths(result.train))), chunk=chunk)

    for split in (whole.train, whole.held_out):
        expected = Counter()
        for file in split.files:
            text = (folder / file.path).read_bytes().decode()
            for start in range(0, len(text) - chunk + 1, chunk):
                piece = text[start : start + chunk]
                values = tuple(piece.count(symbol) * 10 / chunk for symbol in whole.symbols)
                expected[values, float(file.language == "C")] += 1
        got = Counter((tuple(x), t[0]) for x, t in zip(split.x.tolist(), split.t.tolist(), strict=True))
        assert got == expected
    train, test = write(whole, folder / "out.txt")
    for file, split in ((train, whole.train), (test, whole.held_out)):
        lines = [line.split(" > ") for line in file.read_text().splitlines() if not line.startswith("# ")]
        assert [[float(v) for v in x.split()] for x, _ in lines] == split.x.tolist()  # no digit lost
        assert [[float(v) for v in t.split()] for _, t in lines] == split.t.tolist()


def _found(folder: Path, names: set[str]) -> set[str]:
    return {character for name in names for character in (folder / name).read_text()} & set(SYMBOLS)


def test_needless_digits_are_not_printed(tmp_path):
    few, many = "x" * 499 + ";", ";x" * 250
    make(tmp_path, {"few.c": few, "many.c": many, "few.py": few.replace("x", "y"), "many.py": many.replace("x", "y")})
    train, test = bytes_of(featurize(tmp_path, symbols=1, held_out=0.5), tmp_path)
    lines = [line for line in (train + test).decode().splitlines() if not line.startswith("# ")]
    assert sorted(lines) == ["0.02 > 0 1", "0.02 > 1 0", "5 > 0 1", "5 > 1 0"]


def test_wrong_utf8_line_ends_and_byte_order_mark(tmp_path):
    # Ten characters each. The mark is dropped, FF and a cut-off C3 are a character each, CR LF is one, é is one.
    python, c = b"\xef\xbb\xbf(\xff\xc3(\r\n;;;;;", "(é\r(\r\n;é;;;".encode()
    files = {"a.py": python, "b.py": python[:-1] + b",", "a.c": c, "b.c": c.replace(b"(", b")"), "c.c": c[:-1]}
    result = featurize(make(tmp_path, files), symbols=2, chunk=10)
    assert {file.patterns for split in (result.train, result.held_out) for file in split.files} == {1}
    assert result.skipped == (("c.c", "shorter than one chunk: 9 of 10 characters"),)
    assert result.symbols[0] == ";"
    semicolons = np.concatenate([result.train.x[:, 0], result.held_out.x[:, 0]])
    assert sorted(semicolons.tolist()) == [4, 4, 4, 5]


# ---- symbols ----------------------------------------------------------------------------------------------------


def test_held_out_files_have_no_say_in_the_symbols_nor_in_the_training_patterns(tmp_path):
    make(tmp_path, tree())
    before = featurize(tmp_path, symbols=8, chunk=50)
    train, test = bytes_of(before, tmp_path)
    for path in paths(before.held_out):
        (tmp_path / path).write_text(path + "~" * 400)
    after = featurize(tmp_path, symbols=8, chunk=50)
    assert paths(after.held_out) == paths(before.held_out)  # an edited file stays on its side
    assert bytes_of(after, tmp_path)[0] == train
    assert bytes_of(after, tmp_path)[1] != test

    for path in paths(before.train):
        (tmp_path / path).write_text(path + "~" * 400)
    assert featurize(tmp_path, symbols=1, chunk=50).symbols == ("~",)


def test_each_language_weighs_the_same(tmp_path):
    # Per language "+" is 1/2 of C and "-" 1/2 + 1/50 of Python; but there is 20 times as much C, so a plain count says "+".
    c, python = "a+" * 500, "-a" * 24 + "--"
    files = {f"{i}.c": c + str(i) for i in range(4)} | {f"{i}.py": python + str(i) for i in range(4)}
    assert featurize(make(tmp_path, files), symbols=2, chunk=10).symbols == ("-", "+")


def test_ties_go_by_code_point(tmp_path):
    files = {f"{i}{suffix}": f"~}}{{|_^]@?=;:/.-+*)('&%$#!{i}" for suffix in TWO for i in "ab"}
    files = {name: text + name for name, text in files.items()}  # the dot of the name makes "." the most frequent
    symbols = featurize(make(tmp_path, files), symbols=24, chunk=10).symbols
    assert symbols == (".", *sorted(set("~}{|_^]@?=;:/-+*)('&%$#!")))[:24]


# ---- the split --------------------------------------------------------------------------------------------------


def test_split_is_by_file_and_by_language(tmp_path):
    result = featurize(make(tmp_path, tree(files=10)), symbols=8, chunk=50, held_out=0.3)
    assert paths(result.train).isdisjoint(paths(result.held_out))
    assert paths(result.train) | paths(result.held_out) == set(tree(files=10))
    for language in ("C", "Python"):
        assert sum(file.language == language for file in result.train.files) == 7
        assert sum(file.language == language for file in result.held_out.files) == 3
    for split in (result.train, result.held_out):
        assert sum(file.patterns for file in split.files) == len(split.x) == len(split.t)
        assert [file.path for file in split.files] == sorted(paths(split))
        for file in split.files:
            assert file.patterns == len((tmp_path / file.path).read_text()) // 50


@pytest.mark.parametrize("held_out", [0.001, 0.999])
def test_neither_side_is_ever_empty(tmp_path, held_out):
    result = featurize(make(tmp_path, tree(files=2)), symbols=8, chunk=50, held_out=held_out)
    assert [len(split.files) for split in (result.train, result.held_out)] == [2, 2]


def test_another_seed_is_another_split(tmp_path):
    make(tmp_path, tree())
    sides = {frozenset(paths(featurize(tmp_path, symbols=8, chunk=50, seed=seed).held_out)) for seed in range(5)}
    assert len(sides) == 5


def test_languages_are_spread_evenly_over_the_order(tmp_path):
    files = tree(files=20) | {f"x{i}.rs": ("&" * 9 + str(i % 10)) * 60 + str(i) for i in range(4)}
    result = featurize(make(tmp_path, files), symbols=8, chunk=50)
    for split in (result.train, result.held_out):
        running = np.cumsum(split.t, axis=0)
        expected = np.outer(np.arange(1, len(split.t) + 1), split.t.mean(axis=0))
        assert np.abs(running - expected).max() <= 1.5


def test_limit_holds_for_both_splits_together_and_takes_from_many_files(tmp_path):
    make(tmp_path, tree(files=20, size=600))
    result = featurize(tmp_path, symbols=8, chunk=50, limit=60)
    assert result.train.t.sum(axis=0).tolist() == [42, 42]
    assert result.held_out.t.sum(axis=0).tolist() == [18, 18]
    assert sum(file.patterns > 0 for file in result.train.files) > 20
    assert "# split: held-out, 36 patterns from " in bytes_of(result, tmp_path)[1].decode()

    whole = featurize(tmp_path, symbols=8, chunk=50)
    assert result.symbols == whole.symbols
    assert {tuple(x) for x in result.train.x.tolist()} <= {tuple(x) for x in whole.train.x.tolist()}
    assert len(featurize(tmp_path, symbols=8, chunk=50, limit=2).train.x) == 2


def test_the_same_text_twice_is_used_once(tmp_path):
    files = tree()
    copies = {"z/copy.py": files["app/core/n0.py"], "z/crlf.py": files["app/core/n0.py"].replace("\n", "\r\n")}
    make(tmp_path / "one", files)
    make(tmp_path / "two", files | copies)
    one, two = (featurize(tmp_path / name, symbols=8, chunk=50) for name in ("one", "two"))
    assert bytes_of(one, tmp_path) == bytes_of(two, tmp_path)
    assert two.skipped == tuple((name, "same text as another file: app/core/n0.py") for name in sorted(copies))


# ---- determinism ------------------------------------------------------------------------------------------------


def test_same_bytes_whatever_the_place_and_the_order_of_creation(tmp_path, monkeypatch):
    files, random_order = tree(), random.Random(3)
    expected = bytes_of(featurize(make(tmp_path / "here", files), symbols=8, chunk=50, limit=30), tmp_path)
    walk = os.walk

    def shuffled(top, **options):
        for here, below, names in walk(top, **options):
            random_order.shuffle(below)
            random_order.shuffle(names)
            yield here, below, names

    monkeypatch.setattr(os, "walk", shuffled)
    for place in ("there", "a folder with spaces/deeper"):
        names = list(files)
        random_order.shuffle(names)
        folder = make(tmp_path / place, {name: files[name] for name in names})
        assert bytes_of(featurize(folder, symbols=8, chunk=50, limit=30), tmp_path) == expected
        assert bytes_of(featurize(str(folder) + "/", symbols=8, chunk=50, limit=30), tmp_path) == expected


def test_order_of_the_sources_does_not_matter_even_where_paths_agree(tmp_path):
    names = {"p": ":", "q": ";;;;", "r": "(((((((("}
    for name, prefix in names.items():
        make(tmp_path / name, {path: f"{prefix}{text}" for path, text in tree(files=6).items()})
    expected = bytes_of(featurize([tmp_path / name for name in names], symbols=8, chunk=50, limit=30), tmp_path)
    for order in ("rqp", "qpr", "ppqqr"):
        assert bytes_of(featurize([tmp_path / n for n in order], symbols=8, chunk=50, limit=30), tmp_path) == expected


def test_a_known_input_gives_known_bytes(tmp_path):
    """Held still on purpose: who changes these bytes breaks everybody's data, and says so in the changelog."""
    result = featurize(make(tmp_path, tree()), symbols=8, chunk=50, limit=30, seed=7)
    assert digest(*bytes_of(result, tmp_path)) == "95e617bf4d89d0b1c60218599d18bbd5624ca61474ff83fa28469969b0d5bbcd"


# ---- which files ------------------------------------------------------------------------------------------------


def test_languages_by_extension(tmp_path):
    make(
        tmp_path,
        {"a.h": "(" * 20, "B.H": "(" * 21, "c.py": ")" * 20, "d.py": ")" * 21, "e.txt": "?" * 99, "Makefile": "?" * 99},
    )
    assert featurize(tmp_path, symbols=2, chunk=10).languages == ("C", "Python")
    assert featurize(tmp_path, symbols=2, chunk=10, languages={"h": "Headers", ".PY": "C++"}).languages == (
        "C++",
        "Headers",
    )
    with pytest.raises(FeaturizeError, match=re.escape("at least 2 files of Rust")):
        featurize(tmp_path, symbols=2, chunk=10, languages=TWO | {".h": "C", ".rs": "Rust"})


def test_many_languages(tmp_path):
    files = {
        f"{i}{suffix}": "(" * (20 + i) + suffix
        for suffix in (".go", ".rs", ".js", ".ts", ".rb", ".c")
        for i in range(3)
    }
    result = featurize(make(tmp_path, files), symbols=2, chunk=10)
    assert result.languages == ("C", "Go", "JavaScript", "Ruby", "Rust", "TypeScript")
    assert result.train.t.sum(axis=1).tolist() == [1] * len(result.train.t)
    assert set(np.argmax(result.held_out.t, axis=1)) == set(range(6))


def test_hidden_and_foreign_folders_are_not_entered(tmp_path):
    make(tmp_path, tree() | {f"{folder}/x.py": "~" * 200 for folder in (".git", "node_modules", "lib/__pycache__")})
    result = featurize(tmp_path, symbols=8, chunk=50)
    assert paths(result.train) | paths(result.held_out) == set(tree())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_cannot_be_read_is_named_and_skipped(tmp_path):
    make(tmp_path / "code", tree())
    expected = bytes_of(featurize(tmp_path / "code", symbols=8, chunk=50), tmp_path)
    (tmp_path / "code/gone.py").symlink_to(tmp_path / "nowhere.py")
    os.mkfifo(tmp_path / "code/pipe.c")
    (tmp_path / "code/loop").symlink_to(tmp_path / "code")
    make(tmp_path / "code/dir.py", {"notes.txt": "a folder, not a file"})
    result = featurize(tmp_path / "code", symbols=8, chunk=50)
    assert result.skipped == (
        ("gone.py", "cannot be read: No such file or directory"),
        ("pipe.c", "cannot be read: expected a source file, got a pipe"),
    )
    assert bytes_of(result, tmp_path) == expected


def test_progress_is_told_file_by_file(tmp_path):
    calls = []
    make(tmp_path, tree() | {"short.py": "x"})
    featurize(tmp_path, symbols=8, chunk=50, progress=lambda *call: calls.append(call))
    assert calls == [(i, 25, path) for i, path in enumerate(sorted([*tree(), "short.py"]), start=1)]


# ---- what is written --------------------------------------------------------------------------------------------


def test_the_header_is_unambiguous_and_the_reader_takes_it(tmp_path):
    files = {f"{i}{suffix}": "#>#>,;" * 20 + suffix * i for suffix in (".cs", ".cpp") for i in (1, 2, 3)}
    result = featurize(make(tmp_path, files), symbols=4, chunk=50)
    train, test = write(result, tmp_path / "code.txt")
    assert (train.name, test.name) == ("code.train.txt", "code.test.txt")
    assert train.read_text().splitlines()[:4] == [
        "# bpnn featurize: 4 symbols, chunk 50, 2 languages",
        "# inputs: # > , ;",
        "# outputs: C# C++",
        "# split: training, 8 patterns from 4 files",
    ]
    for file, split in ((train, result.train), (test, result.held_out)):
        patterns = pattern_files.read(file)
        assert patterns.inputs == result.symbols
        assert patterns.outputs == result.languages
        np.testing.assert_array_equal(patterns.x, split.x)
        np.testing.assert_array_equal(patterns.t, split.t)


def test_names_of_the_two_files(tmp_path):
    result = featurize(make(tmp_path, tree()), symbols=8, chunk=50)
    for name, expected in {"a": "a.train.txt", "a.b.dat": "a.b.train.dat", "a.txt": "a.train.txt"}.items():
        assert [file.name for file in write(result, tmp_path / name)] == [expected, expected.replace("train", "test")]


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_nothing_half_written(tmp_path, monkeypatch, broken, call):
    result = featurize(make(tmp_path / "code", tree()), symbols=8, chunk=50)
    folder = make(tmp_path / "out", {"code.train.txt": "old", "code.test.txt": "old"})
    calls = []
    whole = getattr(os, broken)

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return whole(*arguments)

    monkeypatch.setattr(os, broken, failing)
    with pytest.raises(FeaturizeError, match="No space left on device"):
        write(result, folder / "code.txt")
    assert sorted(file.name for file in folder.iterdir()) == ["code.test.txt", "code.train.txt"]
    if broken == "fsync" or call == 1:
        assert {file.read_text() for file in folder.iterdir()} == {"old"}
    else:  # the first had its new name already; it is whole
        assert len((folder / "code.train.txt").read_text().splitlines()) == 4 + len(result.train.x)


def test_where_nothing_can_be_written(tmp_path):
    result = featurize(make(tmp_path / "code", tree()), symbols=8, chunk=50)
    (tmp_path / "code.test.txt").mkdir()
    for name, message in {
        "missing/code.txt": "expected an existing folder to write code.train.txt to, got ",
        "code.txt": "expected a file name to write to, got the folder ",
        "code.csv": "expected a name for the article's format, .txt for example, got ",
    }.items():
        with pytest.raises(FeaturizeError, match=re.escape(message)):
            write(result, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "code.test.txt"]


# ---- complaints -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk": 9}, "expected a chunk of at least 10 characters, got chunk=9"),
        ({"symbols": 0}, "expected at least 1 symbol, got symbols=0"),
        ({"symbols": 9}, "expected at most 8 symbols, as many as the training files hold (#()*:;{}), got symbols=9"),
        ({"held_out": 0}, "expected held_out between 0 and 1, both excluded, got held_out=0"),
        ({"held_out": 1.0}, "got held_out=1.0"),
        ({"held_out": float("nan")}, "got held_out=nan"),
        ({"limit": 1}, "expected a limit of at least 2 chunks a language, one for each split, got limit=1"),
        ({"languages": {}}, "expected at least 2 languages to tell apart, got 0"),
        ({"languages": {".c": "C", ".h": "C"}}, "expected at least 2 languages to tell apart, got 1: C"),
        ({"languages": {".c": "Plain C", ".py": "P"}}, "a language's name without spaces, got '.c': 'Plain C'"),
        ({"languages": {".": "C", ".py": "P"}}, "expected an extension and"),
        ({"languages": {".c": "", ".py": "P"}}, "expected an extension and"),
        (
            {"chunk": 1000},
            "expected files of at least one whole chunk (1000 characters), got none (skipped: 24 shorter than",
        ),
        (
            {"chunk": 240},
            "expected at least 2 files of C, one for each split, each with a whole chunk (240 characters)",
        ),
        ({"languages": {".zig": "Zig", ".v": "V"}}, "expected files ending in .v, .zig, found none in "),
    ],
)
def test_settings_that_cannot_be(tmp_path, options, message):
    make(tmp_path, tree())
    with pytest.raises(FeaturizeError, match=re.escape(message)):
        featurize(tmp_path, **({"symbols": 8, "chunk": 50} | options))


def test_folders_that_cannot_be(tmp_path):
    make(
        tmp_path,
        {"file.py": "x" * 99, "one/a.py": "x" * 99, "one/b.py": "y" * 99, "one/c.c": "z" * 99, "none/a.txt": ""},
    )
    make(tmp_path / "short", {"a.py": "x" * 99, "b.py": "y" * 99, "c.c": "z", "d.c": "z" * 99})
    make(tmp_path / "python", {"a.py": "x" * 99, "b.py": "y" * 99})
    for folders, message in (
        ([], "expected at least one folder of source code, got none"),
        (["nowhere"], "nowhere: no such folder"),
        (["file.py"], "file.py: no such folder"),
        (["one", "nowhere"], "nowhere: no such folder"),
        (["none"], "found none in "),
        (["python"], "expected at least 2 languages to tell apart, found only Python (skipped: none)"),
        (["one"], "expected at least 2 files of C, one for each split, each with a whole chunk (50 characters) and different "
         "from the other, got 1 (skipped: none). Add files, take a smaller chunk, or name the languages to use"),
        (["short"], "got 1 (skipped: 1 shorter than one chunk; the first: c.c, shorter than one chunk: 1 of 50 characters)"),
    ):  # fmt: skip
        with pytest.raises(FeaturizeError, match=re.escape(message)):
            featurize([tmp_path / folder for folder in folders], symbols=1, chunk=50)


# ---- the bundled data -------------------------------------------------------------------------------------------


def test_bundled_data_is_what_its_datasheet_says():
    splits = {name: pattern_files.read(DATA / f"code.{name}.txt") for name in ("train", "test")}
    assert sum((DATA / f"code.{name}.txt").stat().st_size for name in splits) < 500_000
    for patterns in splits.values():
        assert patterns.x.shape[1] == 20
        assert patterns.outputs == ("C", "JavaScript", "Python", "Rust")
        np.testing.assert_allclose(patterns.x * 50, np.round(patterns.x * 50), rtol=0, atol=1e-9)  # counts in 500
        assert (patterns.x.sum(axis=1) <= 10).all()
    assert splits["train"].t.sum(axis=0).tolist() == [630] * 4
    assert splits["test"].t.sum(axis=0).tolist() == [270] * 4

    datasheet = (DATA / "README.md").read_text()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in datasheet.splitlines() if line.count("|") == 10
    ]
    table = [row for row in rows if row[-1].isdigit()]
    for language in splits["train"].outputs:
        mine = [row for row in table if row[0] == language]
        assert [sum(int(row[column]) for row in mine) for column in (6, 8)] == [630, 270]
    for name, columns in {"train": 5, "test": 7}.items():
        files = sum(int(row[columns]) for row in table)
        assert f" patterns from {files} files\n" in (DATA / f"code.{name}.txt").read_text()
    for name in splits:
        assert digest((DATA / f"code.{name}.txt").read_bytes()) in datasheet
