"""What the schema of an alert is, type by type."""

import json
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from nightmail import SchemaError
from nightmail.avro import compact, derive_schema, fingerprint


def avro_type(kind: pa.DataType) -> Any:
    """Avro type of a column of this Arrow type."""
    (field,) = derive_schema(pa.schema([("x", kind)]))["fields"]
    return field["type"]


@pytest.mark.parametrize(
    ("kind", "avro"),
    [
        (pa.bool_(), "boolean"),
        (pa.int8(), "int"),
        (pa.int16(), "int"),
        (pa.int32(), "int"),
        (pa.uint8(), "int"),
        (pa.uint16(), "int"),
        (pa.int64(), "long"),
        (pa.uint32(), "long"),
        (pa.float16(), "float"),
        (pa.float32(), "float"),
        (pa.float64(), "double"),
        (pa.string(), "string"),
        (pa.large_string(), "string"),
        (pa.string_view(), "string"),
        (pa.binary(), "bytes"),
        (pa.large_binary(), "bytes"),
        (pa.binary(4), "bytes"),
        (pa.timestamp("ns"), "string"),
        (pa.timestamp("us", "UTC"), "string"),
        (pa.date32(), "string"),
        (pa.date64(), "string"),
        (pa.null(), "string"),
        (pa.dictionary(pa.int8(), pa.string()), "string"),
        (pa.dictionary(pa.int32(), pa.timestamp("s")), "string"),
        (pa.list_(pa.int32()), {"type": "array", "items": ["int", "null"]}),
        (pa.large_list(pa.int32()), {"type": "array", "items": ["int", "null"]}),
        (pa.list_(pa.int32(), 3), {"type": "array", "items": ["int", "null"]}),
        (
            pa.map_(pa.string(), pa.float32()),
            {"type": "map", "values": ["float", "null"]},
        ),
    ],
    ids=str,
)
def test_every_type_has_its_avro_form(kind: pa.DataType, avro: Any) -> None:
    """Each is a union with null, null last."""
    assert avro_type(kind) == [avro, "null"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.uint64(),
        pa.decimal128(10, 2),
        pa.duration("s"),
        pa.time64("us"),
        pa.map_(pa.int32(), pa.string()),
    ],
    ids=str,
)
def test_a_type_without_avro_form_is_refused_by_its_path(kind: pa.DataType) -> None:
    """The sentence names the column with all its parents, and the type."""
    nested = pa.list_(pa.struct([("depth", pa.struct([("x", kind)]))]))

    with pytest.raises(SchemaError, match=r"Column history\.depth\.x: ") as caught:
        derive_schema(pa.schema([("history", nested)]))

    assert str(kind) in str(caught.value)


def test_records_are_named_by_their_path() -> None:
    """Lists and maps add nothing to the path, as in the field's own packets."""
    band = pa.struct([("mean", pa.float64())])
    source = pa.struct([("ra", pa.float64()), ("features", pa.map_(pa.string(), band))])

    schema = derive_schema(pa.schema([("prv", pa.list_(source))]))

    assert schema == {
        "type": "record",
        "name": "topLevelRecord",
        "fields": [
            {"name": "prv", "type": [{"type": "array", "items": [PRV, "null"]}, "null"]}
        ],
    }


PRV = {
    "type": "record",
    "name": "prv",
    "namespace": "topLevelRecord",
    "fields": [
        {"name": "ra", "type": ["double", "null"]},
        {
            "name": "features",
            "type": [
                {
                    "type": "map",
                    "values": [
                        {
                            "type": "record",
                            "name": "features",
                            "namespace": "topLevelRecord.prv",
                            "fields": [{"name": "mean", "type": ["double", "null"]}],
                        },
                        "null",
                    ],
                },
                "null",
            ],
        },
    ],
}


def test_equal_names_at_different_places_do_not_collide() -> None:
    """Two structs of one name under different parents are two records to a reader."""
    inner = pa.struct([("x", pa.int32())])
    outer = pa.struct([("candidate", inner)])

    schema = derive_schema(pa.schema([("candidate", outer), ("other", outer)]))

    fastavro.parse_schema(json.loads(compact(schema)))


@pytest.mark.parametrize("name", ["2MASS_name", "a b", "a.b", "é", ""])
def test_a_name_that_avro_forbids_is_refused(name: str) -> None:
    """Such a column would make the topic unreadable to strict readers."""
    with pytest.raises(SchemaError, match="cannot be named so"):
        derive_schema(pa.schema([(name, pa.int32())]))


def test_a_name_that_stands_twice_is_refused() -> None:
    """One of the two would be lost."""
    with pytest.raises(SchemaError, match="Column x of the file stands there 2 times"):
        derive_schema(pa.schema([("x", pa.int32()), ("x", pa.int32())]))


def test_the_key_is_compact_json() -> None:
    """No space is spent in what travels with each alert."""
    schema = derive_schema(pa.schema([("x", pa.int32())]))

    assert compact(schema) == (
        b'{"type":"record","name":"topLevelRecord",'
        b'"fields":[{"name":"x","type":["int","null"]}]}'
    )


def test_the_fingerprint_tells_schemas_apart() -> None:
    """Sixteen hexadecimal digits, other ones as soon as a type differs."""
    one, other = (
        fingerprint(derive_schema(pa.schema([("x", kind)])))
        for kind in (pa.int32(), pa.int64())
    )

    assert len(one) == len(other) == 16
    assert int(one, 16) != int(other, 16)
