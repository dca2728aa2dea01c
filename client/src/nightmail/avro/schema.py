"""The Avro schema of an alert, a pure function of its columns' Arrow types."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import types

from nightmail._errors import SchemaError
from nightmail._fingerprint import compact, fingerprint

__all__ = ["ROOT", "compact", "derive_schema", "fingerprint"]

ROOT = "topLevelRecord"
"""Name of the outermost record, as the field writes it."""

_PRIMITIVES = {
    "null": "string",
    "bool": "boolean",
    "int8": "int",
    "int16": "int",
    "int32": "int",
    "uint8": "int",
    "uint16": "int",
    "int64": "long",
    "uint32": "long",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "date32[day]": "string",
    "date64[ms]": "string",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "binary": "bytes",
    "large_binary": "bytes",
    "binary_view": "bytes",
}
"""Avro type of every Arrow type that has no parts; a column of nulls is text."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What Avro allows as a name (Avro 1.12 specification, "Names")."""


def derive_schema(schema: pa.Schema) -> dict[str, Any]:
    """Avro schema under which rows of these columns are published.

    The same types give the same schema, whatever the file says of nulls: every field
    and every item is `[T, "null"]`, null last, without a default. Records are named by
    their path, as the field's writer does: `topLevelRecord.candidate`. Timestamps and
    dates are text (see `wire_batch`), dictionaries are what they stand for.

    Parameters
    ----------
    schema
        The file's columns, in the file's order.

    Returns
    -------
    dict
        Avro schema of one alert, ready for JSON.

    Raises
    ------
    SchemaError
        A type has no Avro form (decimal, duration, time of day, uint64), the keys of a
        map are not text, a name is not allowed in Avro, or stands twice.

    Examples
    --------
    >>> derive_schema(pa.schema({"candid": pa.int64()}))["fields"]
    [{'name': 'candid', 'type': ['long', 'null']}]
    """
    return _record(list(schema), (ROOT,))


def _record(fields: Sequence[Any], path: tuple[str, ...]) -> dict[str, Any]:
    _check_names([field.name for field in fields], path)
    record: dict[str, Any] = {"type": "record", "name": path[-1]}
    if len(path) > 1:
        record["namespace"] = ".".join(path[:-1])
    record["fields"] = [
        {"name": field.name, "type": _nullable(field.type, (*path, field.name))}
        for field in fields
    ]
    return record


def _nullable(kind: Any, path: tuple[str, ...]) -> list[Any]:
    return [_avro_type(kind, path), "null"]


def _avro_type(kind: Any, path: tuple[str, ...]) -> Any:
    if primitive := _PRIMITIVES.get(str(kind)):
        return primitive
    if types.is_timestamp(kind):
        return "string"
    if types.is_fixed_size_binary(kind):
        return "bytes"
    if types.is_dictionary(kind):
        return _avro_type(kind.value_type, path)
    return _compound_type(kind, path)


def _compound_type(kind: Any, path: tuple[str, ...]) -> dict[str, Any]:
    if types.is_struct(kind):
        return _record([kind.field(i) for i in range(kind.num_fields)], path)
    if _is_list(kind):
        return {"type": "array", "items": _nullable(kind.value_type, path)}
    if types.is_map(kind) and _avro_type(kind.key_type, path) == "string":
        return {"type": "map", "values": _nullable(kind.item_type, path)}
    where = ".".join(path[1:])
    raise SchemaError(
        f"Column {where}: {kind} cannot be written as Avro; store another type."
    )


def _is_list(kind: pa.DataType) -> bool:
    return (
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
    )


def _check_names(names: Sequence[str], path: tuple[str, ...]) -> None:
    where = ".".join(path[1:]) or "the file"
    for name, count in Counter(names).items():
        if count > 1:
            raise SchemaError(f"Column {name} of {where} stands there {count} times.")
        if not _NAME.fullmatch(name):
            raise SchemaError(
                f"Column {name!r} of {where} cannot be named so in Avro; use letters,"
                " digits and _, and no digit first."
            )
