"""Schemaless Avro, one value an alert, as Arrow columns."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail._errors import SchemaError
from nightmail.avro.choose import choose
from nightmail.avro.layout import Kind, read_layout

__all__ = ["AvroDecoder", "DecodedRows"]

_MOST_BYTES = 2**31 - 1
"""Most that the offsets of Arrow's text can count [byte]."""


@dataclass(frozen=True, slots=True)
class DecodedRows:
    """What values were: rows of columns, and those that were none."""

    batch: pa.RecordBatch
    """The good rows, in the order of the values."""

    rows: Sequence[int]
    """For each row of the batch: which value it was, counted from 0."""

    bad: Mapping[int, str]
    """For each value that was set aside: why, in a sentence that names the place."""


class AvroDecoder:
    """Reader of many schemaless Avro values of one schema.

    Made once for a schema, then called again and again, by several threads if need be:
    it runs without the GIL, and calls share nothing but free memory. A call costs about
    2 ms for a survey's whole alert, and then a fortieth of fastavro's time or less, so
    give it dozens of values at once.

    The memory of a batch belongs to its arrays, and is not copied: what you hold is
    never written again, whatever is decoded later. When nothing of it is held any more
    the next call fills it again, which is what makes this fast, since fresh memory
    would cost more than decoding. Two batches' worth is kept. Arrays of one level lie
    in one piece, so that keeping `candid` keeps the other numbers beside it, too, but
    no text, no cutout and no history; `pyarrow.compute.take` makes a copy of its own.

    Types: a record is a struct, an array a list, a map a map (a key that stands twice
    is there twice), an enum a dictionary of its symbols, fixed is binary of fixed size.
    Of logical types, date, timestamp-millis, -micros and -nanos (in UTC), their local-
    forms (without zone) and decimals of up to 38 digits become Arrow's; others are what
    they are without. What cannot be null in Avro is not nullable in the batch. Where a
    union or a record is null, so is all below it.

    Parameters
    ----------
    schema
        Avro schema of a record, as JSON gives it. Unions are of one type, or of one
        type and null.
    columns
        Names of what to read, nested ones joined by dots with lists and maps passed
        over: `candid`, `candidate.ra`, `prv_candidates.magpsf`. They keep their place
        in the schema, whatever the order here. Everything if None. What is not named
        is walked over, not looked into: text that is not UTF-8, symbols and ints that
        are too large go unnoticed there.

    Raises
    ------
    SchemaError
        The schema is not of a record, or a type in it cannot be read by columns.
    ColumnError
        There is no column of that name.

    Examples
    --------
    >>> field = {"name": "candid", "type": "long"}
    >>> decoder = AvroDecoder({"type": "record", "name": "r", "fields": [field]})
    >>> found = decoder.decode([bytes([2]), bytes([128]), bytes([4])])
    >>> found.batch.to_pydict()
    {'candid': [1, 2]}
    >>> found.bad
    {1: 'candid: the row ends inside it (byte 1 of 1).'}
    """

    schema: pa.Schema
    """Columns of the batches."""

    def __init__(self, schema: Any, columns: Sequence[str] | None = None) -> None:
        root = read_layout(schema)
        if root.kind is not Kind.RECORD or root.value_tag >= 0:
            raise SchemaError("Only values that are records, not null, have columns.")
        # numba and the kernel take 0.4 s to load, and seconds where they are new.
        from nightmail.avro.reading import Reading  # noqa: PLC0415

        self._made_of = (schema, columns)
        self._reading = Reading(root, choose(root, columns))
        self.schema = self._reading.schema

    def decode(self, values: Sequence[bytes]) -> DecodedRows:
        """Decode values; a bad one is set aside, and the others are there.

        A value is bad if it is cut, if bytes are left over behind it (which other
        clients do not mind), if a text in it is not UTF-8 or if it is not Avro: numbers
        of more than 64 bits, or ints of more than 32; lengths, branches and symbols
        that are negative or too large; blocks of items that are not as long as they
        say; decimals that exceed their precision; more than 65,536 items that take no
        bytes; lists that would take more than 256 MiB and 16 times the value's length.

        Parameters
        ----------
        values
            One alert each, at most 2 GiB together.

        Returns
        -------
        DecodedRows
            The good rows, and why others are bad.

        Raises
        ------
        TypeError
            A value is not bytes.
        ValueError
            The values are more than 2 GiB together.
        """
        values = tuple(values)
        for row, value in enumerate(values):
            if not isinstance(value, bytes):
                raise TypeError(f"Value {row} is {type(value).__name__}, not bytes.")
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        if lengths.sum() > _MOST_BYTES:
            raise ValueError(
                f"The values have {lengths.sum()} bytes together; decode at most"
                f" {_MOST_BYTES} at once."
            )
        pointers: Any = (ctypes.c_char_p * len(values))(*values)
        addresses: Any = np.frombuffer(pointers, np.uintp) if values else lengths
        return self._decode(addresses.astype(np.int64), lengths)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), self._made_of

    def _decode(
        self, addresses: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
    ) -> DecodedRows:
        """Decode values at addresses; they must live until this is done."""
        batch, bad = self._reading.read(addresses, lengths)
        rows: Sequence[int] = range(len(lengths))
        if bad:
            rows = [row for row in rows if row not in bad]
        return DecodedRows(batch, rows, bad)
