"""What the encoder writes at the edges, and what it refuses."""

import io
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmail import AlertError, SchemaError
from nightmail.avro import AvroEncoder, derive_schema

# Here too since it compiles, which takes minutes where hypothesis traces it.
from nightmail.avro.kernels.encode import SLACK

SYMBOLS = {"type": "enum", "name": "E", "symbols": ["SN", "AGN"]}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
SHORT = {**MONEY, "type": "fixed", "name": "F", "size": 2}


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    """Avro schema of a row."""
    named = [{"name": name, "type": kind} for name, kind in fields]
    return {"type": "record", "name": "row", "fields": named}


def column(values: Any, kind: Any = None) -> pa.RecordBatch:
    """Batch of one column, `x`."""
    array = values if isinstance(values, pa.Array) else pa.array(values, kind)
    return pa.RecordBatch.from_arrays([array], names=["x"])


def encode(avro: Any, batch: pa.RecordBatch) -> list[bytes]:
    """Rows of one field, `x`."""
    return list(AvroEncoder(record(("x", avro)), batch.schema).encode(batch))


def written(avro: Any, values: list[Any]) -> list[bytes]:
    """Rows of one field, `x`, by fastavro."""
    found = []
    for value in values:
        buffer = io.BytesIO()
        schema = fastavro.parse_schema(record(("x", avro)))
        fastavro.schemaless_writer(buffer, schema, {"x": value})
        found.append(buffer.getvalue())
    return found


REFUSED = [
    ("long", column([1, None]), "Column x cannot be encoded: it is null"),
    ("long", column([1, 2**63], pa.uint64()), "Column x .* out of .* range"),
    ("int", column([1, 2**31]), "Column x .* out of .* range"),
    (
        {"type": "int", "logicalType": "date"},
        column(pa.array([0, 2**62 - 2**62 % 86_400_000]).view(pa.date64())),
        "Column x .* out of .* range",
    ),
    ("int", column([1, -(2**31) - 1]), "Column x .* out of .* range"),
    (
        MICROS,
        column([1, 2**60], pa.timestamp("ms", "UTC")),
        "Column x .* out of .* range",
    ),
    (SYMBOLS, column(["SN", "S"]), "Column x .* no symbol"),
    (MONEY, column([Decimal("1.00"), Decimal("100.00")]), "Column x .* does not fit"),
    (SHORT, column([Decimal(1), Decimal(9999)]), "Column x .* does not fit"),
]


@pytest.mark.parametrize(("avro", "batch", "message"), REFUSED)
def test_a_value_that_cannot_be_written_is_named(
    avro: Any, batch: pa.RecordBatch, message: str
) -> None:
    """By its path, its row and why; the row before it is not the culprit."""
    with pytest.raises(AlertError, match=rf"{message}.*\(row 1\)\.$"):
        encode(avro, batch)

    first = batch.slice(0, 1)
    assert encode(avro, first) == written(avro, first["x"].to_pylist())


def test_the_path_leads_through_records_lists_and_maps() -> None:
    """The field that is null is found without looking at the alert."""
    value = [[{"y": [("a", 1), ("b", None)]}]]
    kind = pa.list_(pa.struct([("y", pa.map_(pa.string(), pa.int32()))]))
    inner = {**record(("y", {"type": "map", "values": "int"})), "name": "inner"}

    with pytest.raises(AlertError, match=r"^Column x\.item\.y\.value cannot .* null"):
        encode({"type": "array", "items": inner}, column(value, kind))


MISFITS = [
    ("float", pa.float64()),
    ("double", pa.int32()),
    ("int", pa.float32()),
    ("string", pa.binary()),
    ("bytes", pa.string()),
    ("string", pa.timestamp("us")),
    ("long", pa.timestamp("us")),
    (LOCAL, pa.timestamp("us", "UTC")),
    ("int", pa.date32()),
    ("null", pa.int32()),
    ("null", pa.dictionary(pa.int8(), pa.string())),
    (MONEY, pa.int64()),
    ("bytes", pa.decimal128(4, 2)),
    ({"type": "fixed", "name": "F", "size": 2}, pa.binary(3)),
    ({"type": "array", "items": "int"}, pa.map_(pa.string(), pa.int32())),
    ({"type": "map", "values": "int"}, pa.list_(pa.int32())),
    ({"type": "map", "values": "int"}, pa.map_(pa.int32(), pa.int32())),
    ({**record(("y", "int")), "name": "inner"}, pa.int32()),
    ("int", pa.duration("s")),
]


@pytest.mark.parametrize(("avro", "kind"), MISFITS)
def test_types_that_do_not_fit_are_refused_before_any_row(
    avro: Any, kind: pa.DataType
) -> None:
    """Nothing is cut, guessed, or written as another type than was agreed."""
    with pytest.raises(SchemaError, match=r"^Column x.* cannot be written as Avro's"):
        AvroEncoder(record(("x", avro)), pa.schema([("x", kind)]))


def test_a_column_that_is_missing_is_refused() -> None:
    """A field is not filled with nulls, nor one of two taken."""
    once, twice = [("x", pa.int32())], [("y", pa.int32()), ("y", pa.int32())]

    for columns in (once, twice):
        with pytest.raises(SchemaError, match="Column y is not there, or not once"):
            AvroEncoder(record(("y", "int")), pa.schema(columns))


@pytest.mark.parametrize("schema", ["int", [record(), "null"]])
def test_rows_are_records(schema: Any) -> None:
    """Neither numbers, nor records that may be null."""
    with pytest.raises(SchemaError, match="is to be a record"):
        AvroEncoder(schema, pa.schema([]))


def test_a_batch_of_other_columns_is_refused() -> None:
    """Its buffers would be read as what they are not."""
    encoder = AvroEncoder(record(("x", "int")), pa.schema([("x", pa.int32())]))

    with pytest.raises(SchemaError, match="other columns"):
        encoder.encode(column([1], pa.int64()))


def test_arrays_that_contradict_themselves_are_refused() -> None:
    """As text that ends behind its buffer, which Arrow's reader lets pass."""
    batch = column(["abcde"])
    before, _, behind = batch.serialize().to_pybytes().rpartition(b"\0\0\0\0\5\0\0\0")
    broken = pa.py_buffer(before + b"\0\0\0\0\0\1\0\0" + behind)
    found = pa.ipc.read_record_batch(broken, batch.schema)

    with pytest.raises(AlertError, match="The batch cannot be encoded"):
        encode("string", found)


def test_a_decimal_type_that_fastavro_refuses_is_refused() -> None:
    """As one whose values never fit."""
    schema = record(("x", {**SHORT, "size": 1}))

    with pytest.raises(SchemaError, match=r"Column x: decimal precision of 4 does"):
        AvroEncoder(schema, pa.schema([("x", pa.decimal128(4, 2))]))


def test_columns_without_a_field_are_left_out() -> None:
    """One batch serves topics with cutouts and without."""
    batch = pa.RecordBatch.from_pylist([{"x": 1, "cutout": b"stamp", "y": "a"}])
    schema = record(("y", "string"), ("x", "int"))

    assert list(AvroEncoder(schema, batch.schema).encode(batch)) == [b"\x02a\x02"]


def test_what_a_null_hides_is_not_looked_at() -> None:
    """Below a null there may be nulls, no symbols, text that is none."""
    texts = pa.array([b"SN", b"\xff"]).view(pa.string())
    mask = pa.array([False, True])
    array = pa.StructArray.from_arrays([texts, texts], names=["e", "t"], mask=mask)
    inner = {**record(("e", SYMBOLS), ("t", "string")), "name": "inner"}

    assert encode([inner, "null"], column(array)) == [b"\x00\x00\x04SN", b"\x02"]


def test_a_named_type_may_be_used_twice() -> None:
    """The second time Avro gives its name alone."""
    batch = pa.RecordBatch.from_pylist([{"x": "AGN", "y": "SN"}])
    schema = record(("x", SYMBOLS), ("y", ["null", "E"]))

    found = AvroEncoder(schema, batch.schema).encode(batch)

    assert list(found) == [b"\x02\x02\x00"]


def test_an_extension_type_is_written_as_what_it_is_stored_as() -> None:
    """Its name says nothing to Avro."""

    class Name(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.string(), "test.name")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

    array: Any = pa.ExtensionArray.from_storage(Name(), pa.array(["a", "b"]))

    assert encode("string", column(array)) == [b"\x02a", b"\x02b"]


def test_rows_without_columns_are_empty() -> None:
    """As many as there are."""
    array: Any = pa.array([{}, {}], pa.struct([]))
    batch = pa.RecordBatch.from_struct_array(array)

    assert list(AvroEncoder(record(), batch.schema).encode(batch)) == [b"", b""]


def test_a_table_is_encoded_batch_by_batch() -> None:
    """Its chunks need not be of one length in all columns."""
    columns: list[Any] = [
        pa.chunked_array([[1], [2, 3]]),
        pa.chunked_array([["a", "b"], ["c"]]),
    ]
    table = pa.table(columns, names=["x", "y"])
    encoder = AvroEncoder(record(("x", "long"), ("y", "string")), table.schema)

    found = [row for batch in table.to_batches() for row in encoder.encode(batch)]

    assert found == [b"\x02\x02a", b"\x04\x02b", b"\x06\x02c"]


def test_numbers_of_every_length_are_written_as_fastavro_does() -> None:
    """On both sides of each power of two."""
    powers = [
        sign * 2**n + d for n in range(63) for sign in (1, -1) for d in (-1, 0, 1)
    ]
    values = [*powers, 2**63 - 1, -(2**63)]

    assert encode("long", column(values)) == written("long", values)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 63, 64, 8191, 8192, 100_000])
@pytest.mark.parametrize("letter", ["a", "é"])
def test_text_of_every_length_is_written_as_fastavro_does(
    length: int, letter: str
) -> None:
    """Up to sixteen bytes are copied at once, and more are not."""
    values = [letter * length, "b", letter * length]

    assert encode("string", column(values)) == written("string", values)


def is_utf8(value: bytes) -> bool:
    """Tell what Python takes for UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


LETTERS = ["a", "sixteen letters.", "é", "\ud7ff\ue000", "\U0010ffff"]
PARTS = st.sampled_from(
    [
        *(letters.encode() for letters in LETTERS),
        *(b"\x80", b"\xbf", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xed\xa0\x80"),
        *(b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5", b"\xff"),
        *(b"\xc2", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc2\xc2", b"\xe2\x82\xc2"),
    ]
)


@settings(deadline=None, max_examples=150)
@given(value=st.lists(PARTS | st.binary(max_size=4), max_size=5).map(b"".join))
def test_what_python_takes_for_utf8_is_written(value: bytes) -> None:
    """And nothing else, whatever follows behind it in the buffer."""
    for kind in (pa.string(), pa.large_string()):
        raw = pa.array([value, b"\xff"], pa.binary()).cast(
            pa.binary() if kind == pa.string() else pa.large_binary()
        )
        batch = column(raw.view(kind).slice(0, 1))
        if is_utf8(value):
            assert encode("string", batch) == written("string", [value.decode()])
        else:
            with pytest.raises(AlertError, match="not UTF-8"):
                encode("string", batch)


@pytest.mark.parametrize("count", [2, 32, 33, 1000, 10_000])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_a_key_that_stands_twice_is_found(count: int, kind: Any) -> None:
    """Few keys are compared, many are hashed; other keys are none the worse for it."""
    keys = [f"key {number}" for number in range(count)]
    good = [(key, 1) for key in keys]
    bad = [*good[:-1], (keys[(count - 1) // 2], 1)]
    avro = {"type": "map", "values": "int"}
    of = pa.map_(kind, pa.int32())

    assert encode(avro, column([good], of)) == written(avro, [dict(good)])
    with pytest.raises(AlertError, match="a key twice"):
        encode(avro, column([bad], of))


def test_the_same_key_in_two_maps_is_no_key_twice() -> None:
    """Each map stands for itself."""
    rows = [[("a", 1)], [("a", 2)]]
    batch = column(rows, pa.map_(pa.string(), pa.int32()))

    found = encode({"type": "map", "values": "int"}, batch)

    assert found == [b"\x02\x02a\x02\x00", b"\x02\x02a\x04\x00"]


LONG_VALUES = [
    pa.array(["é" * 500]),
    pa.array(["é" * 500], pa.large_string()),
    pa.array(["é" * 500], pa.string_view()),
    pa.array([b"e" * 1000]),
    pa.array([b"e" * 1000], pa.binary(1000)),
    pa.array(["é" * 500]).dictionary_encode(),
    pa.array([["é" * 500]]),
]


@pytest.mark.parametrize("array", LONG_VALUES, ids=lambda array: str(array.type))
def test_the_bound_of_a_long_value_is_a_little_more_than_its_length(array: Any) -> None:
    """Enough for it, and no room for many."""
    batch = column(array)
    encoder = AvroEncoder(derive_schema(batch.schema), batch.schema)

    most = encoder._bind(batch).most_bytes(0, 1) - SLACK

    assert len(encoder.encode(batch)[0]) <= most < 1100
