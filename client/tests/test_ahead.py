"""Alerts decoded ahead are the same as those decoded one by one."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from client.tests.avro_alerts import ALERT, ALERTS, record, without_nan, write
from client.tests.fake_kafka import FakeBroker, FakeMessage, bad_message, numbered
from nightmail import AlertConsumer, AlertError, _ahead
from nightmail._decode import decode_message
from nightmail._fingerprint import compact
from nightmail._schemas import Schemas
from nightmail.avro import derive_schema, encode_batch, wire_batch


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Decode ahead from the first alert on, and count what was decoded so."""
    monkeypatch.setattr(_ahead, "_WORTH_S", -1.0)
    counts: list[int] = []
    decode = _ahead.Ahead._decode

    def count(self: Any, *args: Any) -> None:
        decode(self, *args)
        counts.append(len(self._found))

    monkeypatch.setattr(_ahead.Ahead, "_decode", count)
    return counts


MAPPED = record(x={"type": "map", "values": "int"})
INNER = {"type": "map", "values": {"type": "map", "values": "int"}}
ITEM = record(y=[INNER, "null"], z="string") | {"name": "item"}
DEEP = record(x=[{"type": "array", "items": [ITEM, "null"]}, "null"])
TIMED = record(x={"type": "long", "logicalType": "timestamp-micros"})
MIXED = record(x=["int", "string", "null"])
ENUM = record(x={"type": "enum", "name": "band", "symbols": ["g", "r"]})
FIXED = record(x=[{"type": "fixed", "name": "digest", "size": 2}, "null"])


CASES = {
    "alert": (ALERT, list(ALERTS), 2),
    "map": (MAPPED, [{"x": {"a": 1}}], 1),
    "map deep inside": (
        DEEP,
        [{"x": [{"y": {"a": {"b": 1}}, "z": "c"}, None]}, {"x": None}],
        2,
    ),
    "enum": (ENUM, [{"x": "r"}], 1),
    "fixed": (FIXED, [{"x": b"ab"}, {"x": None}], 2),
    "float": (record(x="float", y="double"), [{"x": 0.1, "y": 0.1}], 1),
    "time": (TIMED, [{"x": 1_700_000_000_000_000}], 0),
    "union": (MIXED, [{"x": "a"}, {"x": 1}], 0),
}
"""Schema, alerts, and how many of them are decoded ahead."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_ways_give_the_same(
    broker: FakeBroker,
    consumer: AlertConsumer,
    eager: list[int],
    case: tuple[Any, list[Any], int],
) -> None:
    """To the type; what columns cannot tell apart goes the slow way."""
    schema, rows, number = case
    values = write(schema, *rows) * 4
    broker.messages = [
        FakeMessage(compact(schema), value, _offset=n) for n, value in enumerate(values)
    ]

    found = [consumer.poll(0)[1] for _ in values]

    slow = [
        decode_message(FakeMessage(compact(schema), value), Schemas()).alert
        for value in values
    ]
    assert found == slow
    assert [list(map(type, one.values())) for one in found if one] == [
        list(map(type, one.values())) for one in slow
    ]
    assert sum(eager) == 4 * number


def test_bad_messages_are_told_as_ever(
    broker: FakeBroker, consumer: AlertConsumer, eager: list[int]
) -> None:
    """In their place among the others."""
    broker.messages = [*numbered(1, 2, 3), bad_message(4), *numbered(5)]

    found = [consumer.poll(0)[1] for _ in range(3)]
    with pytest.raises(
        AlertError, match=r"offset 4 .* its value ends inside the alert"
    ):
        consumer.poll(0)
    found.append(consumer.poll(0)[1])

    assert found == [{"candid": n} for n in (1, 2, 3, 5)]
    assert eager == [4]
    assert broker.stored == [2, 3, 4, 5]


def test_a_key_twice_in_a_map_is_read_as_ever(
    broker: FakeBroker, consumer: AlertConsumer, eager: list[int]
) -> None:
    """Its last value holds."""
    value = b"\x04\x02a\x02\x02a\x04\x00"
    broker.messages = [FakeMessage(compact(MAPPED), value, _offset=n) for n in range(4)]

    found = [consumer.poll(0)[1] for _ in range(4)]

    assert found == [{"x": {"a": 2}}] * 4
    assert eager == [4]


def test_one_alert_alone_is_not_worth_it(
    broker: FakeBroker, consumer: AlertConsumer, eager: list[int]
) -> None:
    """Columns need company."""
    broker.messages = numbered(1)

    assert consumer.poll(0)[1] == {"candid": 1}
    assert eager == []


def test_what_waits_ahead_does_not_count_as_read(
    broker: FakeBroker, consumer: AlertConsumer, eager: list[int]
) -> None:
    """Only what was handed out, and finished with."""
    broker.messages = numbered(*range(10))

    found = [consumer.poll(0)[1] for _ in range(2)]
    consumer.commit()

    assert found == [{"candid": 0}, {"candid": 1}]
    assert (eager, broker.committed) == ([10], [1, 2])


REAL = {
    "ztf": "ztf_science_v402_fink-filters_regular_part-00000.parquet",
    "lsst": "lsst_science_v100_fink-tutorials_20260310.parquet",
}


@pytest.mark.parametrize("file", REAL.values(), ids=REAL)
def test_real_alerts_are_the_same_both_ways(
    broker: FakeBroker, consumer: AlertConsumer, eager: list[int], file: str
) -> None:
    """Every column of a survey's science records."""
    path = Path(__file__).parents[3] / "shared" / "data" / file
    if not path.exists():
        pytest.skip("The real alerts (../shared/data) are not here.")
    (batch,) = pq.read_table(path).slice(0, 8).combine_chunks().to_batches()
    schema = derive_schema(batch.schema)
    values = [bytes(value) for value in encode_batch(schema, wire_batch(batch))]
    broker.messages = [
        FakeMessage(compact(schema), value, _offset=n) for n, value in enumerate(values)
    ]

    found = [consumer.poll(0)[1] for _ in values]

    slow = [
        decode_message(FakeMessage(compact(schema), value), Schemas()).alert
        for value in values
    ]
    assert without_nan(found) == without_nan(slow)
    assert eager == [len(values)]
