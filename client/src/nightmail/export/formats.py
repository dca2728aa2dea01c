"""Files of alerts: Avro and CSV with what is there anyway, Parquet by pyarrow."""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import fastavro

from nightmail._errors import ColumnError, ConfigError

__all__ = ["FORMATS", "Made", "check_format"]

Made = tuple[bytes, dict[int, str]]
"""A file's content; and what could not be read: its place among the values, and why."""

_MAGIC = b"Obj\x01"
"""Beginning of an Avro file; Avro 1.12, Object Container Files."""


def check_format(name: str, columns: Sequence[str] | None) -> None:
    """Refuse a format that cannot be written here.

    Raises
    ------
    ConfigError
        It needs what is not installed, or has no columns to choose.
    """
    if name == "avro" and columns:
        raise ConfigError("Avro files have whole alerts; leave --columns out.")
    if name == "parquet":
        try:
            import nightmail.avro  # noqa: F401, PLC0415
        except ImportError as error:
            raise ConfigError(
                "Parquet needs pyarrow; install it by: pip install 'nightmail[arrow]',"
                " or take --format avro or csv."
            ) from error


def _parquet(
    key: bytes, values: Sequence[bytes], columns: Sequence[str] | None
) -> Made:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    decoded = _decoder(key, tuple(columns) if columns else None).decode(values)
    stream = io.BytesIO()
    table = pa.Table.from_batches([decoded.batch])
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue(), dict(decoded.bad)


def _avro(key: bytes, values: Sequence[bytes], columns: Sequence[str] | None) -> Made:
    """Put the values into a container as they came: they are Avro already."""
    assert columns is None  # noqa: S101 - `check_format` has refused them
    _, bad = _decoded(key, values)
    good = [value for place, value in enumerate(values) if place not in bad]
    mark = hashlib.md5(key, usedforsecurity=False).digest()
    block = b"".join(good)
    head = {"avro.schema": key, "avro.codec": b"null"}
    parts = [_MAGIC, _long(len(head))]
    for name, value in head.items():
        parts += [_long(len(name)), name.encode(), _long(len(value)), value]
    parts += [_long(0), mark]
    if good:
        parts += [_long(len(good)), _long(len(block)), block, mark]
    return b"".join(parts), bad


def _csv(key: bytes, values: Sequence[bytes], columns: Sequence[str] | None) -> Made:
    """Write a line for each alert; what is no plain value is JSON."""
    rows, bad = _decoded(key, values)
    names = _choose(list(_names(json.loads(key))), columns)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(_inside(row, name)) for name in names])
    return stream.getvalue().encode(), bad


FORMATS: dict[str, Callable[[bytes, Sequence[bytes], Sequence[str] | None], Made]] = {
    "parquet": _parquet,
    "avro": _avro,
    "csv": _csv,
}
"""What makes a file's content of a schema, values, and columns; by format."""


@lru_cache(maxsize=16)
def _decoder(key: bytes, columns: tuple[str, ...] | None) -> Any:
    from nightmail.avro import AvroDecoder  # noqa: PLC0415

    return AvroDecoder(json.loads(key), columns)


@lru_cache(maxsize=16)
def _parsed(key: bytes) -> Any:
    return fastavro.parse_schema(json.loads(key))


def _decoded(
    key: bytes, values: Sequence[bytes]
) -> tuple[list[Mapping[str, Any]], dict[int, str]]:
    schema = _parsed(key)
    rows: list[Mapping[str, Any]] = []
    bad: dict[int, str] = {}
    for place, value in enumerate(values):
        stream = io.BytesIO(value)
        try:
            row: Any = fastavro.schemaless_reader(stream, schema, None)
        except Exception as error:  # noqa: BLE001  whatever fastavro makes of any bytes
            bad[place] = f"{type(error).__name__}: {error}"
            continue
        if stream.tell() != len(value):
            bad[place] = "bytes are left over behind it"
            continue
        rows.append(row)
    return rows, bad


def _long(number: int) -> bytes:
    """Write a number as Avro does: zigzag, seven bits a byte."""
    number, parts = number << 1, bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _names(schema: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of the values in a record."""
    for one in schema["fields"]:
        name, kind = f"{path}{one['name']}", _without_null(one["type"])
        if isinstance(kind, dict) and kind.get("type") == "record":
            yield from _names(kind, f"{name}.")
        else:
            yield name


def _without_null(kind: Any) -> Any:
    if isinstance(kind, list):
        others = [one for one in kind if one != "null"]
        return others[0] if len(others) == 1 else others
    return kind


def _choose(names: list[str], columns: Sequence[str] | None) -> list[str]:
    """Take the columns that are named, or that lie below what is named."""
    if columns is None:
        return [name for name in names if not name.startswith("cutout")]
    for column in columns:
        if not any(_is_in(name, column) for name in names):
            raise ColumnError(f"The alerts have no column {column}.")
    return [name for name in names if any(_is_in(name, one) for one in columns)]


def _is_in(name: str, column: str) -> bool:
    return name == column or name.startswith(f"{column}.")


def _inside(row: Any, name: str) -> Any:
    for part in name.split("."):
        row = row.get(part) if isinstance(row, Mapping) else None
    return row


def _cell(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return base64.b64encode(value).decode()
        case list() | Mapping():
            return json.dumps(value, default=_plain)
        case _:
            return str(value)


def _plain(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
