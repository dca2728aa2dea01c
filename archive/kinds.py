"""The tables that a slice of the archive has, and their columns."""

import pyarrow as pa

_MATCHES_TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "filter": pa.string(),
    "topic": pa.string(),
    "class": pa.string(),
    "generation": pa.int32(),
    "file": pa.string(),
}

MATCHES_SCHEMA = pa.schema(_MATCHES_TYPES)
"""One row per alert, topic and generation; `file` is relative to the night."""

SET_ASIDE_SCHEMA = pa.schema(
    _MATCHES_TYPES | {"row": pa.int64(), "reason": pa.string()}
)
"""One row per filter and alert that it kept and that cannot be sent; `row` counts
from 0 within `file`, which is where the alert stands."""

KINDS = ("alerts", "matches", "set_aside")
"""The tables of a slice, in the order in which they become visible."""

SCHEMAS = {"matches": MATCHES_SCHEMA, "set_aside": SET_ASIDE_SCHEMA}
"""Schemas that are ours; that of `alerts` is the store's."""
