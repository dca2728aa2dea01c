"""Alerts of a topic as columns: exact, complete, and read at least once."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from client.tests.avro_alerts import record, write
from client.tests.fake_kafka import (
    CONFIG,
    FakeBroker,
    FakeMessage,
    bad_message,
    good_message,
    numbered,
)
from nightmail import AlertConsumer, AlertError, ColumnError
from nightmail._fingerprint import compact

BIG = 2**62 + 1
"""An id that a float cannot hold."""

CANDIDATE = record(ra="double", magpsf=["float", "null"]) | {"name": "candidate"}
RICH = record(
    objectId="string",
    ssObjectId=["long", "null"],
    candidate=CANDIDATE,
    prv=[{"type": "array", "items": "double"}, "null"],
)


def rich(offset: int, ss_object_id: int | None, **more: Any) -> FakeMessage:
    """Make the message of an alert of several columns."""
    alert = {
        "objectId": f"ZTF{offset}",
        "ssObjectId": ss_object_id,
        "candidate": {"ra": 1.5, "magpsf": None},
        "prv": [1.0, 2.0],
    }
    (value,) = write(RICH, alert)
    return FakeMessage(compact(RICH), value, _offset=offset, **more)


def test_alerts_are_a_table(broker: FakeBroker, consumer: AlertConsumer) -> None:
    """All that come until nothing comes."""
    broker.messages = numbered(1, 2, 3)

    table = consumer.to_arrow(timeout=0)

    assert table.to_pydict() == {"candid": [1, 2, 3]}


def test_a_quiet_topic_is_an_empty_table(consumer: AlertConsumer) -> None:
    """It is no error."""
    assert consumer.to_arrow(timeout=0) == pa.table({})


def test_a_table_ends_where_it_is_told_to(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The next call goes on there."""
    broker.messages = numbered(1, 2, 3)

    first, second = consumer.to_arrow(max_alerts=2), consumer.to_arrow(timeout=0)

    assert first.to_pydict() == {"candid": [1, 2]}
    assert second.to_pydict() == {"candid": [3]}
    assert broker.stored == [3]


def test_some_columns_are_read_by_their_dotted_names(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The others are walked over."""
    broker.messages = [rich(1, BIG)]

    table = consumer.to_arrow(["candidate.ra", "ssObjectId"], timeout=0)

    assert table.to_pylist() == [{"ssObjectId": BIG, "candidate": {"ra": 1.5}}]


def test_a_column_that_is_not_there_is_named(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """No alert is lost by the slip."""
    broker.messages = numbered(1, 2)

    with pytest.raises(ColumnError, match="candidd"):
        consumer.to_arrow(["candidd"], timeout=0)

    assert broker.sought == [1]


def test_alerts_of_several_schemas_are_one_table(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """What one of them lacks is null; the order stays."""
    newer = record(candid=["long", "null"], added=["int", "null"])
    (value,) = write(newer, {"candid": 2, "added": 7})
    broker.messages = [
        good_message(1),
        FakeMessage(compact(newer), value, _offset=2),
        good_message(3),
    ]

    table = consumer.to_arrow(timeout=0)

    assert table.to_pydict() == {"candid": [1, 2, 3], "added": [None, 7, None]}


def test_bytes_behind_an_alert_are_passed_over(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """As when alerts are read one by one."""
    broker.messages = [FakeMessage(_value=b"\x00\x02more"), good_message(18)]

    table = consumer.to_arrow(timeout=0)

    assert table.to_pydict() == {"candid": [1, 18]}


def test_a_bad_message_stops_a_table_and_loses_nothing(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The next call gives all others, from the first on."""
    messages = [good_message(1), bad_message(2), good_message(3)]
    broker.messages = list(messages)
    with pytest.raises(AlertError) as caught:
        consumer.to_arrow(timeout=0)
    sought = list(broker.sought)
    broker.messages = list(messages)

    table = consumer.to_arrow(timeout=0)

    assert (caught.value.offset, sought, broker.stored) == (2, [1], [])
    assert table.to_pydict() == {"candid": [1, 3]}


def test_bad_messages_are_set_aside_from_a_table(
    broker: FakeBroker, tmp_path: Any
) -> None:
    """Whether the key or the value is bad."""
    no_key = FakeMessage(None, b"\x00\x02", _offset=3)
    broker.messages = [good_message(1), bad_message(2), no_key, good_message(4)]

    with AlertConsumer(
        ["x"], CONFIG, on_bad="set_aside", bad_folder=tmp_path
    ) as consumer:
        table = consumer.to_arrow(timeout=0)

    assert table.to_pydict() == {"candid": [1, 4]}
    assert (consumer.set_aside, broker.stored) == (2, [5])
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "fink_x_ztf-2-2.json",
        "fink_x_ztf-2-3.json",
    ]


def test_a_batch_counts_as_read_when_the_next_is_asked_for(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Not when it is handed out."""
    newer = record(candid=["long", "null"], added=["int", "null"])
    (value,) = write(newer, {"candid": 2, "added": 7})
    broker.messages = [good_message(1), FakeMessage(compact(newer), value, _offset=2)]

    batches = consumer.batches(timeout=0)
    first, before = next(batches), list(broker.stored)
    second, after = next(batches), list(broker.stored)

    assert (first.num_rows, before) == (1, [])
    assert (second.num_rows, after) == (1, [2])


def test_batches_stop_before_a_bad_message(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Then it is told, and the next call goes past it."""
    broker.messages = [*numbered(1, 2), bad_message(3), *numbered(4)]
    batches = consumer.batches(timeout=0)

    first = next(batches)
    with pytest.raises(AlertError, match="offset 3 cannot be decoded"):
        next(batches)
    rest = list(consumer.batches(timeout=0))

    assert first.to_pydict() == {"candid": [1, 2]}
    assert [batch.to_pydict() for batch in rest] == [{"candid": [4]}]


def test_cutouts_stay_arrows_in_a_dataframe(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """They are large, and so they are not copied."""
    schema = record(cutout=["bytes", "null"])
    values = write(schema, {"cutout": b"ab"}, {"cutout": None})
    broker.messages = [FakeMessage(compact(schema), value) for value in values]

    frame = consumer.to_pandas(timeout=0)

    assert frame["cutout"].dtype == pd.ArrowDtype(pa.binary())
    assert frame["cutout"][0] == b"ab"
    assert frame["cutout"].isna().tolist() == [False, True]


def test_ids_are_exact_in_a_dataframe(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Beside nulls too; fields of records are columns, histories stay lists."""
    broker.messages = [rich(1, BIG), rich(2, None)]

    frame = consumer.to_pandas(timeout=0)

    assert list(frame.columns) == [
        "objectId",
        "ssObjectId",
        "candidate.ra",
        "candidate.magpsf",
        "prv",
    ]
    assert frame["ssObjectId"].dtype == pd.Int64Dtype()
    assert frame["ssObjectId"][0] == BIG
    assert frame["ssObjectId"].isna().tolist() == [False, True]
    assert frame["prv"][0] == [1.0, 2.0]
