"""Rows as schemaless Avro, one value an alert."""

import io
from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from typing import Any

import fastavro
import pyarrow as pa

from nightmail._errors import AlertError, SchemaError
from nightmail.avro.schema import derive_schema
from nightmail.avro.text import wire_type

__all__ = ["encode_batch"]


def encode_batch(schema: dict[str, Any], batch: pa.RecordBatch) -> list[bytes]:
    """Encode every row of a batch.

    This is the seam of the codec: rows go through Python objects and fastavro today,
    the columnar codec replaces this function's body and nothing else.

    Parameters
    ----------
    schema
        What `derive_schema` gives for the batch's columns.
    batch
        Rows as `wire_batch` returns them.

    Returns
    -------
    list of bytes, length n
        Schemaless Avro of each row, in the batch's order.

    Raises
    ------
    SchemaError
        The schema is not that of the batch, or the batch is not in wire types.
    AlertError
        A text is not UTF-8 or a map has a key twice. Nothing is returned then; encode
        `batch.slice(i, 1)` to learn which rows are to be set aside.
    """
    _refuse_strangers(schema, batch)
    parsed = fastavro.parse_schema(schema)
    names = batch.schema.names
    columns = list(_columns(schema, batch))
    rows = zip(*columns, strict=True) if columns else repeat((), batch.num_rows)
    return [_encode(parsed, dict(zip(names, row, strict=True))) for row in rows]


def _refuse_strangers(schema: dict[str, Any], batch: pa.RecordBatch) -> None:
    if derive_schema(batch.schema) != schema:
        raise SchemaError("The schema is not that of the batch; derive it from it.")
    for field in batch.schema:
        if wire_type(field.type) != field.type:
            raise SchemaError(
                f"Column {field.name}: {field.type} is not a type of the wire; pass the"
                " batch through wire_batch first."
            )


def _encode(schema: Any, row: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, row)
    return buffer.getvalue()


def _columns(schema: dict[str, Any], batch: pa.RecordBatch) -> Iterator[list[Any]]:
    for field, column in zip(schema["fields"], batch.columns, strict=True):
        try:
            yield _values(column, field["type"][0])
        except (UnicodeDecodeError, ValueError) as error:
            raise AlertError(
                f"Column {field['name']} cannot be encoded: {error}."
            ) from error


def _values(array: Any, avro: Any) -> list[Any]:
    """Convert a column to Python values, records, lists and maps tagged.

    A value that says which member of its union it is, as `(name, value)`, spares
    fastavro the search: 2.2 times faster.
    """
    if isinstance(avro, str):
        return list(array.to_pylist())
    if avro["type"] == "record":
        found = _records(array, avro)
    elif avro["type"] == "array":
        found = _lists(array, avro)
    else:
        found = _maps(array, avro)
    if not array.null_count:
        return list(found)
    valid = array.is_valid().to_pylist()
    return [v if there else None for v, there in zip(found, valid, strict=True)]


def _records(array: pa.StructArray, avro: dict[str, Any]) -> Iterator[Any]:
    tag = f"{avro['namespace']}.{avro['name']}"
    names = [field["name"] for field in avro["fields"]]
    kinds = [field["type"][0] for field in avro["fields"]]
    children = map(_values, array.flatten(), kinds)
    rows: Iterable[tuple[Any, ...]] = zip(*children, strict=True)
    for row in rows if names else repeat((), len(array)):
        yield tag, dict(zip(names, row, strict=True))


def _lists(array: Any, avro: dict[str, Any]) -> Iterator[Any]:
    offsets, first, count = _span(array)
    items = _values(array.values.slice(first, count), avro["items"][0])
    for start, stop in pairwise(offsets):
        yield "array", items[start - first : stop - first]


def _maps(array: Any, avro: dict[str, Any]) -> Iterator[Any]:
    offsets, first, count = _span(array)
    keys = array.keys.slice(first, count).to_pylist()
    items = _values(array.items.slice(first, count), avro["values"][0])
    entries = list(zip(keys, items, strict=True))
    for start, stop in pairwise(offsets):
        found = dict(entries[start - first : stop - first])
        if len(found) < stop - start:
            raise ValueError("a map has a key twice")
        yield "map", found


def _span(array: Any) -> tuple[list[int], int, int]:
    """Offsets of the rows, the first entry of theirs, and how many entries."""
    offsets = array.offsets.to_pylist()
    return offsets, offsets[0], offsets[-1] - offsets[0]
