"""The columns are the real stores' columns."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat
import pytest

from simulator.columns import arrow_schema, read_columns

NEWEST = {
    "ztf": (
        "ztf_science_v402_fink-filters_regular_part-00000.parquet",
        "schemas/ztf_science_v4.02_fink4.0_8.15.tree.txt",
    ),
    "lsst": (
        "lsst_science_v100_fink-tutorials_20260310.parquet",
        "schemas/lsst_science_v10_0_online_fink-filters.tree.txt",
    ),
}
"""Real file with production types, and tree of the newest columns."""

ADDED_LATER = {
    *("tracklet", "timestamp", "year", "month", "day"),
    *("tnsclass", "finkclass", "tns_type_recomputed"),
}
"""Columns that merging, transfers and tutorials add to the online store's."""

RENAMED = {"xm.spicy_SPICY"}
"""What only the older of two LSST schemas has."""

SAVED_AS_TEXT = {"brokerStartProcessTimestamp", "brokerEndProcessTimestamp"}
"""Instants that the tutorial's LSST file holds as text, the store does not."""


def leaves(name: str, kind: pa.DataType) -> dict[str, pa.DataType]:
    """Types of the leaves below a column, by dotted name."""
    if pat.is_map(kind):
        return {name: pa.string()} | leaves(f"{name}.item", kind.item_type)
    if pat.is_list(kind):
        return leaves(name, kind.value_type)
    if not pat.is_struct(kind):
        return {name: kind}
    found: dict[str, pa.DataType] = {}
    for field in kind:
        found |= leaves(f"{name}.{field.name}", field.type)
    return found


def leaves_of(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Types of all leaves of a schema."""
    found: dict[str, pa.DataType] = {}
    for field in schema:
        found |= leaves(field.name, field.type)
    return found


@pytest.mark.parametrize("survey", NEWEST)
def test_types_are_production_types(survey: str, shared_data: Path) -> None:
    """Every leaf has the type that it has in a real file."""
    real = leaves_of(pq.read_schema(shared_data / NEWEST[survey][0]))
    ours = leaves_of(arrow_schema(survey))

    differ = {n for n in ours if n in real and ours[n] != real[n]}

    assert set(ours) <= set(real)
    assert differ <= (SAVED_AS_TEXT if survey == "lsst" else set())


@pytest.mark.parametrize("survey", NEWEST)
def test_no_column_of_the_tree_is_missing(survey: str, shared_data: Path) -> None:
    """Every line of the tree of columns has its column here."""
    parents: dict[int, str] = {}
    tree = set()
    for line in (shared_data / NEWEST[survey][1]).read_text().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth] = line.split(":")[0].strip()
        tree.add(".".join(parents[level] for level in range(depth + 1)))
    ours = {re.sub(r"\.item\b", "", name) for name in leaves_of(arrow_schema(survey))}

    missing = {
        name
        for name in tree - ours - ADDED_LATER - RENAMED
        if not any(other.startswith(f"{name}.") for other in ours)
        and not name.startswith(("mangrove.", "blazar_stats."))
    }

    assert missing == set()


@pytest.mark.parametrize(("survey", "count"), [("ztf", 53), ("lsst", 24)])
def test_the_store_is_read_back_as_declared(
    survey: str, count: int, request: pytest.FixtureRequest
) -> None:
    """A file of a simulated night has the declared columns, and no others."""
    files = request.getfixturevalue(f"{survey}_files")

    assert pq.read_schema(files[0]).equals(arrow_schema(survey))
    assert len(arrow_schema(survey)) == count


def test_instants_are_stored_as_spark_stores_them(ztf_files: list[Path]) -> None:
    """Instants are INT96, which Spark writes and reads without a time zone."""
    columns = pq.ParquetFile(ztf_files[0]).schema
    kinds = {columns.column(i).path: columns.column(i) for i in range(len(columns))}

    assert kinds["brokerIngestTimestamp"].physical_type == "INT96"


def test_a_model_lends_its_fields() -> None:
    """A column that is like another one has the same fields."""
    columns = {column.name: column for column in read_columns("lsst")}

    assert columns["prvDiaSources"].fields == columns["diaSource"].fields
