"""Who may do what on the local Kafka."""

from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    Message,
    Producer,
)

from cluster.access import KafkaAccess
from cluster.topics import ensure_ledger, ensure_topics
from cluster.users import ensure_user
from nightmail.silence import silent_logger
from settings.model import Settings
from settings.names import LEDGER_TOPIC, transactional_id

pytestmark = pytest.mark.kafka

TOPIC = "fink_rights_ztf"


@pytest.fixture(autouse=True)
def topics(kafka: KafkaAccess, cluster_settings: Settings) -> None:
    """Make the topic that is written and read, and the ledger."""
    ensure_topics(kafka, cluster_settings, [TOPIC], partitions=1)
    ensure_ledger(kafka, cluster_settings)


@pytest.fixture
def anonymous(kafka: KafkaAccess) -> dict[str, Any]:
    """Give the configuration of whoever does not log in."""
    return {"bootstrap.servers": kafka.public_servers, "log_level": 0}


def test_the_publisher_s_alerts_are_read_by_everybody(
    kafka: KafkaAccess, anonymous: dict[str, Any]
) -> None:
    """What our publisher sends in a transaction, an anonymous reader gets."""
    night = transactional_id("fink_", "ztf", "20260301", 0)
    producer = Producer(
        {**kafka.publisher, "transactional.id": night}, logger=silent_logger()
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(TOPIC, b"alert", partition=0)
    producer.produce(LEDGER_TOPIC, b"row", key=b"unit", partition=0)
    producer.commit_transaction(20)

    assert _read(anonymous, TOPIC, group="anybody").value() == b"alert"
    assert _read(kafka.admin, LEDGER_TOPIC, group="nightmail").value() == b"row"


def test_the_anonymous_cannot_write(anonymous: dict[str, Any]) -> None:
    """An anonymous record is refused."""
    assert _write(anonymous, TOPIC) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_the_anonymous_cannot_read_the_ledger(anonymous: dict[str, Any]) -> None:
    """The ledger is ours alone."""
    answer = _read(anonymous, LEDGER_TOPIC, group="anybody").error()

    assert answer
    assert answer.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_the_anonymous_cannot_use_our_groups(anonymous: dict[str, Any]) -> None:
    """The groups that begin with our name are ours alone."""
    answer = _read(anonymous, TOPIC, group="nightmail-x").error()

    assert answer
    assert answer.code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_the_publisher_writes_nowhere_else(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """A topic of another name is refused to our publisher."""
    ensure_topics(kafka, cluster_settings, ["others"], partitions=1)

    assert _write(kafka.publisher, "others") == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_new_user_can_do_nothing_yet(kafka: KafkaAccess) -> None:
    """A user who was granted nothing logs in, and may not write."""
    secret = "correct horse"  # noqa: S105 - of a test
    ensure_user(kafka, "alice", password=secret)
    ensure_user(kafka, "alice", password=secret)
    alice = {**kafka.publisher, "sasl.username": "alice", "sasl.password": secret}

    assert _write(alice, TOPIC) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def _read(config: Mapping[str, Any], topic: str, *, group: str) -> Message:
    """Give the first record of partition 0, or the error in its place."""
    settings = {**config, "group.id": group, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings, logger=silent_logger())
    consumer.subscribe([topic])
    try:
        message = consumer.poll(20)
    finally:
        consumer.close()
    assert message is not None
    return message


def _write(config: Mapping[str, Any], topic: str) -> int | None:
    """Give the code of the error with which a record is refused."""
    answers: list[KafkaError | None] = []
    producer = Producer({**config}, logger=silent_logger())
    producer.produce(topic, b"x", on_delivery=lambda error, _: answers.append(error))
    assert producer.flush(20) == 0
    [answer] = answers
    return answer.code() if answer else None
