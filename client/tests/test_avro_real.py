"""Real alerts reach existing clients as the store has them."""

import io
import json
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightmail.avro import compact, derive_schema, encode_batch, wire_batch

DATA = Path(__file__).parents[3] / "shared" / "data"

FILES = [
    "ztf_science_v33_fink-filters_regular_part-00002.parquet",
    "ztf_science_v402_fink-filters_regular_part-00000.parquet",
    "lsst_science_v100_fink-filters_rubin_test_data_10_0.parquet",
    pytest.param(
        "lsst_science_v100_fink-tutorials_20260310.parquet", marks=pytest.mark.slow
    ),
]


def batches(name: str) -> Iterator[pa.RecordBatch]:
    """Batches of a real file; skip where it is not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    yield from pq.ParquetFile(path).iter_batches(batch_size=40)


def differences(found: Any, stored: Any, path: str = "") -> Iterator[str]:
    """Paths at which what a client reads is not what the store has, types included."""
    if isinstance(stored, datetime):
        stored = stored.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    if isinstance(found, dict) and isinstance(stored, list):
        stored = dict(stored)  # pyarrow hands out a map as pairs
    if type(found) is not type(stored):
        yield f"{path}: {type(found).__name__}, stored {type(stored).__name__}"
    elif isinstance(found, dict | list):
        yield from differences_within(found, stored, path)
    elif found != stored and not (math.isnan(found) and math.isnan(stored)):
        yield f"{path}: {found!r}, stored {stored!r}"


def differences_within(found: Any, stored: Any, path: str) -> Iterator[str]:
    """Compare names and their order, or lengths, then the parts."""
    if isinstance(found, list):
        found, stored = dict(enumerate(found)), dict(enumerate(stored))
    if list(found) != list(stored):
        yield f"{path}: {list(found)}, stored {list(stored)}"
    for name in found.keys() & stored.keys():
        yield from differences(found[name], stored[name], f"{path}.{name}")


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_read_as_it_is_stored(name: str) -> None:
    """Field by field, in the store's order, what pyarrow reads from the file."""
    count = 0
    for batch in batches(name):
        schema = derive_schema(batch.schema)
        values = encode_batch(schema, wire_batch(batch))
        parsed = fastavro.parse_schema(json.loads(compact(schema)))
        for value, row in zip(values, batch.to_pylist(), strict=True):
            found = fastavro.schemaless_reader(io.BytesIO(value), parsed, None)
            assert list(differences(found, row)) == []
            count += 1

    assert count == pq.read_metadata(DATA / name).num_rows
