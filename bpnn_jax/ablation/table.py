"""A chunk's table: a row per run, and in its metadata what it is the answer to. It is kept as a Parquet file."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpnn_jax.errors import InputError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import Table
except ImportError as error:
    raise InputError("a study is kept in Parquet files; for these pip install 'bpnn-jax[ablation]'") from error

IDENTITY = b"bpnn_jax.chunk"  # the key of the metadata that say what a file is the answer to
# The key of the SHA-256 of its columns: Parquet's own checksums leave parts of a file uncovered.
CONTENT = b"bpnn_jax.content"
RUN_BYTES = 64  # of a run without its curve, at most
_WORDS = pa.dictionary(pa.int32(), pa.string())


class Columns(NamedTuple):
    """How large a chunk's table is: its runs, and the numbers in each run's lists.

    points:  of the error curve; scores: at the end; curves: of all scores that are followed together.
    weights: where the networks are kept, in ``dtype``.
    """

    runs: int
    points: int
    scores: int = 0
    curves: int = 0
    weights: int = 0
    dtype: str = "float32"

    @property
    def numbers(self) -> int:
        """Of a run, in all its lists."""
        return self.points + self.scores + self.curves + self.weights

    @property
    def schema(self) -> pa.Schema:
        """A row per run.

        epochs are those that were run, error is E of the last of them, history E at ``Study.history_epochs`` (NaN after the stop),
        seconds the run's share of its chunk's, scores what the network came to at its end (``scoring.Judge``), curves some of these
        at ``Study.score_epochs``, epoch by epoch, weights all layers' one after the other, row by row.
        """
        weights = pa.float64() if self.dtype == "float64" else pa.float32()
        lists = [("scores", self.scores, pa.float64()), ("curves", self.curves, pa.float64())]
        lists += [("weights", self.weights, weights)]
        return pa.schema(
            [
                ("arm", _WORDS),
                ("seed", pa.uint32()),
                ("stopped", _WORDS),
                ("epochs", pa.int32()),
                ("error", pa.float64()),
                ("history", pa.list_(pa.float64(), self.points)),
                ("seconds", pa.float64()),
                *((name, pa.list_(kind, size)) for name, size, kind in lists if size),
            ]
        )


def table(
    described: str,
    *,
    arm: Sequence[str],
    seed: np.ndarray,
    stopped: np.ndarray,
    epochs: np.ndarray,
    error: np.ndarray,
    history: np.ndarray,
    seconds: np.ndarray,
    scores: np.ndarray | None = None,
    curves: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Table:
    """A chunk's table, and in its metadata what it is the answer to.

    The columns are (runs,); those of ``history``, ``scores``, ``curves`` and ``weights`` (runs, numbers).
    """
    more = [np.empty((len(arm), 0)) if one is None else one for one in (scores, curves, weights)]
    scored, followed, kept = (one.shape[1] for one in more)
    dtype = "float32" if weights is None else str(weights.dtype)
    columns = [
        pa.array(list(arm)).dictionary_encode(),
        pa.array(np.asarray(seed, np.uint32)),
        pa.array(np.asarray(stopped).tolist()).dictionary_encode(),
        pa.array(np.asarray(epochs, np.int32)),
        pa.array(np.asarray(error, np.float64)),
        _lists(np.asarray(history, np.float64)),
        pa.array(np.asarray(seconds, np.float64)),
        *(_lists(one) for one in more if one.shape[1]),
    ]
    made = pa.Table.from_arrays(
        columns, schema=Columns(len(arm), history.shape[1], scored, followed, kept, dtype).schema
    )
    return made.replace_schema_metadata({IDENTITY: described.encode(), CONTENT: digest(made)})


def lists(content: Table, name: str, width: int) -> np.ndarray:
    """A column of lists as an array (runs, width)."""
    return content[name].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, width)


def _lists(values: np.ndarray) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def parquet(content: Table) -> bytes:
    """The table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def largest(columns: Columns) -> int:
    """Bytes that the file of a chunk may have: numbers, and each run's description, several times over."""
    return 2**22 + columns.runs * (8 * columns.numbers + 4096)


def parsed(data: bytes, columns: Columns) -> Table:
    """The table of a chunk with these columns, from the bytes of a Parquet file.

    Raises ValueError for a file that is none, has other rows or columns, or other numbers than were written. What it says of its
    size is looked at before it is unpacked.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            about = file.metadata
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if (
                about.num_rows != columns.runs
                or not file.schema_arrow.equals(columns.schema)
                or unpacked > largest(columns)
            ):
                raise ValueError(f"it does not have the {columns.runs} runs and the columns of its chunk")
            found = file.read()
        if found.num_rows != columns.runs or (found.schema.metadata or {}).get(CONTENT) != digest(found):
            raise ValueError("it has other numbers in it than were written")
        return found
    except (
        pa.ArrowException,
        OSError,
        MemoryError,
        OverflowError,
        RecursionError,
        TypeError,
        LookupError,
    ) as error:  # a damaged size, say
        raise ValueError(f"it cannot be read: {' '.join(str(error).split()[:20])}") from None


def digest(content: Table) -> bytes:
    """The SHA-256 of the columns, in hexadecimal."""
    found = hashlib.sha256()
    for column in content.itercolumns():
        if pa.types.is_dictionary(column.type):
            found.update("\n".join(map(str, column.to_pylist())).encode())
        else:
            numbers = column.combine_chunks()
            numbers = numbers.flatten() if pa.types.is_fixed_size_list(column.type) else numbers
            found.update(numbers.to_numpy(zero_copy_only=False).tobytes())
    return found.hexdigest().encode()
