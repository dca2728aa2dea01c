"""The recorded schemas of alerts are what is derived from the real files today.

REFRESH_GOLDEN=1 records what is derived now, beside what was: a released one stays, as
alerts of its kind may still be on a topic.
"""

import json
import os
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schemas
from nightmail.avro import compact, derive_schema, fingerprint

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
RECORDED = ROOT / "schemas"

FILES = {
    "ztf_science_v33": "ztf_science_v33_fink-filters_regular_part-00002.parquet",
    "ztf_science_v402": "ztf_science_v402_fink-filters_regular_part-00000.parquet",
    "lsst_science_v100_tutorials": (
        "lsst_science_v100_fink-tutorials_20260310.parquet"
    ),
    "lsst_science_v100_filters": (
        "lsst_science_v100_fink-filters_rubin_test_data_10_0.parquet"
    ),
}
"""Real file of each recorded schema."""


ALL = sorted(path.stem for path in RECORDED.glob("*_science_*.avsc"))
"""Every schema that was ever recorded."""


def derive(name: str) -> dict[str, Any]:
    """Derive the schema of a real file; skip where the file is not there."""
    path = DATA / FILES[name]
    if not path.exists():
        pytest.skip(f"{path.name} is not in ../shared/data")
    return derive_schema(pq.read_schema(path))


@pytest.mark.parametrize("name", FILES)
def test_is_what_is_derived_today(name: str) -> None:
    """The real file's types give the recorded schema, fields in the same order."""
    derived = derive(name)
    stem = f"{name}_{fingerprint(derived)}"
    if os.environ.get("REFRESH_GOLDEN"):
        text = json.dumps(derived, indent=2) + "\n"
        (RECORDED / f"{stem}.avsc").write_text(text, encoding="utf-8")

    assert compact(schemas.load(stem)) == compact(derived)


@pytest.mark.parametrize("stem", ALL)
def test_is_named_by_its_fingerprint(stem: str) -> None:
    """The file's name ends with the fingerprint that the alerts' header shows."""
    assert stem.endswith(f"_{fingerprint(schemas.load(stem))}")


@pytest.mark.parametrize("stem", ALL)
def test_is_readable_by_existing_clients(stem: str) -> None:
    """Clients parse it, so no record name stands twice and no type is unknown."""
    parsed = fastavro.parse_schema(schemas.load(stem))

    assert isinstance(parsed, dict)
    assert parsed["name"] == "topLevelRecord"


def test_a_column_that_may_not_be_null_gives_the_same_schema() -> None:
    """What the file says of nulls does not reach the schema."""
    free = pa.schema([pa.field("clf", pa.float64())])
    strict = pa.schema([pa.field("clf", pa.float64(), nullable=False)])

    assert derive_schema(free) == derive_schema(strict)
