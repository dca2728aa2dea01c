"""Topics as an administrator sees them, and who reads them."""

import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, Producer

import schemas
from cluster.access import KafkaAccess
from cluster.groups import Position, active, list_groups
from cluster.nights import Count
from cluster.topic_facts import describe_topic, list_topics, read_schema
from cluster.topics import delete_topic, ensure_ledger, ensure_topics
from nightmail.avro import compact, fingerprint
from nightmail.silence import silent_logger
from settings.errors import NothingThereError, SettingsError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, nights_topic

pytestmark = pytest.mark.kafka

SCHEMA = {"type": "record", "name": "alert", "fields": []}
"""Of alerts that say nothing."""

_numbers = itertools.count(1)


@pytest.fixture
def topic(kafka: KafkaAccess, cluster_settings: Settings) -> str:
    """Make a topic of the test's own, of two partitions."""
    name = f"fink_facts{next(_numbers)}_ztf"
    ensure_topics(kafka, cluster_settings, [name], partitions=2)
    return name


@pytest.fixture
def commit(kafka: KafkaAccess) -> Callable[[str, Sequence[int]], None]:
    """Give what sends one transaction: a record to each of these partitions."""

    def send(topic: str, partitions: Sequence[int]) -> None:
        name = {"transactional.id": f"nightmail.facts.{topic}"}
        producer = Producer({**kafka.publisher, **name}, logger=silent_logger())
        producer.init_transactions(20)
        producer.begin_transaction()
        for partition in partitions:
            producer.produce(topic, b"", key=compact(SCHEMA), partition=partition)
        producer.commit_transaction(20)

    return send


@pytest.fixture
def note(
    kafka: KafkaAccess, cluster_settings: Settings
) -> Callable[[str, str, Sequence[tuple[int, int, int, int]]], None]:
    """Give what sends a night's record: partition, first and last offset, count."""
    where = nights_topic("fink_", "ztf")
    ensure_topics(kafka, cluster_settings, [where], partitions=1)
    fields = ("partition", "first_offset", "last_offset", "count")

    def send(
        night: str, topic: str, ranges: Sequence[tuple[int, int, int, int]]
    ) -> None:
        record = _night(
            night, topic, [dict(zip(fields, r, strict=True)) for r in ranges]
        )
        schema = schemas.load("night")
        value = io.BytesIO()
        fastavro.schemaless_writer(value, fastavro.parse_schema(schema), record)
        producer = Producer({**kafka.publisher}, logger=silent_logger())
        producer.produce(where, value.getvalue(), key=compact(schema))
        assert producer.flush(20) == 0

    return send


@pytest.fixture
def consumer(kafka: KafkaAccess) -> Iterator[Callable[..., Any]]:
    """Give what makes a reader in a group."""
    made: list[Any] = []

    def make(topic: str, group: str) -> Any:
        config = {"group.id": group, "auto.offset.reset": "earliest"}
        config |= {"bootstrap.servers": kafka.public_servers or ""}
        more = {**config, "enable.auto.commit": False}
        made.append(Consumer(more, logger=silent_logger()))
        made[-1].subscribe([topic])
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_an_empty_topic(
    kafka: KafkaAccess, cluster_settings: Settings, topic: str
) -> None:
    """It has its settings, and nothing else."""
    facts = describe_topic(kafka, cluster_settings, topic)

    assert [p.end for p in facts.partitions] == [0, 0]
    assert facts.alerts == Count(0, is_exact=True)
    assert (facts.oldest, facts.newest, facts.fingerprint) == (None, None, None)
    assert (facts.size, facts.sent, facts.groups) == (0, 0, ())
    assert facts.config == {
        "retention.ms": "604800000",
        "retention.bytes": "-1",
        "max.message.bytes": "4194304",
        "compression.type": "producer",
    }


def test_alerts_are_counted_by_the_nights(
    kafka: KafkaAccess,
    cluster_settings: Settings,
    topic: str,
    commit: Callable[[str, Sequence[int]], None],
    note: Callable[..., None],
) -> None:
    """Ends of transactions are none; the last record of a night counts."""
    commit(topic, [0, 0, 1])
    commit(topic, [0, 1])
    before = describe_topic(kafka, cluster_settings, topic)

    note("20260301", topic, [(0, 0, 1, 2)])
    note("20260301", topic, [(0, 0, 3, 3), (1, 0, 2, 2)])
    after = describe_topic(kafka, cluster_settings, topic)

    assert [p.end for p in before.partitions] == [5, 4]
    assert before.alerts == Count(9, is_exact=False)
    assert after.alerts == Count(5, is_exact=True)
    assert (before.sent, after.sent) == (0, 1234)
    assert list_topics(kafka, cluster_settings)[topic] == after.partitions


def test_what_is_on_it_is_dated_and_has_a_schema(
    kafka: KafkaAccess,
    cluster_settings: Settings,
    topic: str,
    commit: Callable[[str, Sequence[int]], None],
) -> None:
    """Oldest and newest are the broker's times, the schema that of the newest key."""
    commit(topic, [0, 1])
    commit(topic, [1])

    facts = describe_topic(kafka, cluster_settings, topic)

    assert facts.oldest
    assert facts.newest
    assert facts.oldest < facts.newest
    assert datetime.now(UTC) - facts.oldest < timedelta(minutes=1)
    assert facts.schema == read_schema(kafka, topic) == SCHEMA
    assert facts.fingerprint == fingerprint(SCHEMA)
    assert facts.size


def test_who_reads_is_shown_with_its_lag(
    kafka: KafkaAccess,
    cluster_settings: Settings,
    topic: str,
    commit: Callable[[str, Sequence[int]], None],
    consumer: Callable[..., Any],
) -> None:
    """A group that reads now is active; one that has read is not."""
    commit(topic, [0, 0, 1])
    reader = consumer(topic, "facts_now")
    for _ in range(3):
        reader.commit(message=reader.poll(20), asynchronous=False)
    commit(topic, [1])

    [group] = describe_topic(kafka, cluster_settings, topic).groups
    reader.close()
    [left] = describe_topic(kafka, cluster_settings, topic).groups

    assert (group.name, group.members, group.reading) == ("facts_now", 1, (topic,))
    assert group.positions == (Position(topic, 0, 2, 3), Position(topic, 1, 1, 4))
    assert group.lag(topic) == 4
    assert (left.members, left.reading, left.lag()) == (0, (), 4)
    assert active([group, left], topic) == [group]


def test_a_topic_that_is_read_is_not_deleted(
    kafka: KafkaAccess,
    topic: str,
    commit: Callable[[str, Sequence[int]], None],
    consumer: Callable[..., Any],
) -> None:
    """Unless it is forced."""
    commit(topic, [0])
    reader = consumer(topic, "facts_keeper")
    assert reader.poll(20) is not None

    with pytest.raises(SettingsError, match="being read by facts_keeper"):
        delete_topic(kafka, topic)
    delete_topic(kafka, topic, even_if_read=True)

    with pytest.raises(NothingThereError, match=f"no topic {topic}"):
        delete_topic(kafka, topic)


def test_our_own_and_kafka_s_own_are_not_deleted(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """The ledger only by force, Kafka's not at all."""
    ensure_ledger(kafka, cluster_settings)
    list_groups(kafka)

    with pytest.raises(SettingsError, match="memory of what was sent"):
        delete_topic(kafka, LEDGER_TOPIC)
    with pytest.raises(SettingsError, match="is Kafka's own"):
        delete_topic(kafka, "__consumer_offsets", even_if_read=True)


def test_what_is_not_there(
    kafka: KafkaAccess, cluster_settings: Settings, topic: str
) -> None:
    """A topic that does not exist, and the schema of an empty one."""
    with pytest.raises(NothingThereError, match="no topic fink_none_ztf"):
        describe_topic(kafka, cluster_settings, "fink_none_ztf")
    with pytest.raises(NothingThereError, match="no alert yet"):
        read_schema(kafka, topic)


def test_topics_are_made_as_wished(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Partitions and settings are those that were asked for."""
    wish = {"retention.ms": "345600000", "compression.type": "zstd"}
    ensure_topics(kafka, cluster_settings, ["facts_wish"], config=wish, partitions=3)

    facts = describe_topic(kafka, cluster_settings, "facts_wish")

    assert len(facts.partitions) == 3
    assert facts.config.items() >= wish.items()


def _night(night: str, topic: str, partitions: Sequence[Any]) -> dict[str, Any]:
    record = {
        "survey": "ztf",
        "night": night,
        "dayObs": night,
        "status": "complete",
        "files": 1,
        "alerts": 9,
        "kept": 5,
        "generation": 0,
        "failures": [],
        "classes": {},
    }
    about = {
        "topic": topic,
        "filter": "facts",
        "summary": "",
        "owner": "",
        "kept": 5,
        "delivered": 5,
        "archived": 5,
        "set_aside": 0,
        "bytes": 1234,
        "seconds": 0.0,
        "classes": {},
        "failures": [],
        "partitions": partitions,
    }
    return json.loads(json.dumps({**record, "topics": [about]}))  # type: ignore[no-any-return]
