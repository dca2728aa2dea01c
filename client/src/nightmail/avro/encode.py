"""Rows as schemaless Avro, one value an alert, written column by column."""

import copy
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail._errors import AlertError, SchemaError
from nightmail.avro.layout import Kind, read_layout
from nightmail.avro.schema import derive_schema
from nightmail.avro.text import wire_type

if TYPE_CHECKING:
    from nightmail.avro.bind import Bound

__all__ = ["AvroEncoder", "EncodedRows", "encode_batch"]

CHUNK_BYTES = 64 * 1024**2
"""Room taken at a time for rows whose length is not known yet [byte]."""

KEPT_BYTES = 2 * CHUNK_BYTES
"""Largest buffer that is kept for the next call [byte]."""

_KEPT = 2
"""Buffers kept: one is read while the other is filled."""

_ENCODERS = 8
"""Schemas of which `encode_batch` keeps the encoder."""


class EncodedRows(Sequence[bytes]):
    """Rows of schemaless Avro, one behind the other in one buffer.

    A sequence of bytes, each made when asked for. It equals any sequence of the same.
    """

    def __init__(
        self, buffer: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
    ) -> None:
        self.buffer = buffer
        """The bytes of all rows, shape (bytes,)."""
        self.offsets = offsets
        """Where each row begins, and the last ends, in `buffer`, shape (n + 1,)."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        return self.buffer[self.offsets[row] : self.offsets[row + 1]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        view = self.buffer.data
        for start, stop in pairwise(self.offsets.tolist()):
            yield view[start:stop].tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class AvroEncoder:
    """Encodes batches of one Arrow schema as rows of one Avro schema.

    The bytes are those that `fastavro.schemaless_writer` writes. Fields are found by
    name among the columns, at every depth; columns that Avro has no field for are left
    out. A timestamp without zone is UTC; what is finer than the Avro type's unit is
    rounded downwards. Decimals go through fastavro, one by one.

    Memory: rows are written once, into room for the most they can need. That is taken
    `chunk_bytes` at a time, or what one row needs if that is more. `encode` returns all
    rows in one buffer, which grows so; `encode_chunks` returns as many at a time as fit
    into `chunk_bytes`. All encoders of a process keep up to two buffers, of 128 MiB at
    most: one that nobody holds any more, neither as rows nor as a view, is used again.
    That spares the system's clearing of new memory, half of the time; so let go of rows
    before the next batch, and prefer `encode_chunks` where rows are many.

    Several threads may use one encoder; the kernel runs without the GIL. The first one
    in a process loads numba and the kernels.

    Parameters
    ----------
    schema
        Avro schema of a row: a record, in it any type but unions of several types.
    columns
        Arrow schema of the batches.
    chunk_bytes
        See above.

    Raises
    ------
    SchemaError
        A type cannot be written as its Avro type without loss, or a column is missing.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        columns: pa.Schema,
        *,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        # Here and not above, since numba takes longer to load than all else.
        from nightmail.avro.bind import Plan  # noqa: PLC0415

        root = read_layout(schema)
        if root.kind is not Kind.RECORD or root.value_tag >= 0:
            raise SchemaError("A row is to be a record; give the schema of one.")
        self._columns = columns
        self._chunk_bytes = chunk_bytes
        self._plan = Plan(root, columns)

    def encode(self, batch: pa.RecordBatch) -> EncodedRows:
        """Encode every row of a batch; of a table, encode each of its batches.

        Parameters
        ----------
        batch
            Columns of the types that the encoder was made for. They are checked as
            `batch.validate()` does. What arrays promise beyond that, as offsets that
            grow, is relied on; where they come from no reader that keeps it, call
            `batch.validate(full=True)` first.

        Returns
        -------
        EncodedRows, length n
            In the batch's order.

        Raises
        ------
        SchemaError
            The batch has other columns.
        AlertError
            A value cannot be written, with its path, the row and why: null where Avro
            has none, out of range, text that is not UTF-8, a key twice in a map, no
            symbol of the enum. Nothing is returned then.
        """
        bound = self._bind(batch)
        offsets = np.zeros(batch.num_rows + 1, np.int64)
        most = bound.most_bytes(0, batch.num_rows)
        buffer = _take(min(most, self._chunk_bytes))
        used = 0
        for start, stop, most in self._chunks(bound, batch.num_rows):
            if used + most > buffer.size:
                room = max(most, self._chunk_bytes)
                buffer.resize(used + room, refcheck=False)
            self._put(bound, buffer, used, offsets[start + 1 : stop + 1], start)
            used = int(offsets[stop])
        _keep(buffer)
        return EncodedRows(buffer[:used], offsets)

    def encode_chunks(self, batch: pa.RecordBatch) -> Iterator[EncodedRows]:
        """Encode a batch, some rows at a time; otherwise as `encode`.

        Yields
        ------
        EncodedRows
            As many rows as fit into `chunk_bytes`, or one that does not.
        """
        bound = self._bind(batch)
        for chunk in self._chunks(bound, batch.num_rows):
            yield self._encode_chunk(bound, *chunk)

    def _encode_chunk(
        self, bound: "Bound", start: int, stop: int, most: int
    ) -> EncodedRows:
        offsets = np.zeros(stop - start + 1, np.int64)
        buffer = _take(max(most, min(self._chunk_bytes, KEPT_BYTES)))
        self._put(bound, buffer, 0, offsets[1:], start)
        _keep(buffer)
        return EncodedRows(buffer[: offsets[-1]], offsets)

    def _bind(self, batch: pa.RecordBatch) -> "Bound":
        if not batch.schema.equals(self._columns):
            raise SchemaError("The batch has other columns than the encoder is for.")
        try:
            batch.validate()
        except pa.ArrowInvalid as error:
            raise AlertError(f"The batch cannot be encoded: {error}") from error
        return self._plan.bind(batch)

    def _chunks(self, bound: "Bound", rows: int) -> Iterator[tuple[int, int, int]]:
        """Give first and last rows, and most bytes, of what is written at a time."""
        start = 0
        while start < rows:
            stop = rows
            most = bound.most_bytes(start, stop)
            while most > self._chunk_bytes and stop - start > 1:
                stop = (start + stop + 1) // 2
                most = bound.most_bytes(start, stop)
            yield start, stop, most
            start = stop

    def _put(
        self,
        bound: "Bound",
        buffer: npt.NDArray[np.uint8],
        used: int,
        offsets: npt.NDArray[np.int64],
        start: int,
    ) -> None:
        refused = bound.put_rows(buffer, used, offsets, start)
        if refused is not None:
            raise AlertError(f"Column {bound.fault()} (row {refused}).")


def encode_batch(schema: dict[str, Any], batch: pa.RecordBatch) -> EncodedRows:
    """Encode every row of a batch under the schema derived from it.

    Parameters
    ----------
    schema
        What `derive_schema` gives for the batch's columns.
    batch
        Rows as `wire_batch` returns them.

    Returns
    -------
    EncodedRows, length n
        Schemaless Avro of each row, in the batch's order.

    Raises
    ------
    SchemaError
        The schema is not that of the batch, or the batch is not in wire types.
    AlertError
        A text is not UTF-8 or a map has a key twice. Nothing is returned then; encode
        `batch.slice(i, 1)` to learn which rows are to be set aside.
    """
    return _encoder(schema, batch.schema).encode(batch)


_known: deque[tuple[dict[str, Any], pa.Schema, AvroEncoder]] = deque(maxlen=_ENCODERS)


def _encoder(schema: dict[str, Any], columns: pa.Schema) -> AvroEncoder:
    for avro, arrow, encoder in list(_known):
        if arrow.equals(columns) and avro == schema:
            return encoder
    _refuse_strangers(schema, columns)
    made = AvroEncoder(schema, columns)
    _known.append((copy.deepcopy(schema), columns, made))
    return made


def _refuse_strangers(schema: dict[str, Any], columns: pa.Schema) -> None:
    if derive_schema(columns) != schema:
        raise SchemaError("The schema is not that of the batch; derive it from it.")
    for field in columns:
        if wire_type(field.type) != field.type:
            raise SchemaError(
                f"Column {field.name}: {field.type} is not a type of the wire; pass the"
                " batch through wire_batch first."
            )


_spare: deque[npt.NDArray[np.uint8]] = deque(maxlen=_KEPT)


def _take(size: int) -> npt.NDArray[np.uint8]:
    """Give a buffer of at least this size, one that nobody holds if there is."""
    alone = object()
    for _ in range(_KEPT):
        try:
            buffer = _spare.popleft()
        except IndexError:
            break
        if sys.getrefcount(buffer) > sys.getrefcount(alone):
            _spare.append(buffer)
        elif buffer.size >= size:
            return buffer
    return np.empty(size, np.uint8)


def _keep(buffer: npt.NDArray[np.uint8]) -> None:
    if buffer.size <= KEPT_BYTES:
        _spare.append(buffer)
