"""What the encoder returns, and what memory it takes for that."""

import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from nightmail.avro import AvroEncoder, EncodedRows
from nightmail.avro import encode as rows_of

SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [{"name": "x", "type": "bytes"}],
}


def column(values: list[bytes]) -> pa.RecordBatch:
    """Batch of one column, `x`."""
    return pa.RecordBatch.from_pydict({"x": values})


def written(values: list[Any]) -> list[bytes]:
    """Rows of one field, `x`, by fastavro."""
    parsed, found = fastavro.parse_schema(SCHEMA), []
    for value in values:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, {"x": value})
        found.append(buffer.getvalue())
    return found


def test_rows_are_a_sequence_of_bytes() -> None:
    """From both ends, in slices, and no further than they go."""
    batch = column([b"a", b"b", b"c"])
    rows = AvroEncoder(SCHEMA, batch.schema).encode(batch)

    assert len(rows) == 3
    assert rows[0] == b"\x02a"
    assert rows[-1] == b"\x02c"
    assert rows[1:] == [b"\x02b", b"\x02c"]
    assert rows.offsets.tolist() == [0, 2, 4, 6]
    assert rows.buffer.tobytes() == b"\x02a\x02b\x02c"
    with pytest.raises(IndexError):
        rows[3]


def test_a_buffer_that_nobody_holds_is_used_again() -> None:
    """So memory is not cleared anew for every batch."""
    batch = column([b"x" * 100_000] * 10)
    encoder = AvroEncoder(SCHEMA, batch.schema)

    places = {encoder.encode(batch).buffer.ctypes.data for _ in range(20)}

    assert len(places) <= 2


HOLDS: list[Callable[[EncodedRows], Any]] = [
    lambda rows: rows,
    lambda rows: rows.buffer,
    lambda rows: rows.buffer.data,
]


@pytest.mark.parametrize("hold", HOLDS)
def test_a_buffer_that_somebody_holds_is_left_alone(
    hold: Callable[[EncodedRows], Any],
) -> None:
    """By the rows, by an array or by a view of it."""
    values = [b"x" * 100_000] * 10
    batch, other = column(values), column([b"y" * 100_000] * 10)
    encoder = AvroEncoder(SCHEMA, batch.schema)
    held = hold(encoder.encode(batch))

    for _ in range(5):
        encoder.encode(other)

    found = b"".join(held) if isinstance(held, EncodedRows) else held.tobytes()
    assert found == b"".join(written(values))


MIXED = column(
    [bytes([n % 251]) * (600_000 if n % 8 == 0 else 5_000) for n in range(80)]
)
"""Rows of the size of LSST's with cutouts, among those of ZTF's without."""


@pytest.mark.parametrize("chunk_bytes", [1, 10_000, 1_000_000, 2**26])
def test_chunks_are_the_same_rows(chunk_bytes: int) -> None:
    """However large they may be; a row is in one chunk."""
    encoder = AvroEncoder(SCHEMA, MIXED.schema, chunk_bytes=chunk_bytes)

    parts = list(encoder.encode_chunks(MIXED))

    wanted = written(MIXED["x"].to_pylist())
    assert [row for part in parts for row in part] == wanted
    assert list(encoder.encode(MIXED)) == wanted
    assert all(len(p) == 1 or len(p.buffer) <= chunk_bytes for p in parts)


def test_memory_is_that_of_the_rows_and_one_chunk() -> None:
    """Rows of 600 kB and of 5 kB in one call."""
    chunk = 2_000_000
    encoder = AvroEncoder(SCHEMA, MIXED.schema, chunk_bytes=chunk)
    rows = encoder.encode(MIXED)
    size = len(rows.buffer)
    rows_of._spare.clear()
    del rows

    tracemalloc.start()
    rows = encoder.encode(MIXED)
    _, whole = tracemalloc.get_traced_memory()
    del rows
    rows_of._spare.clear()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    for part in encoder.encode_chunks(MIXED):
        assert len(part.buffer) <= chunk
    _, chunks = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert whole < size + 1.1 * chunk
    assert chunks - before < 2.1 * chunk


def test_threads_may_share_an_encoder() -> None:
    """Each gets the rows of its own batch."""
    batches = [column([bytes([n]) * 50_000] * 20) for n in range(8)]
    encoder = AvroEncoder(SCHEMA, batches[0].schema)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda b: list(encoder.encode(b)), batches * 5))

    assert found == [written(b["x"].to_pylist()) for b in batches] * 5


def test_numba_is_loaded_by_the_first_encoder() -> None:
    """Not by those who only want a schema: it takes longer than all else."""
    code = (
        "import sys, pyarrow as pa, nightmail.avro as avro\n"
        "before = 'numba' in sys.modules\n"
        "avro.AvroEncoder(avro.derive_schema(pa.schema([])), pa.schema([]))\n"
        "print(before, 'numba' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False True\n"
