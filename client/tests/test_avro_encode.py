"""Every row that is encoded reads back as it was."""

import io
import json
import math
from datetime import date, datetime
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# It compiles, which takes minutes where hypothesis traces it.
import nightmail.avro.kernels.encode  # noqa: F401
from nightmail import AlertError, SchemaError
from nightmail.avro import compact, derive_schema, encode_batch, wire_batch


def read_back(batch: pa.RecordBatch) -> list[Any]:
    """Encode a batch, and decode it as existing clients do."""
    schema = derive_schema(batch.schema)
    values = encode_batch(schema, wire_batch(batch))
    parsed = fastavro.parse_schema(json.loads(compact(schema)))
    return [_read_whole(value, parsed) for value in values]


def _read_whole(value: bytes, parsed: Any) -> Any:
    buffer = io.BytesIO(value)
    record = fastavro.schemaless_reader(buffer, parsed, None)
    assert buffer.read() == b""
    return record


Column = tuple[pa.DataType, SearchStrategy[Any]]

LEAVES: list[Column] = [
    (pa.bool_(), st.booleans()),
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint16(), st.integers(0, 2**16 - 1)),
    (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    (pa.uint32(), st.integers(0, 2**32 - 1)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.string(), st.text(max_size=8)),
    (pa.large_string(), st.text(max_size=8)),
    (pa.binary(), st.binary(max_size=8)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.timestamp("us"), st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1))),  # noqa: DTZ001  as Arrow has them
    (pa.date32(), st.dates()),
    (pa.null(), st.none()),
]


def columns(depth: int = 3) -> SearchStrategy[Column]:
    """Any type that has an Avro form, and values of it."""
    leaves = st.sampled_from(LEAVES)
    return st.one_of(leaves, columns(depth - 1).flatmap(nest)) if depth else leaves


def nest(inner: Column) -> SearchStrategy[Column]:
    """Put a type into each kind of container."""
    kind, values = inner
    items = st.none() | values
    some = st.lists(items, max_size=3)
    fields = st.fixed_dictionaries({"x": items, "y": st.none() | st.booleans()})
    entries = st.dictionaries(st.text(max_size=3), items, max_size=3)
    found: list[Column] = [
        (pa.struct([("x", kind), ("y", pa.bool_())]), fields),
        (pa.list_(kind), some),
        (pa.large_list(kind), some),
        (pa.list_(kind, 2), st.lists(items, min_size=2, max_size=2)),
        (pa.map_(pa.string(), kind), entries.map(lambda found: list(found.items()))),
    ]
    return st.sampled_from(found)


def expected(value: Any, kind: Any) -> Any:
    """Tell what a reader should see."""
    if not isinstance(value, dict | list):
        return expected_leaf(value)
    if isinstance(value, dict):
        return {f.name: expected(value[f.name], f.type) for f in kind}
    if pa.types.is_map(kind):
        return {name: expected(item, kind.item_type) for name, item in value}
    return [expected(item, kind.value_type) for item in value]


def expected_leaf(value: Any) -> Any:
    """Tell how a value without parts should look."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds").rstrip("0").rstrip(".")
    return value.isoformat() if isinstance(value, date) else without_nan(value)


def without_nan(value: Any) -> Any:
    """Replace NaN, which is not equal to itself."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_rows_of_any_types_read_back(data: st.DataObject) -> None:
    """Nulls, empty lists, extremes and NaN, nested and in a slice, come back."""
    drawn = data.draw(st.lists(columns(), min_size=1, max_size=3))
    kinds = {f"c{i}": kind for i, (kind, _) in enumerate(drawn)}
    row = st.fixed_dictionaries(
        {f"c{i}": st.none() | values for i, (_, values) in enumerate(drawn)}
    )
    rows = data.draw(st.lists(row, max_size=4))
    batch = pa.RecordBatch.from_pylist(rows, pa.schema(list(kinds.items())))

    found = read_back(batch.slice(1))

    wanted = [{n: expected(r[n], kinds[n]) for n in kinds} for r in rows[1:]]
    assert without_nan(found) == wanted


def test_the_bytes_are_those_of_the_avro_specification() -> None:
    """A union's member comes first, numbers are zigzag, null is the second member."""
    batch = pa.RecordBatch.from_pylist([{"x": 1, "y": None}, {"x": -1, "y": "a"}])

    values = encode_batch(derive_schema(batch.schema), batch)

    assert values == [b"\x00\x02\x02", b"\x00\x01\x00\x02a"]


def test_half_floats_are_written_as_floats() -> None:
    """Avro has no shorter one, and none of their digits is lost."""
    array = pa.array([1.5, None, -0.25], pa.float32()).cast(pa.float16())
    batch = pa.RecordBatch.from_arrays([array], names=["x"])

    assert [row["x"] for row in read_back(batch)] == [1.5, None, -0.25]


def test_dictionaries_are_written_as_their_values() -> None:
    """A class column that is a dictionary in Parquet is text to readers."""
    array = pa.array(["SN", None, "AGN", "SN"]).dictionary_encode()
    batch = pa.RecordBatch.from_arrays([array], names=["finkclass"])

    found = read_back(batch)

    assert [row["finkclass"] for row in found] == ["SN", None, "AGN", "SN"]


def test_an_empty_batch_gives_nothing() -> None:
    """No row, no value."""
    batch = pa.RecordBatch.from_pylist([], pa.schema([("x", pa.int32())]))

    assert encode_batch(derive_schema(batch.schema), batch) == []


def test_a_map_with_a_key_twice_is_an_alert_error() -> None:
    """Avro's map would keep one of the two; the alert is to be set aside instead."""
    array = pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int32()))
    batch = pa.RecordBatch.from_arrays([array], names=["features"])

    with pytest.raises(AlertError, match="Column features cannot be encoded"):
        encode_batch(derive_schema(batch.schema), batch)


def test_text_that_is_not_utf8_is_an_alert_error() -> None:
    """No reader could decode it."""
    array = pa.array([b"\xff"]).view(pa.string())
    batch = pa.RecordBatch.from_arrays([array], names=["publisher"])

    with pytest.raises(AlertError, match="Column publisher cannot be encoded"):
        encode_batch(derive_schema(batch.schema), batch)


def test_another_schema_than_the_batchs_is_refused() -> None:
    """Fields in another order would be decoded into each other."""
    batch = pa.RecordBatch.from_pylist([{"x": 1, "y": 2}])
    schema = derive_schema(batch.select(["y", "x"]).schema)

    with pytest.raises(SchemaError, match="not that of the batch"):
        encode_batch(schema, batch)


def test_a_batch_that_was_not_wired_is_refused() -> None:
    """The sentence says what to do."""
    batch = pa.RecordBatch.from_pylist([], pa.schema([("t", pa.timestamp("us"))]))

    with pytest.raises(SchemaError, match="wire_batch first"):
        encode_batch(derive_schema(batch.schema), batch)
