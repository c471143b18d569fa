"""Archives of NumPy's that are bombs, forged, flipped or of something else: a sentence, and no memory."""

import contextlib
import io
import re
import resource
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax._runtime.archive import arrays
from bpnn_jax._runtime.reading import DamagedError


def packed(**given):
    content = io.BytesIO()
    np.savez(content, **given)
    return content.getvalue()


GOOD = packed(
    x=np.arange(6.0).reshape(2, 3), t=np.asfortranarray(np.eye(2)), n=np.array(["a", "bc"]), e=np.empty((0, 4))
)


def test_what_numpy_wrote_comes_back():
    found = arrays(GOOD, "f")
    with np.load(io.BytesIO(GOOD)) as file:
        for name in file.files:
            np.testing.assert_array_equal(found[name], file[name])
    assert set(arrays(GOOD, "f", ["x", "no"])) == {"x"}


def bomb(size, shape):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for _ in range(size // 2**20):
            member.write(bytes(2**20))
    return content.getvalue()


def forged(data, size):
    """The archive, saying in its directory that its first member unpacks to so many bytes."""
    at = data.index(b"PK\1\2") + 24
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (forged(bomb(2**20, (2**20,)), 2**30), "arrays of at most 419,430,400 bytes together, got 1,073,741,824"),
        (bomb(2**20, (2**40,)), "at most 419,430,400 numbers and 419,430,400 bytes, got shape"),
        (bomb(2**20, (5,)), "of 5 bytes, got 6"),
        (bomb(2**20, (2**21,)), "of 2097152 bytes, got 1048576"),
        (bomb(2**20, (-1,)), "got shape"),
        (packed(x=np.array([{}], object)), "to hold numbers or texts, got object"),
        (packed(x=np.zeros(2, "f4,f4")), "to hold numbers or texts"),
        (packed(**{f"a{i}": np.zeros(1) for i in range(101)}), "at most 100 arrays, got 101"),
        (GOOD[:-30], "not a zip file"),
        (b"PK", "not a zip file"),
        (b"", "not a zip file"),
    ],
    ids=range(11),
)
def test_what_is_none_is_a_sentence_that_costs_no_memory(data, said):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DamagedError, match=f"^f: expected.*{re.escape(said)}"):
        arrays(data, "f")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_every_flip_of_a_bit_changes_no_number_without_a_word():
    wanted = arrays(GOOD, "f")
    for at in range(len(GOOD)):
        flipped = bytearray(GOOD)
        flipped[at] ^= 1 << (at % 8)
        try:
            found = arrays(bytes(flipped), "f")
        except DamagedError:
            continue
        for name in set(found) & set(wanted):
            np.testing.assert_array_equal(found[name], wanted[name])


@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
def test_any_bytes_are_arrays_or_a_sentence(junk, at):
    for data in (junk, GOOD[:at] + junk + GOOD[at:], GOOD[:at] + junk + GOOD[at + len(junk) :]):
        with contextlib.suppress(DamagedError):  # any other exception fails
            arrays(data, "f")
