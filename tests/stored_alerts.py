"""The alerts of a night's files, to compare what readers received with."""

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

ID = {"ztf": "candid", "lsst": "diaSourceId"}
"""Column that names an alert, by survey."""


def stored_rows(folder: Path, column: str) -> dict[int, dict[str, Any]]:
    """Read the records of a night's files, by their id."""
    return {
        row[column]: row
        for file in folder.glob("*.parquet")
        for row in pq.ParquetFile(file).read().to_pylist(maps_as_pydicts="strict")
    }


def differences(  # noqa: C901 - a case for each kind of value
    wire: Any, store: Any, path: str
) -> Iterator[str]:
    """Paths at which a decoded value is not what the store has, types included."""
    if isinstance(store, dt.datetime):
        store = f"{store:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").removesuffix(".")
    if isinstance(wire, dict) and isinstance(store, dict):
        if wire.keys() != store.keys():
            yield f"{path}: {sorted(wire.keys() ^ store.keys())}"
        for key in wire.keys() & store.keys():
            yield from differences(wire[key], store[key], f"{path}.{key}")
    elif isinstance(wire, list) and isinstance(store, list):
        if len(wire) != len(store):
            yield f"{path}: {len(wire)} items, {len(store)} in the store"
        for one, other in zip(wire, store, strict=False):
            yield from differences(one, other, f"{path}[]")
    elif isinstance(wire, float) and isinstance(store, float) and math.isnan(store):
        if not math.isnan(wire):
            yield f"{path}: {wire} for NaN"
    elif wire != store or type(wire) is not type(store):
        yield f"{path}: {wire!r:.60} for {store!r:.60}"
