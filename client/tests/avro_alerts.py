"""A small alert in all its parts, and fastavro's words for it."""

import io
import math
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.types as pat

__all__ = [
    "ALERT",
    "ALERTS",
    "HISTORY",
    "SOURCE",
    "read",
    "record",
    "rows_of",
    "without_nan",
    "write",
]


def record(**fields: Any) -> dict[str, Any]:
    """Make the schema of a record."""
    found = [{"name": name, "type": kind} for name, kind in fields.items()]
    return {"type": "record", "name": "alert", "fields": found}


def write(schema: Any, *rows: dict[str, Any]) -> list[bytes]:
    """Encode rows by fastavro."""
    parsed = fastavro.parse_schema(schema)
    buffers = [io.BytesIO() for _ in rows]
    for buffer, row in zip(buffers, rows, strict=True):
        fastavro.schemaless_writer(buffer, parsed, row)
    return [buffer.getvalue() for buffer in buffers]


def read(schema: Any, values: list[bytes]) -> list[Any]:
    """Decode values by fastavro."""
    parsed = fastavro.parse_schema(schema)
    return [fastavro.schemaless_reader(io.BytesIO(v), parsed, None) for v in values]


def rows_of(batch: pa.RecordBatch) -> list[Any]:
    """Give rows as Python values, maps as dictionaries."""
    kind = pa.struct(list(batch.schema))
    return [with_maps(row, kind) for row in batch.to_pylist()]


def with_maps(value: Any, kind: Any) -> Any:
    """Make dictionaries of maps, which pyarrow hands out as pairs."""
    if isinstance(value, dict):
        return {f.name: with_maps(value[f.name], f.type) for f in kind}
    if isinstance(value, list) and pat.is_map(kind):
        return {key: with_maps(item, kind.item_type) for key, item in value}
    if isinstance(value, list):
        return [with_maps(item, kind.value_type) for item in value]
    return value


def without_nan(value: Any) -> Any:
    """Replace NaN, which is not equal to itself."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


SOURCE = record(candid="long", magpsf=["float", "null"])
HISTORY = {"type": "array", "items": SOURCE | {"name": "source"}}
ALERT = record(
    objectId="string",
    candidate=["null", SOURCE | {"name": "candidate"}],
    prv_candidates=[HISTORY, "null"],
    cutout=["bytes", "null"],
    features={"type": "map", "values": ["double", "null"]},
)
ALERTS: list[dict[str, Any]] = [
    {
        "objectId": "ZTF23ablepgb",
        "candidate": {"candid": 2481114531315015022, "magpsf": 18.5},
        "prv_candidates": [
            {"candid": 1, "magpsf": None},
            {"candid": 2, "magpsf": 19.25},
        ],
        "cutout": b"\x1f\x8b",
        "features": {"snn": 0.5, "rf": None},
    },
    {
        "objectId": "",
        "candidate": None,
        "prv_candidates": None,
        "cutout": None,
        "features": {},
    },
]
