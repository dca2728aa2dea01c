"""What cannot be read is refused soon, in a sentence."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from client.tests.avro_alerts import write
from cluster.access import KafkaAccess, open_admin
from cluster.users import ensure_user
from nightmail import AlertError, ConfigError, NightmailError
from nightmail.avro import fingerprint
from nightmail.spark import find_reason
from tests.spark_source.conftest import (
    OTHER,
    SMALL,
    Login,
    MakeTopic,
    Topic,
    candids,
    small,
)

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

SOON_S = 8.0
"""Longest that a refusal may take, on a busy machine [s]; most need one."""

RIGHT = "the right one"
"""A password."""


def refusal(deed: Callable[[], Any]) -> NightmailError:
    """Give what nightmail said when something failed."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Spark's own, of any kind
        deed()
    reason = find_reason(caught.value)
    assert reason is not None, caught.value
    return reason


def other(candid: int) -> bytes:
    """Encode an alert of the other schema."""
    (value,) = write(OTHER, {"candid": candid, "objectId": None, "added": 5})
    return value


def test_a_wrong_password_is_told_soon(spark: Any, topic: Topic) -> None:
    """Without trying for ever, and without the password."""
    topic.send_small(1)
    ensure_user(topic.access, "spark-reader", password=RIGHT)
    login = {"username": "spark-reader", "password": "the wrong one"}
    begun = time.monotonic()

    with pytest.raises(Exception) as caught:  # noqa: PT011 - Spark's own
        topic.read(spark, servers=topic.access.bootstrap_servers, **login)

    assert time.monotonic() - begun < SOON_S
    reason = find_reason(caught.value)
    assert isinstance(reason, ConfigError)
    assert "refuses you" in str(reason)
    assert str(reason).endswith("check username and password.")
    assert "the wrong one" not in str(caught.value)


def test_a_user_without_rights_is_told(spark: Any, topic: Topic) -> None:
    """What one may not see is not there."""
    topic.send_small(1)
    ensure_user(topic.access, "spark-stranger", password=RIGHT)
    login = {"username": "spark-stranger", "password": RIGHT}

    reason = refusal(
        lambda: topic.read(spark, servers=topic.access.bootstrap_servers, **login)
    )

    assert str(reason) == (
        f"There is no topic {topic.name} at {topic.access.bootstrap_servers}, or you"
        " may not see it."
    )


def test_a_user_with_rights_reads(spark: Any, topic: Topic, reader: Login) -> None:
    """By SCRAM, in a group that it has no right to."""
    topic.send_small(1)

    frame = topic.read(
        spark,
        servers=topic.access.bootstrap_servers,
        username=reader.username,
        password=reader.password,
        **{"group.id": "not-of-theirs"},
    )

    assert candids(frame) == [1]


def test_a_missing_topic_is_named(spark: Any, topic: Topic) -> None:
    """With the nearest that there is."""
    reason = refusal(lambda: topic.read(spark, topics=f"{topic.name}x"))

    assert str(reason).startswith(f"There is no topic {topic.name}x at ")
    assert topic.name in str(reason).split("nearest are")[1]


def test_a_topic_without_records_has_no_schema(spark: Any, topic: Topic) -> None:
    """And so no columns, unless a file gives it."""
    reason = refusal(lambda: topic.read(spark))

    assert str(reason) == (
        f"The schema of {topic.name} is not known: there is no record of the wished"
        " time and nights; give it by the option schema, as a file."
    )


def test_a_schema_from_a_file_makes_an_empty_frame(
    spark: Any, topic: Topic, tmp_path: Path
) -> None:
    """Where there is no record yet."""
    file = tmp_path / "alert.avsc"
    file.write_text(json.dumps(SMALL))

    assert topic.read(spark, schema=str(file)).collect() == []


def test_two_schemas_are_told_and_one_is_chosen(spark: Any, topic: Topic) -> None:
    """The sentence has the fingerprints, which are what the option takes."""
    topic.send_small(1, 2)
    topic.send(other(3), key=OTHER)

    reason = refusal(lambda: topic.read(spark))

    ours, theirs = fingerprint(SMALL), fingerprint(OTHER)
    there = "; ".join(sorted(f"{mark} on {topic.name}" for mark in (ours, theirs)))
    assert str(reason) == (
        f"The records of {topic.name} have 2 schemas: choose one by the option schema;"
        f" there are {there}."
    )
    assert candids(topic.read(spark, schema=ours)) == [1, 2]
    assert [r.added for r in topic.read(spark, schema=theirs).collect()] == [5]


def test_a_second_schema_in_the_middle_is_told(spark: Any, topic: Topic) -> None:
    """Nothing is guessed, and nothing left out, where first and last agree."""
    topic.send_small(1)
    topic.send(other(2), key=OTHER)
    topic.send_small(3, 4, 5)

    reason = refusal(topic.read(spark).collect)

    assert str(reason) == (
        f"The record of {topic.name}, partition 0, offset 2 has the schema"
        f" {fingerprint(OTHER)}, others have {fingerprint(SMALL)}: choose one by the"
        " option schema."
    )
    chosen = topic.read(spark, schema=fingerprint(OTHER))
    assert [r.candid for r in chosen.collect()] == [2]


def test_a_fingerprint_that_is_not_there_is_told(spark: Any, topic: Topic) -> None:
    """With those that are."""
    topic.send_small(1)

    reason = refusal(lambda: topic.read(spark, schema="0123456789abcdef"))

    assert str(reason) == (
        f"No record of {topic.name} has the schema 0123456789abcdef; there are"
        f" {fingerprint(SMALL)} on {topic.name}."
    )


def test_a_schema_from_a_file_is_forced(
    spark: Any, topic: Topic, tmp_path: Path
) -> None:
    """Whatever the keys say, and where they are no schema at all."""
    file = tmp_path / "alert.avsc"
    file.write_text(json.dumps(SMALL))
    topic.send(*small(1), key=b"3.1_old")
    topic.send(*small(2), key=None)

    reason = refusal(lambda: topic.read(spark))

    assert "keys of records of" in str(reason)
    assert candids(topic.read(spark, schema=str(file))) == [1, 2]


def test_a_bad_record_is_named(spark: Any, topic: Topic) -> None:
    """By topic, partition and offset, with why."""
    topic.send_small(1)
    topic.send(small(2)[0] + b"more")

    reason = refusal(topic.read(spark).collect)

    assert isinstance(reason, AlertError)
    assert str(reason).startswith(
        f"The record of {topic.name}, partition 0, offset 2 cannot be decoded: The"
        " record: bytes are left over behind it"
    )


@pytest.mark.parametrize(
    ("value", "key", "why"),
    [
        (b"\x02", SMALL, "the row ends inside it"),
        (None, SMALL, "it has no value"),
        (b"\x02", b"ZTF26aamcbly", "its key is not the schema of an alert"),
    ],
    ids=["cut", "tombstone", "key"],
)
def test_bad_records_are_set_aside_and_counted(
    spark: Any, topic: Topic, value: bytes | None, key: Any, why: str
) -> None:
    """The others are read, and a column says which and why."""
    topic.send_small(1)
    topic.send(value, key=key)
    topic.send_small(3)

    frame = topic.read(spark, badRecords="setAside", metadata="true")

    assert candids(frame.filter("_bad is null")) == [1, 3]
    (bad,) = frame.filter("_bad is not null").collect()
    assert (bad.candid, bad.objectId, bad._kafka.offset) == (None, None, 2)
    assert bad._bad.startswith(f"The record of {topic.name}, partition 0, offset 2: ")
    assert why in bad._bad


def test_records_that_are_gone_are_told(
    spark: Any, make_topic: MakeTopic, access: KafkaAccess
) -> None:
    """A frame that was made before retention took them reads what is there."""
    topic = make_topic()
    topic.send_small(1, 2, 3)
    frame = topic.read(spark)
    place = TopicPartition(topic.name, 0, 2)
    admin = open_admin(access)
    for answer in admin.delete_records([place]).values():
        answer.result(30)

    assert candids(frame) == [3]


def test_a_column_that_is_not_there_is_named(spark: Any, topic: Topic) -> None:
    """Whether it is asked for by name or by a schema of Spark's."""
    topic.send_small(1)
    reader = spark.read.format("nightmail").options(**topic.options())

    by_name = refusal(lambda: topic.read(spark, columns="candd"))
    by_schema = refusal(reader.schema("candd LONG").load().collect)

    said = "There is no column candd in the schema; the nearest are candid."
    assert [str(by_name), str(by_schema)] == [said, said]
