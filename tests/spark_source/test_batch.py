"""A topic is a DataFrame, value for value."""

import datetime as dt
import decimal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from client.tests.avro_alerts import read, record, without_nan, write
from nightmail.avro import AvroDecoder, compact, fingerprint
from nightmail.spark.choice import Choice
from nightmail.spark.columns import spark_schema
from nightmail.spark.ranges import Range
from nightmail.spark.rows import Plan, read_rows
from nightmail.spark.wish import read_wish
from tests.spark_source.conftest import (
    OTHER,
    MakeTopic,
    Night,
    Topic,
    candids,
    small,
)

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

HOUR_MS = 3_600_000
START = dt.datetime.now(dt.UTC).replace(minute=0, microsecond=0) - dt.timedelta(1)
"""Not longer ago than topics keep records."""

START_MS = round(START.timestamp() * 1000)


@pytest.mark.parametrize(
    ("survey", "column"), [("ztf", "candid"), ("lsst", "diaSourceId")]
)
def test_every_value_is_fastavro_s(
    spark: Any,
    make_topic: MakeTopic,
    night: Callable[[str], Night],
    survey: str,
    column: str,
) -> None:
    """All columns of a simulated night are what fastavro decodes of the messages."""
    topic, sent = make_topic(partitions=2), night(survey)
    for part in (0, 1):
        topic.send(*sent.values[part::2], key=sent.schema, partition=part)

    rows = topic.read(spark).collect()

    found = {row[column]: row.asDict(recursive=True) for row in rows}
    expected = {row[column]: row for row in read(sent.schema, list(sent.values))}
    assert without_nan(found) == without_nan(expected)
    assert len(rows) == len(sent.values)


def test_several_topics_of_one_schema_are_one_frame(
    spark: Any, make_topic: MakeTopic
) -> None:
    """The column _kafka tells which alert was where."""
    one, two = make_topic(), make_topic(partitions=2)
    one.send_small(1, 2)
    two.send_small(3, partition=1)

    frame = one.read(spark, topics=f"{one.name}, {two.name}", metadata="true")

    rows = [(r.candid, r._kafka.topic, r._kafka.partition) for r in frame.collect()]
    assert sorted(rows) == [(1, one.name, 0), (2, one.name, 0), (3, two.name, 1)]


def test_the_place_and_the_headers_are_told(spark: Any, topic: Topic) -> None:
    """With metadata=true, as Kafka and the publisher have them."""
    topic.send_small(7, timestamp=START_MS)

    (row,) = topic.read(spark, metadata="true").collect()

    assert row._kafka.asDict() == {
        "topic": topic.name,
        "partition": 0,
        "offset": 0,
        "timestamp": START.replace(tzinfo=None),
        "night": "20260301",
        "generation": 0,
    }


def test_what_is_not_committed_is_not_there(spark: Any, topic: Topic) -> None:
    """Neither the aborted nor the open transaction, nor what is behind that."""
    topic.send_small(1, 2)
    topic.begin(*small(3)).abort_transaction(30)
    topic.send_small(4)
    is_open = topic.begin(*small(5))
    topic.send_small(6)

    before = candids(topic.read(spark))
    is_open.commit_transaction(30)

    assert before == [1, 2, 4]
    assert candids(topic.read(spark)) == [1, 2, 4, 5, 6]


def test_a_partition_is_a_task(spark: Any, make_topic: MakeTopic) -> None:
    """A partition without records costs none."""
    topic = make_topic(partitions=3)
    topic.send_small(1, partition=0)
    topic.send_small(2, partition=2)

    assert topic.read(spark).rdd.getNumPartitions() == 2


def test_a_large_partition_is_several_tasks(spark: Any, topic: Topic) -> None:
    """With minPartitions, and each alert is in one of them."""
    topic.send_small(*range(100))
    topic.send_small(*range(100, 150))

    frame = topic.read(spark, minPartitions="5")

    assert frame.rdd.getNumPartitions() >= 5
    assert candids(frame) == list(range(150))


def test_a_time_range_is_read(spark: Any, topic: Topic) -> None:
    """The start belongs to it, the end does not; without a zone it is UTC."""
    for hour in range(4):
        topic.send_small(hour, timestamp=START_MS + hour * HOUR_MS)

    since = (START + dt.timedelta(hours=1)).replace(tzinfo=None).isoformat()
    until = START.astimezone(dt.timezone(dt.timedelta(hours=1)))
    until += dt.timedelta(hours=3)

    frame = topic.read(spark, startingTime=since, endingTime=until.isoformat())

    assert candids(frame) == [1, 2]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"night": "20260302"}, [2]),
        ({"startingNight": "20260302"}, [2, 3]),
        ({"endingNight": "20260302"}, [1, 2]),
        ({"startingNight": "20260302", "endingNight": "20260302"}, [2]),
        ({}, [1, 2, 3, 4]),
    ],
    ids=str,
)
def test_nights_are_read(
    spark: Any, topic: Topic, options: dict[str, str], expected: list[int]
) -> None:
    """By the header; a record without one is of no night."""
    for n in (1, 2, 3):
        topic.send_small(n, headers=[("night", b"2026030%d" % n)])
    topic.send_small(4, headers=[])

    assert candids(topic.read(spark, **options)) == expected


def test_a_night_s_schema_is_that_of_its_records(spark: Any, topic: Topic) -> None:
    """That other nights on the topic have another one is no obstacle."""
    topic.send_small(1)
    (value,) = write(OTHER, {"candid": 2, "objectId": None, "added": 5})
    topic.send(value, key=OTHER, headers=[("night", b"20260302")])

    (row,) = topic.read(spark, night="20260302").collect()

    assert row.asDict() == {"candid": 2, "objectId": None, "added": 5}


def test_columns_are_chosen_by_name(
    spark: Any, topic: Topic, night: Callable[[str], Night]
) -> None:
    """Nested ones by dots, lists passed over; the others are not decoded."""
    sent = night("ztf")
    topic.send(*sent.values, key=sent.schema)

    frame = topic.read(spark, columns="candid,candidate.ra,prv_candidates.magpsf")

    assert frame.schema.simpleString() == (
        "struct<candid:bigint,candidate:struct<ra:double>,"
        "prv_candidates:array<struct<magpsf:float>>>"
    )
    expected = Counter(
        (row["candid"], row["candidate"]["ra"], len(row["prv_candidates"] or ()))
        for row in read(sent.schema, list(sent.values))
    )
    found = Counter(
        (row.candid, row.candidate.ra, len(row.prv_candidates or ()))
        for row in frame.collect()
    )
    assert found == expected


def test_columns_may_be_asked_for_by_a_schema_of_spark(
    spark: Any, topic: Topic
) -> None:
    """In any order, and in a wider type."""
    topic.send_small(1)
    reader = spark.read.format("nightmail").options(**topic.options())

    frame = reader.schema("objectId STRING, candid DECIMAL(20, 0)").load()

    (row,) = frame.collect()
    assert row.asDict() == {"objectId": "ZTF1", "candid": decimal.Decimal(1)}


EVERY_TYPE = record(
    candid="long",
    text="string",
    maybe=["null", "double"],
    truth="boolean",
    small="int",
    real="float",
    raw="bytes",
    day={"type": "int", "logicalType": "date"},
    millis={"type": "long", "logicalType": "timestamp-millis"},
    micros={"type": "long", "logicalType": "timestamp-micros"},
    nanos={"type": "long", "logicalType": "timestamp-nanos"},
    local={"type": "long", "logicalType": "local-timestamp-micros"},
    kind={"type": "enum", "name": "kind", "symbols": ["SN", "AGN"]},
    code={"type": "fixed", "name": "code", "size": 3},
    price={"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
    kinds={"type": "array", "items": ["null", "kind"]},
    named={"type": "map", "values": ["null", "code"]},
    inner=["null", record(when={"type": "long", "logicalType": "timestamp-millis"})],
)
"""An alert of all types that Avro has."""


def test_every_type_has_its_own_in_spark(spark: Any, topic: Topic) -> None:
    """Those that Spark has not become the nearest that loses nothing."""
    schema = EVERY_TYPE | {"name": "outer"}
    aware = dt.datetime(2026, 3, 1, 1, 2, 3, 456_000, dt.UTC)
    moment = aware.replace(tzinfo=None)
    alert = {
        "candid": 2**62,
        "text": "é",
        "maybe": None,
        "truth": True,
        "small": -1,
        "real": 0.5,
        "raw": b"\0x",
        "day": dt.date(2026, 3, 1),
        "millis": aware,
        "micros": aware,
        "nanos": 1_772_326_923_456_000_001,
        "local": moment,
        "kind": "AGN",
        "code": b"abc",
        "price": decimal.Decimal("-12.34"),
        "kinds": ["SN", None],
        "named": {"a": b"xyz", "b": None},
        "inner": {"when": aware},
    }
    topic.send(*write(schema, alert), key=schema)

    frame = topic.read(spark)

    assert frame.schema.simpleString() == (
        "struct<candid:bigint,text:string,maybe:double,truth:boolean,small:int,"
        "real:float,raw:binary,day:date,millis:timestamp,micros:timestamp,"
        "nanos:bigint,local:timestamp_ntz,kind:string,code:binary,"
        "price:decimal(6,2),kinds:array<string>,named:map<string,binary>,"
        "inner:struct<when:timestamp>>"
    )
    (row,) = frame.collect()
    expected = alert | {"millis": moment, "micros": moment, "inner": {"when": moment}}
    assert row.asDict(recursive=True) == expected


def test_a_plan_shows_no_password(
    spark: Any, topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does the frame, however it is explained."""
    topic.send_small(1)
    frame = topic.read(spark, **{"ssl.key.password": "hidden-word"}).filter("candid>0")

    for mode in ("extended", "formatted", "cost", "codegen"):
        frame.explain(mode)

    shown = capsys.readouterr().out + repr(frame)
    assert "candid" in shown
    assert "hidden-word" not in shown


def test_a_task_holds_little_at_a_time(
    topic: Topic, night: Callable[[str], Night]
) -> None:
    """Batches are as large as asked for, however long the range is."""
    sent = night("ztf")
    topic.send(*sent.values, key=sent.schema)
    wish = read_wish(
        {name.lower(): v for name, v in topic.options(batchBytes="500000").items()}
    )
    columns = spark_schema(AvroDecoder(sent.schema).schema)
    plan = Plan(wish, Choice(sent.schema, fingerprint(dict(sent.schema))), columns)

    batches = list(read_rows(plan, Range(topic.name, 0, 0, len(sent.values) + 1)))

    assert sum(batch.num_rows for batch in batches) == len(sent.values)
    largest = 500_000 + max(map(len, sent.values)) + len(compact(dict(sent.schema)))
    assert sum(map(len, sent.values)) > 5 * largest
    assert all(batch.nbytes < 1.5 * largest for batch in batches)
