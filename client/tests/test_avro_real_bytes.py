"""Real alerts are the bytes that fastavro writes of them."""

import io
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightmail.avro import AvroEncoder, derive_schema, wire_batch
from nightmail.avro.layout import Kind, Node, read_layout

DATA = Path(__file__).parents[3] / "shared" / "data"

STORED = [
    "lsst_rawparquet_v100_fink-science_rubin_sample_data_10_0.parquet",
    "lsst_science_v100_fink-filters_rubin_test_data_10_0.parquet",
    "ztf_science_fink-utils_alert_samples.parquet",
    "ztf_science_v33_fink-filters_regular_part-00002.parquet",
    "ztf_science_v402_fink-filters_few_SLSN_alerts.parquet",
    "ztf_science_v402_fink-filters_regular_part-00000.parquet",
    pytest.param(
        "lsst_science_v100_fink-tutorials_20260310.parquet", marks=pytest.mark.slow
    ),
]

SENT = [
    "lsst_science_avro_fink-client_part-2-918301.avro",
    "ztf_science_avro_v402_fink-client_part-3-305711.avro",
]

LEAVES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BYTES: pa.binary(),
}


def real(name: str) -> Path:
    """Path of a real file; skip where it is not there."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return DATA / name


def written(schema: Any, rows: list[Any]) -> list[bytes]:
    """Encode rows by fastavro."""
    parsed, found = fastavro.parse_schema(schema), []
    for row in rows:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, row)
        found.append(buffer.getvalue())
    return found


def arrow_type(node: Node) -> Any:
    """Tell the Arrow type of what other people's schema describes."""
    if node.kind is Kind.RECORD:
        return pa.struct([(child.name, arrow_type(child)) for child in node.children])
    if node.kind is Kind.ARRAY:
        return pa.list_(arrow_type(node.children[0]))
    if node.kind is Kind.MAP:
        return pa.map_(pa.string(), arrow_type(node.children[1]))
    return LEAVES[node.kind]


@pytest.mark.parametrize("name", STORED)
def test_stored_alerts_are_the_same_bytes(name: str) -> None:
    """All columns, in batches that are slices of larger ones."""
    table = pq.read_table(real(name))
    if "few_SLSN" in name:  # it has a field that Avro has no name for
        table = table.drop_columns(["mangrove"])
    count = 0
    for batch in table.to_batches(max_chunksize=20):
        wired = wire_batch(batch)
        schema = derive_schema(wired.schema)

        found = AvroEncoder(schema, wired.schema).encode(wired)

        assert found == written(schema, wired.to_pylist(maps_as_pydicts="strict"))
        count += len(found)

    assert count == table.num_rows


@pytest.mark.parametrize("name", SENT)
def test_sent_alerts_are_the_same_bytes(name: str) -> None:
    """Under the schema that they were sent with, not one of ours."""
    with real(name).open("rb") as file:
        reader = fastavro.reader(file)
        rows: list[Any] = list(reader)
    schema: Any = reader.writer_schema
    kind = arrow_type(read_layout(schema))
    batch = pa.RecordBatch.from_struct_array(pa.array(rows, kind))

    found = AvroEncoder(schema, batch.schema).encode(batch)

    assert found == written(schema, rows)
