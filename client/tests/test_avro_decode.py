"""Columns are what fastavro reads, value for value."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.tests.avro_alerts import (
    ALERT,
    ALERTS,
    read,
    record,
    rows_of,
    without_nan,
    write,
)
from client.tests.avro_files import CONTAINERS, read_groups
from client.tests.fuzz_avro import check_decoder, check_projection, random_case
from nightmail.avro import AvroDecoder


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_any_rows_of_any_schema_are_read_as_fastavro_reads_them(seed: int) -> None:
    """Good rows bit for bit, and bad ones are bad; some of the columns, too."""
    case = random_case(seed)

    found = [*check_decoder(case), *check_projection(case)]

    assert found == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.endswith("xz") else name
        for name in CONTAINERS
    ],
)
def test_every_real_alert_is_read_as_fastavro_reads_it(name: str) -> None:
    """All Avro files there are, ZTF and LSST, raw and science, of nine schemas."""
    groups = read_groups(name)
    if groups is None:
        pytest.skip(f"{name} is not in ../shared/data")

    decoded = [AvroDecoder(schema).decode(values) for schema, values in groups]

    for (schema, values), found in zip(groups, decoded, strict=True):
        assert found.bad == {}
        assert without_nan(rows_of(found.batch)) == without_nan(read(schema, values))
    assert sum(found.batch.num_rows for found in decoded) == CONTAINERS[name]


def test_nested_alerts_come_back() -> None:
    """Records, lists and maps, with nulls on all levels."""
    decoder = AvroDecoder(ALERT)

    found = decoder.decode(write(ALERT, *ALERTS))

    assert rows_of(found.batch) == ALERTS
    assert (found.rows, found.bad) == (range(2), {})


def test_what_avro_allows_to_be_null_arrow_does_too() -> None:
    """Every type, and nothing more nullable than it is."""
    candid = pa.field("candid", pa.int64(), nullable=False)
    source = pa.struct([candid, pa.field("magpsf", pa.float32())])
    item = pa.field("item", source, nullable=False)

    schema = AvroDecoder(ALERT).schema

    assert schema == pa.schema(
        [
            pa.field("objectId", pa.string(), nullable=False),
            pa.field("candidate", source),
            pa.field("prv_candidates", pa.list_(item)),
            pa.field("cutout", pa.binary()),
            pa.field("features", pa.map_(pa.string(), pa.float64()), nullable=False),
        ]
    )


def logical(kind: str, logical_type: str, **more: Any) -> dict[str, Any]:
    """Make the schema of a logical type."""
    return {"type": kind, "logicalType": logical_type, **more}


@pytest.mark.parametrize(
    ("avro", "arrow"),
    [
        (logical("int", "date"), pa.date32()),
        (logical("long", "timestamp-millis"), pa.timestamp("ms", "UTC")),
        (logical("long", "timestamp-micros"), pa.timestamp("us", "UTC")),
        (logical("long", "local-timestamp-millis"), pa.timestamp("ms")),
        (logical("long", "local-timestamp-micros"), pa.timestamp("us")),
        (logical("int", "unheard-of"), pa.int32()),
        ("boolean", pa.bool_()),
        (
            {"type": "enum", "name": "band", "symbols": ["g", "r"]},
            pa.dictionary(pa.int32(), pa.string()),
        ),
    ],
)
def test_logical_types_are_those_of_arrow(avro: Any, arrow: pa.DataType) -> None:
    """Their values are those that fastavro gives; what is not known is what it was."""
    schema = record(x=avro)
    values = [b"\0", b"\2"]

    found = AvroDecoder(schema).decode(values)

    assert found.batch.schema.field("x").type == arrow
    assert rows_of(found.batch) == read(schema, values)


@pytest.mark.parametrize(
    ("avro", "arrow"),
    [
        (
            logical("fixed", "decimal", name="flux", size=2, precision=4, scale=1),
            pa.decimal128(4, 1),
        ),
        ({"type": "fixed", "name": "digest", "size": 2}, pa.binary(2)),
    ],
)
def test_fixed_is_binary_or_decimal(avro: Any, arrow: pa.DataType) -> None:
    """As fastavro reads them."""
    schema = record(x=avro)
    values = [b"\0\1", b"\xff\xfe"]

    found = AvroDecoder(schema).decode(values)

    assert found.batch.schema.field("x").type == arrow
    assert rows_of(found.batch) == read(schema, values)


def test_times_that_arrow_knows_and_fastavro_does_not() -> None:
    """Nanoseconds, of Avro 1.12."""
    utc = logical("long", "timestamp-nanos")
    local = logical("long", "local-timestamp-nanos")

    schema = AvroDecoder(record(utc=utc, local=local)).schema

    assert schema.types == [pa.timestamp("ns", "UTC"), pa.timestamp("ns")]


@pytest.mark.parametrize("digits", [1, 18, 19, 20, 37, 38])
def test_decimals_keep_all_digits(digits: int) -> None:
    """The largest and the smallest of each precision, and none beyond."""
    kind = logical("bytes", "decimal", precision=digits, scale=0)
    numbers = [10**digits - 1, 1 - 10**digits, 10**digits, -(10**digits)]
    raw = [number.to_bytes(17, "big", signed=True) for number in numbers]

    found = AvroDecoder(record(x=kind)).decode([b"\x22" + value for value in raw])

    found.batch.validate(full=True)
    assert [int(row["x"]) for row in found.batch.to_pylist()] == numbers[:2]
    assert list(found.bad) == [2, 3]


def test_decimals_of_more_digits_than_arrow_has_stay_bytes() -> None:
    """Nothing of them is lost."""
    kind = logical("bytes", "decimal", precision=39, scale=0)

    found = AvroDecoder(record(x=kind)).decode([b"\4\1\0"])

    assert found.batch.to_pylist() == [{"x": b"\1\0"}]


def test_lists_come_in_any_blocks() -> None:
    """One item, then two behind their length, then the end."""
    schema = record(x={"type": "array", "items": "int"})

    found = AvroDecoder(schema).decode([b"\2\2\3\4\4\6\0"])

    assert found.batch.to_pylist() == [{"x": [1, 2, 3]}]


def test_a_null_record_is_null_all_the_way_down() -> None:
    """Whoever takes a field out of it finds no number of another row."""
    rows = [ALERTS[0], ALERTS[1]]

    batch = AvroDecoder(ALERT).decode(write(ALERT, *rows)).batch

    candidate: Any = batch.column("candidate")
    assert candidate.field("magpsf").to_pylist() == [18.5, None]
    assert candidate.field("candid").to_pylist() == [2481114531315015022, 0]


def test_a_bad_row_is_named_and_the_others_are_there() -> None:
    """Its neighbours are right, and their numbers are known."""
    values = write(ALERT, *ALERTS, *ALERTS)
    values[2] = values[2][:20]

    found = AvroDecoder(ALERT).decode(values)

    assert rows_of(found.batch) == [ALERTS[0], ALERTS[1], ALERTS[1]]
    assert found.rows == [0, 1, 3]
    assert found.bad == {2: "candidate.candid: the row ends inside it (byte 20 of 20)."}


def test_room_is_made_for_rows_of_any_size() -> None:
    """A history of 50,000 behind an empty one, each with a text; then again."""
    schema = record(x={"type": "array", "items": "string"})
    rows: list[Any] = [{"x": []}, {"x": ["ZTF"] * 50_000}, {"x": ["é" * 100_000]}]
    decoder = AvroDecoder(schema)

    found = [decoder.decode(write(schema, *rows)) for _ in range(2)]

    assert [rows_of(f.batch) for f in found] == [rows, rows]


def test_no_values_make_an_empty_batch() -> None:
    """It has the columns all the same."""
    decoder = AvroDecoder(ALERT)

    found = decoder.decode([])

    assert (found.batch.num_rows, found.batch.schema) == (0, decoder.schema)


def test_records_without_fields_are_counted() -> None:
    """A row without columns is a row."""
    found = AvroDecoder(record()).decode([b"", b"", b"\0"])

    assert (found.batch.num_rows, list(found.bad)) == (2, [2])
