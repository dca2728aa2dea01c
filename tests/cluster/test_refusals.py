"""What a secured Kafka refuses: with which code, in which words, and how soon.

One table. Each row is provoked on a real broker by a plain confluent-kafka client, so
that code and time are Kafka's own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from cluster.access import KafkaAccess
from cluster.acls import add_rules, consumer_rules, producer_rules
from cluster.topics import ensure_topics
from cluster.users import ensure_user, remove_user
from nightmail import AlertConsumer, ConfigError
from nightmail._refusals import explain_refusal
from nightmail.silence import silent_logger
from settings.model import Settings

pytestmark = pytest.mark.kafka

OPEN, OTHER, MISSING = "fink_refusals_ztf", "other_refusals", "fink_not_there_ztf"
"""A topic that anybody may read, one of another prefix, one that there is not."""

PASSWORD = "correct horse"  # noqa: S105 - of a test

LONGEST_S = 20.0
"""When a refusal that does not come is given up [s]."""


@dataclass(frozen=True)
class Stage:
    """Kafka, and who uses it."""

    kafka: KafkaAccess

    def as_user(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """Give the configuration of one who logs in."""
        login = {"sasl.username": name, "sasl.password": password}
        return {**self.kafka.publisher, **login}

    def anonymous(self) -> dict[str, Any]:
        """Give the configuration of one who does not."""
        return {"bootstrap.servers": self.kafka.public_servers, "log_level": 0}


def read(
    config: Mapping[str, Any], topic: str = OTHER, *, group: str = "readers"
) -> KafkaError | None:
    """Subscribe, and give the first error; None for a record."""
    heard: list[KafkaError] = []
    consumer = Consumer(
        {
            **config,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "error_cb": heard.append,
        },
        logger=silent_logger(),
    )
    consumer.subscribe([topic])
    try:
        return _first_answer(consumer, heard)
    finally:
        consumer.close()


def write(config: Mapping[str, Any], topic: str = OTHER) -> KafkaError | None:
    """Send a record, and give the error it is refused with."""
    answers: list[KafkaError | None] = []
    producer = Producer({**config}, logger=silent_logger())
    producer.produce(topic, b"x", on_delivery=lambda error, _: answers.append(error))
    assert producer.flush(LONGEST_S) == 0
    return answers[0]


def transact(config: Mapping[str, Any], name: str) -> KafkaError | None:
    """Begin to be a transactional producer, and give the error it is refused with."""
    producer = Producer({**config, "transactional.id": name}, logger=silent_logger())
    try:
        producer.init_transactions(LONGEST_S)
    except KafkaException as error:
        refusal: KafkaError = error.args[0]
        return refusal
    return None


def read_while_removed(stage: Stage) -> KafkaError | None:
    """Read, and go on reading on the same connection when the user is removed."""
    name = "leaver"
    ensure_user(stage.kafka, name, password=PASSWORD)
    add_rules(stage.kafka, consumer_rules(name, topic=OTHER, group="readers"))
    # To commit, librdkafka would look for the group's coordinator until its time is up.
    config = {"group.id": "readers", "enable.auto.commit": False}
    consumer = Consumer({**stage.as_user(name), **config}, logger=silent_logger())
    consumer.assign([TopicPartition(OTHER, 0, 0)])
    try:
        assert _first_answer(consumer, []) is None
        remove_user(stage.kafka, name)
        write(stage.kafka.admin)
        return _refusal_of_topic(consumer)
    finally:
        consumer.close()


def write_idempotently(stage: Stage) -> KafkaError | None:
    """Send as a careful anonymous producer would."""
    config = {**stage.anonymous(), "enable.idempotence": True}
    producer = Producer(config, logger=silent_logger())
    producer.produce(OPEN, b"x")
    end = time.monotonic() + LONGEST_S
    try:
        while time.monotonic() < end:
            producer.poll(0.05)
    except KafkaException as error:
        refusal: KafkaError = error.args[0]
        return refusal
    finally:
        producer.purge()
    return None


def log_in_as_removed(stage: Stage) -> KafkaError | None:
    """Log in anew as a user that was removed."""
    ensure_user(stage.kafka, "gone", password=PASSWORD)
    remove_user(stage.kafka, "gone")
    return read(stage.as_user("gone"), OPEN)


Act = Callable[[Stage], KafkaError | None]


@dataclass(frozen=True)
class Row:
    """One refusal."""

    case: str
    act: Act
    code: int
    words: Mapping[str, Any]
    """What the translation is told: who did what, on what."""

    says: str
    within_s: float
    """Longest until it is told, the set-up of the row included [s]."""


LOGIN = KafkaError._AUTHENTICATION
TOPIC = KafkaError.TOPIC_AUTHORIZATION_FAILED
GROUP = KafkaError.GROUP_AUTHORIZATION_FAILED
TRANSACTION = KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
CLUSTER = KafkaError.CLUSTER_AUTHORIZATION_FAILED

ROWS = (
    Row(
        "wrong password",
        lambda stage: read(stage.as_user("reader", "wrong"), OPEN),
        LOGIN,
        {"user": "reader"},
        "does not let reader log in: the name or the password is wrong, or the user was"
        " removed.",
        5,
    ),
    Row(
        "unknown user",
        lambda stage: read(stage.as_user("nobody"), OPEN),
        LOGIN,
        {"user": "nobody"},
        "does not let nobody log in: the name or the password is wrong, or the user was"
        " removed.",
        5,
    ),
    Row(
        "deleted user, a new connection",
        log_in_as_removed,
        LOGIN,
        {"user": "gone"},
        "does not let gone log in: the name or the password is wrong, or the user was"
        " removed.",
        5,
    ),
    Row(
        "deleted user, the connection open",
        read_while_removed,
        TOPIC,
        {"user": "leaver", "name": OTHER},
        f"The Kafka user leaver may not read the topic {OTHER} at ",
        10,
    ),
    Row(
        "unauthorised read",
        lambda stage: read(stage.as_user("stranger")),
        TOPIC,
        {"user": "stranger", "name": OTHER},
        f"The Kafka user stranger may not read the topic {OTHER} at ",
        10,
    ),
    Row(
        "unauthorised read of a topic that there is not",
        lambda stage: read(stage.as_user("stranger"), MISSING),
        TOPIC,
        {"user": "stranger", "name": MISSING},
        f"The Kafka user stranger may not read the topic {MISSING} at ",
        10,
    ),
    Row(
        "unauthorised write",
        lambda stage: write(stage.as_user("reader")),
        TOPIC,
        {"user": "reader", "name": OTHER, "deed": "write"},
        f"The Kafka user reader may not write the topic {OTHER} at ",
        5,
    ),
    Row(
        "unauthorised group",
        lambda stage: read(stage.as_user("reader"), group="another"),
        GROUP,
        {"user": "reader", "name": "another"},
        "The Kafka user reader may not use the group another at ",
        5,
    ),
    Row(
        "unauthorised transactional id",
        lambda stage: transact(stage.as_user("writer"), "nightmail.mine"),
        TRANSACTION,
        {"user": "writer", "name": "nightmail.mine"},
        "The Kafka user writer may not use the transactional id nightmail.mine at ",
        5,
    ),
    Row(
        "anonymous write",
        lambda stage: write(stage.anonymous(), OPEN),
        TOPIC,
        {"user": None, "name": OPEN, "deed": "write"},
        f"Whoever does not log in may not write the topic {OPEN} at ",
        5,
    ),
    Row(
        "anonymous write, idempotent",
        write_idempotently,
        CLUSTER,
        {"user": None, "deed": "write"},
        "Whoever does not log in may not write anything at ",
        5,
    ),
    Row(
        "anonymous read of another prefix",
        lambda stage: read(stage.anonymous(), OTHER),
        TOPIC,
        {"user": None, "name": OTHER},
        f"Whoever does not log in may not read the topic {OTHER} at ",
        5,
    ),
    Row(
        "a right given to 127.0.0.2 only, used from 127.0.0.1",
        lambda stage: read(stage.as_user("elsewhere")),
        TOPIC,
        {"user": "elsewhere", "name": OTHER},
        f"The Kafka user elsewhere may not read the topic {OTHER} at ",
        10,
    ),
)
"""Every refusal, as it is on Kafka 4.1.1."""


@pytest.fixture(scope="module")
def stage(kafka: KafkaAccess, cluster_settings: Settings) -> Stage:
    """Make topics with a record, and users with few rights."""
    ensure_topics(kafka, cluster_settings, [OPEN, OTHER], partitions=1)
    for name in ("reader", "writer", "stranger", "elsewhere"):
        ensure_user(kafka, name, password=PASSWORD)
    groups = [
        *consumer_rules("stranger", topic=None, group="readers"),
        *consumer_rules("elsewhere", topic=None, group="readers"),
    ]
    add_rules(
        kafka,
        [
            *groups,
            *consumer_rules("reader", topic=OTHER, group="readers"),
            *consumer_rules("elsewhere", topic=OTHER, group=None, host="127.0.0.2"),
            *producer_rules("writer", topic=OTHER),
        ],
    )
    assert write(kafka.admin, OPEN) is write(kafka.admin, OTHER) is None
    return Stage(kafka)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_what_is_refused(stage: Stage, row: Row) -> None:
    """The refusal has its code and its sentence, and comes soon."""
    start = time.monotonic()

    error = row.act(stage)

    assert error is not None
    assert error.code() == row.code
    assert row.says in explain_refusal(error, servers="127.0.0.1:9093", **row.words)
    assert time.monotonic() - start < row.within_s


def test_what_is_allowed_is_not_refused(stage: Stage) -> None:
    """The same acts pass for who has the right, so the table is not about the acts."""
    here = consumer_rules("local", topic=OTHER, group="readers", host="127.0.0.1")
    ensure_user(stage.kafka, "local", password=PASSWORD)
    add_rules(stage.kafka, here)

    assert read(stage.as_user("reader")) is None
    assert read(stage.as_user("local")) is None
    assert read(stage.anonymous(), OPEN, group="anybody") is None
    assert write(stage.as_user("writer")) is None
    assert transact(stage.kafka.publisher, "nightmail.mine") is None


@pytest.mark.parametrize(
    ("login", "group", "says"),
    [
        (("reader", "battery staple"), "readers", "does not let reader log in"),
        (("stranger", PASSWORD), "readers", "may not read the topic"),
        (("reader", PASSWORD), "another", "may not use the group another"),
    ],
)
def test_our_consumer_says_so_at_once(
    stage: Stage, login: tuple[str, str], group: str, says: str
) -> None:
    """Asked to wait for ever, it raises within three seconds instead.

    So a wrong password is tried at most a few times, by librdkafka's backoff.
    """
    config = {
        "bootstrap.servers": stage.kafka.bootstrap_servers,
        "group.id": group,
        "username": login[0],
        "password": login[1],
    }
    start = time.monotonic()

    with (
        AlertConsumer([OTHER], config) as consumer,
        pytest.raises(ConfigError, match=says) as caught,
    ):
        consumer.poll()

    assert time.monotonic() - start < 3
    assert login[1] not in str(caught.value)


def test_a_wrong_password_is_tried_a_few_times_only(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Until our consumer raises, the broker has refused at most five logins."""
    config = {
        "bootstrap.servers": stage.kafka.bootstrap_servers,
        "group.id": "readers",
        "username": "reader",
        "password": "wrong",
    }

    with (
        AlertConsumer([OPEN], config) as consumer,
        pytest.raises(ConfigError, match="log in"),
    ):
        consumer.poll()

    refused = [text for text in caplog.messages if "invalid credentials" in text]
    assert 1 <= len(refused) <= 5


def _first_answer(consumer: Any, heard: list[KafkaError]) -> KafkaError | None:
    """Give the first error or None for a record; a refused login is only heard."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        message = consumer.poll(0.05)
        refused = [e for e in heard if e.code() == LOGIN]
        if refused:
            return refused[0]
        if message is not None:
            error: KafkaError | None = message.error()
            return error
    raise AssertionError("nothing came")


def _refusal_of_topic(consumer: Any) -> KafkaError:
    """Read past the records that are buffered, and the refusal of the group."""
    for _ in range(100):
        error = _first_answer(consumer, [])
        if error is not None and error.code() == TOPIC:
            return error
    raise AssertionError("no error came")
