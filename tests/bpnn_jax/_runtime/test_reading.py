"""Regular files only, limits before memory, and what cannot be read now is not called damaged."""

import json
import math
import os
import threading
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax._runtime import reading
from bpnn_jax._runtime.reading import (
    LARGEST_JSON,
    DamagedError,
    NotReadableError,
    check_shape,
    parse_json,
    read_file,
    sealed,
    unsealed,
)
from bpnn_jax.errors import InputError

# --- files ---


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotReadableError, match="expected a study, got a pipe"):
        read_file(tmp_path / "pipe", 10, "a study")
    with pytest.raises(NotReadableError, match="got a folder"):
        read_file(tmp_path, 10)
    with pytest.raises(NotReadableError, match="got a device"):
        read_file("/dev/zero", 10)


@pytest.mark.parametrize("code", ["EACCES", "EIO", "ESTALE", "EMFILE"])
def test_what_cannot_be_read_now_is_not_damaged(code, tmp_path, monkeypatch):
    import errno

    (tmp_path / "a").write_bytes(b"x")

    def fail(*_, **__):
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(NotReadableError, match=os.strerror(getattr(errno, code))):
        read_file(tmp_path / "a", 10)


def test_what_is_not_there_is_neither(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "a", 10)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(NotReadableError, match="symbolic links"):
        read_file(tmp_path / "loop", 10)
    with pytest.raises(NotReadableError, match="null byte"):
        read_file("a\0b", 10)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**33)  # a hole: no disk
    tracemalloc.start()
    with pytest.raises(DamagedError, match="expected a file of at most 1,000 bytes, got 8,589,934,592 or more"):
        read_file(tmp_path / "large", 1000)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    (tmp_path / "small").write_bytes(b"x" * 1000)
    assert read_file(tmp_path / "small", 1000) == b"x" * 1000


def test_standard_input_may_be_a_pipe_where_it_is_asked_for():
    there, writing = os.pipe()
    os.write(writing, b"0 > 1")
    os.close(writing)
    assert read_file(f"/dev/fd/{there}", 10, pipes=True) == b"0 > 1"
    with pytest.raises(NotReadableError):
        read_file(f"/dev/fd/{there}", 10)
    os.close(there)


def test_a_pipe_that_is_asked_for_is_waited_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotReadableError, match="got a pipe that nobody writes to"):
        read_file(tmp_path / "pipe", 10, pipes=True)
    monkeypatch.setattr(reading, "PATIENCE", 60.0)
    for size, limit in ((5, 10), (10, 10)):
        threading.Timer(0.1, lambda size=size: (tmp_path / "pipe").write_bytes(b"0" * size)).start()
        assert len(read_file(tmp_path / "pipe", limit, pipes=True)) == size


# --- JSON ---


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000, "far more"),
        (b"[" * 13 + b"]" * 13, "at most 12 levels of JSON, got more"),
        (b'{"a": 1, "a": 2}', "a name that comes twice"),
        (b"\xff", "expected JSON, got: 'utf-8' codec"),
        (b"1" * 5000, "expected JSON, got: Exceeds the limit"),
        (b"", "expected JSON"),
        (b'{"a": 1', "expected JSON"),
        (b" " * (LARGEST_JSON + 1), "at most 16,777,216 bytes"),
    ],
)
def test_json_that_is_none_is_damaged(data, said):
    with pytest.raises(DamagedError, match=f"file.json.*{said}"):
        parse_json(data, "file.json")


SHAPE = {"format": int, "rate": float, "names": [str], "of": {str: (int, None)}, "note?": str}
GOOD = {"format": 1, "rate": 0.5, "names": ["a"], "of": {"x": None, "y": 2}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": True}, "expected format as int, got True"),
        ({"format": 1.0}, "expected format as int"),
        ({"rate": "1"}, "expected rate as float, got '1'"),
        ({"names": "abc"}, "expected names as list"),
        ({"names": ["a", 1]}, "expected names.1 as str"),
        ({"of": {"x": "1"}}, "expected of.x as int or null"),
        ({"of": []}, "expected of as dict"),
        ({"more": 1}, "expected no such field more"),
        ({"note": None}, "expected note as str"),
        ({"\x1b[31m": 1}, r"expected no such field \\x1b\[31m"),
    ],
)
def test_a_field_of_another_kind_is_named(change, said):
    check_shape(GOOD, SHAPE)
    check_shape({**GOOD, "rate": 1, "note": "x"}, SHAPE)
    with pytest.raises(InputError, match=said):
        check_shape({**GOOD, **change}, SHAPE)
    for name in GOOD:
        with pytest.raises(InputError, match=f"expected the field {name}"):
            check_shape({k: v for k, v in GOOD.items() if k != name}, SHAPE)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_of_the_shape_or_a_sentence(value):
    try:
        parse_json(json.dumps(value).encode(), "f", SHAPE)
    except DamagedError:  # any other exception fails
        return
    assert set(value) >= {"format", "rate", "names", "of"}


# --- checksums ---

CONTENT = {"format": 2, "seeds": [3, 5], "rate": 0.1, "wrong": math.inf, "name": "θ"}


def test_what_is_sealed_comes_back():
    assert unsealed(sealed(CONTENT), "f") == CONTENT
    assert sealed(CONTENT) == sealed(dict(CONTENT))


def test_every_flip_of_a_bit_changes_nothing_or_is_seen():
    data, seen = sealed(CONTENT), 0
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            try:
                assert unsealed(bytes(flipped), "f") == CONTENT  # white space
            except DamagedError:
                seen += 1
    assert seen > 6 * len(data)


def test_a_file_without_its_seal_is_damaged():
    with pytest.raises(DamagedError, match="expected the checksum of what is in it, got none"):
        unsealed(json.dumps(CONTENT).encode(), "f")
    with pytest.raises(DamagedError, match="got another"):
        unsealed(sealed(CONTENT).replace(b"0.1", b"0.2"), "f")
    with pytest.raises(DamagedError, match="expected rate as int"):
        unsealed(sealed({"rate": 0.5}), "f", {"rate": int})


def test_a_file_is_in_memory_once(tmp_path):
    (tmp_path / "a").write_bytes(bytes(8 * 2**20))
    tracemalloc.start()
    try:
        assert len(reading.read_file(tmp_path / "a", 2**30)) == 8 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20  # joined from parts, it would be there twice
    finally:
        tracemalloc.stop()
