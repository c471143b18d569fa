"""Tables that are bombs, nests, other bytes than they say, or slow to read; and one table in many spellings: the same numbers."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import TABLE, Ground

KIND = "tables"
MEGABYTE = 2**20
SAID = ("expected",)


def attacks(ground: Ground) -> Iterator[Attack]:
    commands = {
        "train": ("train", "{}", "--epochs", "2"),
        "predict by": ("predict", "net.safetensors", "{}"),
        "answer": ("predict", "table.safetensors", "{}", "--out", "o.csv", "--json", "o.json"),
    }
    for hostile, right in ((REFUSED, (2,)), (EITHER, (0, 2))):
        for name, (what, make) in ((f"b{i}{Path(w).suffix}", (w, m)) for i, (w, m) in enumerate(hostile.items())):
            for how, command in commands.items():
                yield Attack(
                    KIND, f"{how} {what}", tuple(word.format(name) for word in command),
                    lambda folder, name=name, make=make: make(folder / name), status=right, said=(name, *SAID)[:1],
                    silent=("\x1b[31m",), writes=("o.csv", "o.json") if right != (2,) else (),
                )  # fmt: skip
    for what, (name, content) in SPELLINGS.items():
        yield Attack(
            KIND, f"the same numbers, {what}", lambda name=name: _same(name),
            lambda folder, name=name, content=content: (folder / name).write_bytes(content()), status=(0,),
        )  # fmt: skip


# --- one table, spelled in many ways ---


def _same(name: str) -> None:
    from bpnn_jax.patterns import door

    usual, got = door.open_file("t.csv"), door.open_file(name)
    assert got.patterns.x.tobytes() == usual.patterns.x.tobytes(), (got.patterns.x, usual.patterns.x)
    assert got.patterns.t.tobytes() == usual.patterns.t.tobytes(), (got.patterns.t, usual.patterns.t)


def _with(
    change: Callable[[str], str] = str, encoding: str = "utf-8", pack: Callable[[bytes], bytes] = bytes
) -> Callable[[], bytes]:
    return lambda: pack(change(TABLE).encode(encoding))


SPELLINGS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "UTF-16": ("u.csv", _with(encoding="utf-16")),
    "UTF-16 LE without a mark": ("u.csv", _with(encoding="utf-16-le")),
    "UTF-16 BE without a mark": ("u.csv", _with(encoding="utf-16-be")),
    "a mark of UTF-8": ("u.csv", _with(encoding="utf-8-sig")),
    "gzip": ("u.csv.gz", _with(pack=gzip.compress)),
    "gzip by another name": ("u.csv", _with(pack=gzip.compress)),
    "gzip in two members": ("u.csv.gz", lambda: gzip.compress(TABLE[:40].encode()) + gzip.compress(TABLE[40:].encode())),
    "CR LF": ("u.csv", _with(lambda text: text.replace("\n", "\r\n"))),
    "CR": ("u.csv", _with(lambda text: text.replace("\n", "\r"))),
    "CR CR LF": ("u.csv", _with(lambda text: text.replace("\n", "\r\r\n"))),
    "tabs": ("u.tsv", _with(lambda text: text.replace(",", "\t"))),
    "decimal commas": ("u.csv", _with(lambda text: text.replace(",", ";").replace(".", ","))),
    "bars": ("u.txt", _with(lambda text: text.replace(",", "|"))),
    "spaces": ("u.dat", _with(lambda text: text.replace(",", "   "))),
    "padded": ("u.csv", _with(lambda text: text.replace(",", " , "))),
    "quotes": ("u.csv", _with(lambda text: "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in text.split()))),
    "sep=": ("u.csv", _with(lambda text: "sep=;\n" + text.replace(",", ";"))),
    "comments": ("u.csv", _with(lambda text: "# mine\n# a,b\n" + text)),
    "no last end": ("u.csv", _with(str.strip)),
    "blank lines": ("u.csv", _with(lambda text: "\n\n" + text + "\n\n")),
}  # fmt: skip


# --- files that are refused ---


def _bytes(content: bytes | Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content())


def _repeated(
    piece: bytes, size: int, begin: bytes = b"", end: bytes = b"", pack: bool = False
) -> Callable[[Path], object]:
    """``piece`` up to so many bytes, as a gzip where ``pack``: without ever holding all of it."""

    def make(path: Path) -> None:
        block = piece * max(1, 16 * MEGABYTE // len(piece))
        member = gzip.compress(block, 1) if pack else block
        with open(path, "wb") as file:
            file.write(gzip.compress(begin) if pack else begin)
            for _ in range(max(1, size // len(block))):
                file.write(member)
            file.write(gzip.compress(end) if pack else end)

    return make


def _npy(
    shape: Any, descr: Any = "<f8", content: bytes = b"", order: bool = False, literal: str | None = None
) -> bytes:
    header = literal or repr({"descr": descr, "fortran_order": order, "shape": shape})
    header = header.ljust(-(10 + len(header) + 1) % 64 + len(header)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("latin-1") + content


def _array(array: Callable[[Any], Any]) -> Callable[[], bytes]:
    def made() -> bytes:
        import numpy as np

        content = io.BytesIO()
        np.save(content, array(np), allow_pickle=True)
        return content.getvalue()

    return made


def _npz(members: dict[str, bytes], packed: bool = True) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def _bits(data: bytes, flag: int) -> bytes:
    """An archive whose members say that they are something else: with a password, of another kind of packing."""
    at = data.index(b"PK\x01\x02")
    return data[: at + 8] + bytes([flag]) + data[at + 9 :]


GOOD = _npy((4, 1), content=bytes(32))
OBJECTS = _array(lambda np: np.array([[None, 1], [2, 3]], object))
ARFF = "@relation r\n@attribute a numeric\n@attribute b {{x,y}}\n@data\n{}\n"
SNNS = """SNNS pattern definition file V3.2
generated at now

No. of patterns : {}
No. of input units : {}
No. of output units : {}

{}
"""
NESTED = "[('a', " * 90 + "'<f8'" + ")]" * 90

REFUSED: dict[str, Callable[[Path], object]] = {
    # gzip
    "ten gigabytes of zeros.gz": _repeated(b"\0", 10 * 2**30, pack=True),
    "ten gigabytes of rows.gz": _repeated(b"1,2\n", 10 * 2**30, b"a,target\n", pack=True),
    "a line of a gigabyte.gz": _repeated(b"1,", 2**30, pack=True),
    "a gzip in a gzip.gz": _bytes(lambda: gzip.compress(gzip.compress(TABLE.encode()))),
    "half a gzip.gz": _bytes(lambda: gzip.compress(TABLE.encode())[:60]),
    "a gzip with another sum.gz": _bytes(lambda: gzip.compress(TABLE.encode())[:-8] + bytes(8)),
    "a gzip and a stranger.gz": _bytes(lambda: gzip.compress(TABLE.encode()) + b"PK\3\4 mine"),
    "a gzip of nothing.gz": _bytes(lambda: gzip.compress(b"")),
    "the head of a gzip.gz": _bytes(b"\x1f\x8b\x08"),
    # npy
    "a shape of 2^60.npy": _bytes(_npy((2**30, 2**30), content=bytes(64))),
    "a shape of 10^1000.npy": _bytes(_npy((10**1000, 1), content=bytes(64))),
    "a negative shape.npy": _bytes(_npy((-1, 2), content=bytes(64))),
    "a shape that is no tuple.npy": _bytes(_npy(8, content=bytes(64))),
    "a shape of words.npy": _bytes(_npy(("a", "b"), content=bytes(64))),
    "a shape of True.npy": _bytes(_npy((True, True), content=bytes(64))),
    "2^30 rows of nothing.npy": _bytes(_npy((2**30, 0))),
    "nothing of 2^30 columns.npy": _bytes(_npy((0, 2**30))),
    "a row of 2^24.npy": _repeated(b"\0", 2**24, _npy((1, 2**24), "|u1")),
    "objects.npy": _bytes(OBJECTS),
    "a record.npy": _bytes(_array(lambda np: np.zeros((4, 2), "f4,f4"))),
    "complex.npy": _bytes(_array(lambda np: np.ones((4, 2), complex))),
    "dates.npy": _bytes(_array(lambda np: np.zeros((4, 2), "datetime64[D]"))),
    "words.npy": _bytes(_array(lambda np: np.array([["a", "b"]] * 4))),
    "one number.npy": _bytes(_array(lambda np: np.float64(3))),
    "one axis.npy": _bytes(_array(lambda np: np.arange(5.0))),
    "five axes.npy": _bytes(_array(lambda np: np.ones((2, 2, 2, 2, 2)))),
    "infinities.npy": _bytes(_array(lambda np: np.full((4, 3), np.inf))),
    "half an array.npy": _bytes(_npy((4, 2), content=bytes(60))),
    "a header of nests.npy": _bytes(_npy(0, literal="(" * 60000)),
    "a header of minus signs.npy": _bytes(_npy(0, literal="-" * 60000 + "1")),
    "a header that is called.npy": _bytes(_npy(0, literal="{'descr': __import__('os').getcwd(), 'shape': (1, 2)}")),
    "a header of another version.npy": _bytes(b"\x93NUMPY\x07\x00" + GOOD[8:]),
    "a header without end.npy": _bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{"),
    "a dtype of 2^40.npy": _bytes(_npy((1, 1), f"|S{2**40}")),
    "an empty dtype.npy": _bytes(_npy((4, 2), [], bytes(64))),
    "a dtype of nests.npy": _bytes(_npy((1, 2), literal=f"{{'descr': {NESTED}, 'fortran_order': False, 'shape': (1,2)}}")),
    # npz
    "no pair.npz": _bytes(_npz({"a.npy": GOOD})),
    "nothing.npz": _bytes(_npz({})),
    "10^5 arrays.npz": _bytes(lambda: _npz({f"a{i}.npy": b"" for i in range(10**5)}, packed=False)),
    "not npy.npz": _bytes(_npz({"x.npy": b"mine", "y.npy": b"mine"})),
    "objects.npz": _bytes(lambda: _npz({"x.npy": OBJECTS(), "y.npy": GOOD})),
    "lengths that differ.npz": _bytes(_npz({"x.npy": _npy((3, 1), content=bytes(24)), "y.npy": GOOD})),
    "no columns.npz": _bytes(_npz({"x.npy": _npy((4, 0)), "y.npy": GOOD})),
    "no rows.npz": _bytes(_npz({"x.npy": _npy((0, 4)), "y.npy": _npy((0,))})),
    "2^30 rows of nothing.npz": _bytes(_npz({"x.npy": _npy((2**30, 0)), "y.npy": _npy((2**30, 0))})),
    "a gigabyte of zeros.npz": lambda path: _zeros(path, 2**30),
    "another packing.npz": _bytes(_npz({"x.npy": GOOD, "y.npy": GOOD}).replace(b"\x08\x00", b"\x63\x00")),
    "a password.npz": _bytes(_bits(_npz({"x.npy": GOOD, "y.npy": GOOD}), 1)),
    "names of objects.npz": _bytes(lambda: _npz({"x.npy": GOOD, "y.npy": GOOD, "feature_names.npy": OBJECTS()})),
    "half.npz": _bytes(_npz({"x.npy": GOOD, "y.npy": GOOD})[:100]),
    "a zip of text.npz": _bytes(_npz({"x.txt": b"1", "y.txt": b"2"})),
    # ARFF
    "a relation in a relation.arff": _bytes(b"@relation r\n" + b"@attribute a relational\n" * 10**4 + b"@data\n1\n"),
    "rows of another length.arff": _bytes(ARFF.format("1,x\n2\n3,y").encode()),
    "a word that is no class.arff": _bytes(ARFF.format("1,x\n2,z").encode()),
    "no data.arff": _bytes(ARFF.format("").encode()),
    "no attribute.arff": _bytes(b"@relation r\n@data\n1,2\n"),
    "an open quote.arff": _bytes(b"@relation 'r\n@attribute 'a numeric\n@attribute b {'x,y\n@data\n1,x\n"),
    "an open brace.arff": _repeated(b"x,", MEGABYTE // 2, b"@relation r\n@attribute a {", b"\n@data\nx\n"),
    "blanks in an attribute.arff": _bytes(b"@relation r\n@attribute " + b" " * 10**6 + b"\n@data\n1\n"),
    "blanks before nothing.arff": _bytes(b" " * 10**6 + b"\n" + b" \n" * 10**5 + b"@relation"),
    # libsvm, FANN, SNNS
    "an index of 10^18.svm": _bytes(b"1 1:2\n0 1000000000000000000:1\n"),
    "an index of 10^9.svm": _bytes(b"1 1:2\n0 1000000000:1\n"),
    "an infinity.svm": _bytes(b"1 1:2 2:1e999\n0 1:1 2:2\n" * 3),
    "a word.svm": _bytes(b"1 1:2 2:3\n0 1:1 2:2\n0 1:x\n"),
    "no cell.svm": _bytes(b"1 1:2 2:3\n" * 5 + b"1 1:\n"),
    "999999999 patterns.data": _bytes(b"999999999 2 1\n0 1\n1\n"),
    "no inputs.data": _bytes(b"2 0 1\n\n1\n\n1\n"),
    "an infinity.data": _bytes(b"2 2 1\n0 1e999\n1\n1 1\n0\n"),
    "999999999 patterns.pat": _bytes(SNNS.format(999999999, 2, 1, "0 1\n1").encode()),
    "no inputs.pat": _bytes(SNNS.format(1, 0, 1, "1").encode()),
    "a variable size.pat": _bytes(SNNS.format("1 [", 2, 1, "0 1\n1").encode()),
    # text
    "NULs.csv": _bytes(TABLE.replace("1", "\0").encode()),
    "310 MB of NULs.csv": _repeated(b"\0" * 1023 + b"\n", 310 * MEGABYTE),
    "310 MB of a word.csv": _repeated(b"mine\n", 310 * MEGABYTE),
    "500 MB of rows.csv": _repeated(b"1,2\n", 500 * MEGABYTE),
    "half a surrogate.csv": _bytes(b"\xff\xfea\0,\0b\0\n\0" + b"1\0,\0\x00\xd8\n\0" * 4),
    "half a letter of UTF-16.csv": _bytes(TABLE.encode("utf-16")[:-1]),
    "only a mark.csv": _bytes(b"\xff\xfe"),
    "only blanks.csv": _bytes(b" \t\n" * 10**5),
    "only comments.csv": _bytes(b"# mine\n" * 10**6),
    "only a header.csv": _bytes(b"a,b,target\n"),
    "only sep=.csv": _bytes(b"sep=;\n"),
    "one name twice.csv": _bytes(b"a,a,target\n1,2,0\n2,1,1\n"),
    "10^6 columns.csv": _bytes(b"1," * 499_999 + b"1\n" + b"2," * 499_999 + b"1\n"),
    "a row too long.csv": _bytes(TABLE.encode() + b"1,2,x,4\n"),
    "an infinity.csv": _bytes(b"a,target\n1,0\n1e999,1\n2,0\n"),
    "inf.csv": _bytes(b"a,target\n1,0\ninf,1\n2,0\n"),
    "one value in the target.csv": _bytes(b"a,target\n1,5\n2,5\n3,5\n"),
    "all missing.csv": _bytes(b"a,target\n?,?\n?,?\n"),
    "a quote that stays open.csv": _bytes(b'a,b,target\n1,"' + b"x\n" * 10**5),
    "escape sequences.csv": _bytes(b"\x1b[31ma,target\n\x1b[31m1,0\n1,2,3\n"),
    "JSON.csv": _bytes(b'{"a": [1, 2]}'),
    "HTML.csv": _bytes(b"<html><body>404</body></html>"),
    "a PDF.csv": _bytes(b"%PDF-1.7\n1 0 obj\n"),
    "a pickle.csv": _bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e."),
    "Parquet.csv": _bytes(b"PAR1" + bytes(100) + b"PAR1"),
    "a picture.csv": _bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4),
    "blanks in the middle.csv": _bytes(b"a b c\n" + b"1" + b" " * 10**6 + b"2 x\n" + b"1 2\n" * 3),
    "tabs in the middle.csv": _bytes(b"1 2 3\n" * 10 + b"1" + b"\t " * 400000 + b"x y z\n"),
    "commas alone.csv": _bytes(b",\n" * 10**5),
    "40 blank lines.csv": _bytes(b"\n" * 4000 + b"% \n" * 100 + b"a\n"),
    "10^6 columns.arff": _bytes(b"@relation r\n" + b"@attribute a numeric\n" * 10**6 + b"@data\n1\n"),
    "more numbers than it says.data": _repeated(b"1 2\n1\n", 100 * MEGABYTE, b"3 2 1\n"),
    "10^7 indices.svm": _repeated(b"1 1:2 2:1 3:1 4:1\n", 100 * MEGABYTE),
    "310 MB of numbers.csv": _repeated(b"1\n", 310 * MEGABYTE),
    "a pipe.csv": os.mkfifo,
    "a pipe.npy": os.mkfifo,
    "/dev/zero as.gz": lambda path: path.symlink_to("/dev/zero"),
    "a folder.arff": lambda path: path.mkdir(),
    "a loop of links.npz": lambda path: path.symlink_to(path.name),
    "a hole of 20 GB.npy": lambda path: _hole(path),
}  # fmt: skip
MANY, ROW = range(10**4), "2," * 9999 + "1\n"
EITHER: dict[str, Callable[[Path], object]] = {
    "a date.arff": _bytes(b"@relation r\n@attribute a date 'yyyy'\n@attribute b numeric\n@data\n2001,1\nmine,2\n"),
    "bytes of Latin-1.csv": _bytes(TABLE.replace("yes", "\xff\xfe").encode("latin-1")),
    "surrogates in UTF-8.csv": _bytes(b"a,b\xed\xb0\x80,target\n1,2,0\n2,1,1\n"),
    "escape sequences as names.csv": _bytes(b"\x1b[31ma,\x1b[31mtarget\n1,\x1b[31mx\n2,y\n3,y\n4,\x1b[31mx\n"),
    "other digits.csv": _bytes("a,target\n\u0661,0\n\u0662,1\n\uff11,0\n".encode()),
    "underscores.csv": _bytes(b"a,target\n1_000,0\n2,1\n3,0\n"),
    "hexadecimal.csv": _bytes(b"a,target\n0x10,0\n2,1\n3,0\n"),
    "10^4300.csv": _bytes(b"a,target\n" + b"1" * 5000 + b",0\n2,1\n3,1\n"),
    "a header of 200,000 bytes.csv": _bytes((",".join(f"column_number_{i}" for i in MANY) + "\n" + ROW * 3).encode()),
    "10^4 classes.csv": _bytes("\n".join(["a,target", *(f"{i},w{i}" for i in MANY)]).encode()),
    "10^5 words.csv": _bytes("\n".join(["a,target", *(f"w{i},{i % 2}" for i in range(10**5))]).encode()),
    "an index twice.svm": _bytes(b"1 1:2 1:3 2:1\n0 1:1 2:2\n" * 3),
    "an index below 0.svm": _bytes(b"1 -1:2 2:3\n0 1:1 2:2\n" * 3),
    "a fortran array.npy": _bytes(_npy((4, 2), content=bytes(range(64)), order=True)),
    "the other end.npy": _bytes(_array(lambda np: np.arange(12, dtype=">f8").reshape(6, 2))),
    "3000 classes.arff": _bytes(ARFF.replace("x,y", ",".join(f"w{i}" for i in range(3000))).format("1,w1\n2,w2\n3,w1").encode()),
    "10^4 attributes.arff": _bytes(("@relation r\n" + "".join(f"@attribute a{i} real\n" for i in MANY) + "@data\n" + ROW).encode()),
    "a comment of blanks.arff": _bytes(b"%" + b" " * 10**6 + b"\n" + ARFF.format("1,x\n2,y").encode()),
}  # fmt: skip


def _zeros(path: Path, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("x.npy", "y.npy"):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(_npy((2**15, size // 2**15), "|u1"))
                for _ in range(size // 2**24):
                    member.write(bytes(2**24))


def _hole(path: Path) -> None:
    with open(path, "wb") as file:
        file.write(_npy((2**30, 2)))
        file.truncate(20 * 2**30)
