"""Our own records are documented, and read what they wrote."""

import io
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest

import schemas

OWN = ("ledger", "night")

RANGE = {"partition": 3, "first_offset": 10, "last_offset": 14, "count": 4}

LEDGER_ROW = {
    "outcome": "sent",
    "rows": 4,
    "read": 67,
    "digest": "0123456789abcdef",
    "identity": "ab" * 32,
    "filter_version": "1",
    "generation": 0,
    "archive_slice": "part-0.parquet",
    "classes": {"SN candidate": 4},
    "partitions": [RANGE],
    "size": 2**40,
    "seconds": 0.25,
    "reason": None,
    "set_aside": 0,
    "nulls": ["anomaly_score"],
}

NIGHT = {
    "survey": "lsst",
    "night": "20260310",
    "dayObs": "20260309",
    "status": "failed",
    "files": 2,
    "alerts": 107,
    "kept": 4,
    "generation": 0,
    "failures": ["part-1.parquet is damaged."],
    "classes": {"Solar System": 4},
    "topics": [
        {
            "topic": "fink_in_tns_lsst",
            "filter": "in_tns",
            "summary": "Sources with a TNS name.",
            "owner": "tns@example.org",
            "kept": 4,
            "delivered": 4,
            "archived": 4,
            "set_aside": 0,
            "bytes": 2**40,
            "seconds": 0.25,
            "classes": {"Solar System": 4},
            "failures": [],
            "partitions": [RANGE],
        }
    ],
}


def round_trip(schema: dict[str, Any], record: dict[str, Any]) -> Any:
    """Write as the pipeline does, read as any client does."""
    parsed = fastavro.parse_schema(schema)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed, record, strict=True)
    buffer.seek(0)
    return fastavro.schemaless_reader(buffer, parsed, None)


def fields(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema at any depth, and its path."""
    if isinstance(schema, list):
        for member in schema:
            yield from fields(member, path)
    elif isinstance(schema, dict):
        yield from fields(schema.get("items"), path)
        for field in schema.get("fields", ()):
            yield f"{path}.{field['name']}", field
            yield from fields(field["type"], f"{path}.{field['name']}")


@pytest.mark.parametrize(("name", "record"), [("ledger", LEDGER_ROW), ("night", NIGHT)])
def test_a_record_reads_as_it_was_written(name: str, record: dict[str, Any]) -> None:
    """Every field of the record is in the schema, with a type that holds it."""
    assert round_trip(schemas.load(name), record) == record


@pytest.mark.parametrize("name", OWN)
def test_every_field_is_explained(name: str) -> None:
    """Each field, nested ones too, has a sentence of its own."""
    bare = [
        path
        for path, field in fields(schemas.load(name), name)
        if not field.get("doc", "").endswith(".")
    ]

    assert bare == []


def test_an_unknown_schema_is_refused() -> None:
    """Asking for a schema that is not there raises, rather than giving another."""
    with pytest.raises(FileNotFoundError):
        schemas.load("no_such_schema")
