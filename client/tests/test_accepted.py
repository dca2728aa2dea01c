"""Which messages are alerts, and what is said of the others."""

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import fastavro
import pytest

from client.tests.avro_alerts import write
from client.tests.fake_kafka import CONFIG, FakeBroker, FakeMessage
from nightmail import AlertConsumer, AlertError, AlertReader, ConfigError

CANDIDATE = {
    "type": "record",
    "name": "candidate",
    "namespace": "topLevelRecord",
    "fields": [
        {"name": "jd", "type": ["double", "null"]},
        {"name": "magpsf", "type": ["float", "null"]},
    ],
}
HISTORY = {
    "type": "array",
    "items": [
        {
            "type": "record",
            "name": "prv_candidates",
            "namespace": "topLevelRecord",
            "fields": [{"name": "jd", "type": ["double", "null"]}],
        },
        "null",
    ],
}
FIELD: dict[str, Any] = {
    "type": "record",
    "name": "topLevelRecord",
    "fields": [
        {"name": "objectId", "type": ["string", "null"]},
        {"name": "candid", "type": ["long", "null"]},
        {"name": "candidate", "type": CANDIDATE},
        {"name": "prv_candidates", "type": [HISTORY, "null"]},
        {"name": "cutout", "type": ["bytes", "null"]},
    ],
}
"""As the field's broker writes it: null last, records named by path, no default."""

ALERT: dict[str, Any] = {
    "objectId": "ZTF26aamcbly",
    "candid": 3321449362115015004,
    "candidate": {"jd": 2461100.9628125, "magpsf": 16.5},
    "prv_candidates": [{"jd": 2461099.5}, None],
    "cutout": b"\x1f\x8b",
}


def pretty(schema: Any) -> bytes:
    """Write a key as the field's broker does."""
    return json.dumps(schema, indent=2).encode()


def changed(**fields: Any) -> dict[str, Any]:
    """Make the schema and one more field of another type."""
    schema = copy.deepcopy(FIELD)
    schema["fields"] += [{"name": n, "type": kind} for n, kind in fields.items()]
    return schema


def test_a_message_of_the_fields_broker_is_read(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Its key is the pretty-printed schema, and there are no headers."""
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(pretty(FIELD), value)]

    topic, alert, key = consumer.poll(1)

    assert (topic, alert) == ("fink_x_ztf", ALERT)
    assert key == json.dumps(FIELD, indent=2)
    assert (consumer.headers, consumer.schema) == ({}, FIELD)


ENUM = {"type": "enum", "name": "band", "symbols": ["g", "r"]}
FIXED = {"type": "fixed", "name": "digest", "size": 2}
TIMESTAMP = {"type": "long", "logicalType": "timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
DEFAULT = {"name": "x", "type": ["null", "int"], "default": None, "doc": "Unknown."}

ACCEPTED: dict[str, tuple[Any, dict[str, Any]]] = {
    "null first": (changed(x=["null", "int"]), {"x": 5}),
    "enum": (changed(x=ENUM), {"x": "r"}),
    "fixed": (changed(x=FIXED), {"x": b"ab"}),
    "map": (changed(x={"type": "map", "values": "int"}), {"x": {"a": 1}}),
    "union of several types": (changed(x=["int", "string", "null"]), {"x": "a"}),
    "timestamp": (
        changed(x=TIMESTAMP),
        {"x": datetime(2026, 3, 1, 6, 30, 0, 250, UTC)},
    ),
    "date": (changed(x=[DATE, "null"]), {"x": date(2026, 3, 1)}),
    "decimal": (changed(x=DECIMAL), {"x": Decimal("-1.25")}),
    "namespace, doc and default": (
        {
            **FIELD,
            "doc": "An alert.",
            "namespace": "ztf.alert",
            "fields": [*FIELD["fields"], DEFAULT],
        },
        {"x": 7},
    ),
}


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.parametrize("is_pretty", [True, False], ids=["pretty", "compact"])
def test_what_the_fields_clients_accept_is_accepted(
    broker: FakeBroker,
    consumer: AlertConsumer,
    tmp_path: Path,
    case: tuple[Any, dict[str, Any]],
    *,
    is_pretty: bool,
) -> None:
    """It is read, saved, and read again from the file."""
    schema, more = case
    (value,) = write(copy.deepcopy(schema), ALERT | more)
    key = pretty(schema) if is_pretty else json.dumps(schema).encode()
    broker.messages = [FakeMessage(key, value)]

    _, alert, _ = consumer.poll_and_write(tmp_path, 1)

    assert alert == ALERT | more
    assert AlertReader(tmp_path).to_list() == [ALERT | more]


@pytest.mark.parametrize(
    "headers", [[], [("night", b"20260301")], [("night", None), ("x", b"\xff\xfe")]]
)
def test_any_headers_are_accepted(
    broker: FakeBroker,
    consumer: AlertConsumer,
    headers: list[tuple[str, bytes | None]],
) -> None:
    """Ours, none, and those of others, which need not be text."""
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(pretty(FIELD), value, _headers=headers)]

    assert consumer.poll(1)[1] == ALERT


def test_a_key_as_fastavro_dumps_it_is_accepted(
    broker: FakeBroker, consumer: AlertConsumer, tmp_path: Path
) -> None:
    """Its private marks do not get into the file."""
    parsed = fastavro.parse_schema(copy.deepcopy(FIELD))
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(json.dumps(parsed).encode(), value)]

    _, alert, _ = consumer.poll_and_write(tmp_path, 1)

    assert alert == ALERT
    assert AlertReader(tmp_path).to_list() == [ALERT]


def test_bytes_behind_the_alert_are_passed_over(
    broker: FakeBroker, consumer: AlertConsumer, tmp_path: Path
) -> None:
    """They do not get into the file either."""
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(pretty(FIELD), value + b"more")]

    _, alert, _ = consumer.poll_and_write(tmp_path, 1)

    assert alert == ALERT
    assert AlertReader(tmp_path).to_list() == [ALERT]


TWICE = changed(x=CANDIDATE)

REFUSED = {
    "no key": (None, "its key is empty, so that its schema is not known"),
    "empty": (b"", "its key is empty, so that its schema is not known"),
    "version": (b"2.7_3.10.1", "its key '2.7_3.10.1' is not the schema of an alert"),
    "objectId": (b"ZTF26a", "its key 'ZTF26a' is not the schema of an alert"),
    "candid": (b"3321449362", "its key '3321449362' is not the schema of an alert"),
    "other JSON": (b'{"a": 1}', "its key '{\"a\": 1}' is not the schema of an alert"),
    "not text": (b"\xff\xfe", "its key is not text, so no schema"),
    "Spark's type": (
        pretty(changed(x="timestamp")),
        "its key is a schema, but Avro has no type timestamp",
    ),
    "a name twice": (
        pretty(TWICE),
        "its key is a schema, but redefined named type: topLevelRecord.candidate",
    ),
}


@pytest.mark.parametrize(("key", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_key_that_is_no_schema_is_said_so(
    broker: FakeBroker, consumer: AlertConsumer, key: bytes | None, reason: str
) -> None:
    """In one sentence, with where it is and what to do."""
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(key, value)]

    with pytest.raises(AlertError) as caught:
        consumer.poll(1)

    assert str(caught.value) == (
        "The message of fink_x_ztf, partition 2, offset 17 cannot be decoded:"
        f" {reason} (schema= gives one); the next call goes past it, as does"
        " on_bad='set_aside' for all such."
    )
    assert consumer.last_key == key


BODY = write(FIELD, ALERT)[0]
DISORDERED = {**FIELD, "fields": FIELD["fields"][::-1]}

MISFITS = {
    "an Avro file": (b"Obj\x01" + BODY, "its value is an Avro file, not the bare"),
    "cut": (BODY[:-1], "its value ends inside the alert ("),
    "no value": (None, "it has no value, only a key"),
    "framed": (
        b"\x00\xff\xff\xff\xff" + BODY,
        "its value is framed for a schema registry, by 5 bytes in front",
    ),
    "another order": (write(DISORDERED, ALERT)[0], "its value "),
}


@pytest.mark.parametrize(("value", "reason"), MISFITS.values(), ids=MISFITS)
def test_a_value_that_is_no_alert_is_said_so(
    broker: FakeBroker, consumer: AlertConsumer, value: bytes | None, reason: str
) -> None:
    """Instead of `IndexError: list index out of range`."""
    broker.messages = [FakeMessage(pretty(FIELD), value)]

    with pytest.raises(AlertError) as caught:
        consumer.poll(1)

    assert f"offset 17 cannot be decoded: {reason}" in str(caught.value)


@pytest.mark.parametrize("key", [None, b"2.7_3.10.1", pretty(changed(y="int"))])
@pytest.mark.parametrize("is_file", [True, False])
def test_a_schema_that_is_given_really_holds(
    broker: FakeBroker, tmp_path: Path, *, key: bytes | None, is_file: bool
) -> None:
    """Whatever the key says, one that is a valid schema too."""
    file = tmp_path / "good.avsc"
    file.write_text(json.dumps(FIELD))
    given: Any = file if is_file else FIELD
    (value,) = write(FIELD, ALERT)
    broker.messages = [FakeMessage(key, value)]

    with AlertConsumer(["x"], CONFIG, schema=given) as consumer:
        _, alert, _ = consumer.poll(1)

    assert alert == ALERT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory."),
        ("{", "is not the Avro schema of a record ("),
        ('"int"', "is not the Avro schema of a record (not a record)."),
        (pretty(changed(x="date")).decode(), "is not valid: Avro has no type date."),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_at_once(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    """Before anything is connected, with the file's name."""
    file = tmp_path / "schema.avsc"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigError) as caught:
        AlertConsumer(["x"], CONFIG, schema=str(file))

    assert str(caught.value).startswith(f"The schema {file} {reason}")


def test_a_pretty_and_a_compact_key_share_one_parsed_schema(
    broker: FakeBroker, consumer: AlertConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the schema, not how it is printed."""
    parse = Mock(wraps=fastavro.parse_schema)
    schema = {**FIELD, "doc": "of this test only"}
    (value,) = write(FIELD, ALERT)
    keys = [pretty(schema), json.dumps(schema).encode()]
    broker.messages = [FakeMessage(key, value) for key in keys * 3]
    monkeypatch.setattr(fastavro, "parse_schema", parse)

    found = [alert for _, alert, _ in consumer.consume(6, 1)]

    assert found == [ALERT] * 6
    parse.assert_called_once()
