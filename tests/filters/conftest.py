"""Alerts for the filters: made rows, and real ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Real alerts, where they are at hand."""

Rows = Callable[..., pa.RecordBatch]


@pytest.fixture
def rows() -> Rows:
    """Make a flat batch: one good alert, repeated with changes."""

    def make(good: dict[str, Any], changes: Sequence[dict[str, Any]]) -> pa.RecordBatch:
        unknown = {name for change in changes for name in change} - set(good)
        assert not unknown, f"no columns {unknown}"
        first = pa.RecordBatch.from_pylist([good])
        return pa.RecordBatch.from_pylist(
            [good, *(good | change for change in changes)], first.schema
        )

    return make


@pytest.fixture
def real() -> Callable[[str], pa.Table]:
    """Read a file of real alerts, or skip the test."""

    def read(name: str) -> pa.Table:
        path = DATA / f"{name}.parquet"
        if not path.exists():
            pytest.skip(f"there are no real alerts at {path}")
        return pq.read_table(path)

    return read
