"""An independent reader counts what is committed, of one night."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer

import cluster.reading
from cluster.access import KafkaAccess
from cluster.count import count_topics
from cluster.topics import ensure_topics
from settings.errors import BrokerUnavailableError
from settings.model import Settings

pytestmark = pytest.mark.kafka

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)

_numbers = itertools.count(1)

Send = Callable[..., None]


@pytest.fixture
def topic(kafka: KafkaAccess, cluster_settings: Settings) -> str:
    """Make a topic of the test's own."""
    name = f"fink_count{next(_numbers)}_ztf"
    ensure_topics(kafka, cluster_settings, [name])
    return name


@pytest.fixture
def producer(kafka: KafkaAccess, topic: str) -> Producer:
    """Give a producer that owns a transactional id."""
    config = dict(kafka.publisher) | {"transactional.id": f"nightmail.{topic}"}
    made = Producer(config)
    made.init_transactions(30)
    return made


@pytest.fixture
def send(producer: Producer, topic: str) -> Send:
    """Give what sends ids in a transaction."""

    def transact(
        *ids: int, night: str = "20260301", commit: bool = True, when: datetime = NOW
    ) -> None:
        producer.begin_transaction()
        for one in ids:
            producer.produce(
                topic,
                b"",
                headers={"night": night.encode(), "id": str(one).encode()},
                timestamp=int(when.timestamp() * 1000),
            )
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)

    return transact


def _count(
    kafka: KafkaAccess, *topics: str, since: datetime = NOW - HOUR
) -> Counter[tuple[str, int]]:
    public = {"bootstrap.servers": kafka.public_servers}
    return count_topics(public, topics, night="20260301", since=since)


def test_each_id_is_counted(kafka: KafkaAccess, topic: str, send: Send) -> None:
    """An id that stands twice counts two, from whatever transaction."""
    send(1, 2)
    send(2, 9_007_199_254_740_993)

    counts = _count(kafka, topic)

    assert counts == {(topic, 1): 1, (topic, 2): 2, (topic, 9_007_199_254_740_993): 1}


def test_a_commit_that_is_under_way_is_waited_for(
    kafka: KafkaAccess, topic: str, producer: Producer
) -> None:
    """A commit is answered before all partitions know: its records are hidden."""
    producer.begin_transaction()
    headers: Any = {"night": b"20260301", "id": b"1"}
    producer.produce(topic, b"", headers=headers)
    producer.flush(30)
    soon = threading.Timer(0.7, producer.commit_transaction, [30])

    soon.start()
    counted = _count(kafka, topic)
    soon.join()

    assert counted == {(topic, 1): 1}


def test_what_was_aborted_does_not_count(
    kafka: KafkaAccess, topic: str, send: Send
) -> None:
    """Nobody who reads committed records sees it."""
    send(1, commit=False)
    send(2)

    assert _count(kafka, topic) == {(topic, 2): 1}


def test_other_nights_do_not_count(kafka: KafkaAccess, topic: str, send: Send) -> None:
    """The header tells the night."""
    send(1, night="20260302")
    send(2)

    assert _count(kafka, topic) == {(topic, 2): 1}


def test_what_stood_there_before_does_not_count(
    kafka: KafkaAccess, topic: str, send: Send
) -> None:
    """Only what the topic took since then is read."""
    send(1, when=NOW - 2 * HOUR)
    send(2)

    assert _count(kafka, topic) == {(topic, 2): 1}
    assert _count(kafka, topic, since=NOW - 3 * HOUR).total() == 2


def test_an_empty_topic_is_read_to_its_end(kafka: KafkaAccess, topic: str) -> None:
    """A topic with nothing in it, or that is not there, has no alerts."""
    assert _count(kafka, topic, "fink_no_such_topic_ztf") == {}


def test_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as what is not reachable."""
    monkeypatch.setattr(cluster.reading, "TIMEOUT_S", 1.0)
    nobody = {"bootstrap.servers": "127.0.0.1:1"}

    with pytest.raises(BrokerUnavailableError, match="cannot be read"):
        count_topics(nobody, ["fink_any_ztf"], night="20260301", since=NOW)
