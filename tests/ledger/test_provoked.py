"""Each rule of the table, provoked on a broker that is well."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from cluster.access import KafkaAccess
from cluster.users import ensure_user
from ledger.deliveries import Deliveries
from ledger.read import LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import (
    MAX_MESSAGE_BYTES,
    RefusedError,
    RestartError,
    Transactor,
)
from settings.errors import NewerRunError, SettingsError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, PUBLISHER
from tests.ledger.conftest import NIGHT, provokes, read_committed

pytestmark = pytest.mark.kafka

NOISE = os.urandom(5_000)
"""What no compression makes smaller."""

MakeTopic = Callable[..., str]


def _record(topic: str, value: bytes = b"alert", partition: int = 0) -> Record:
    return Record(topic, partition, b"key", value)


def _nothing(_: Deliveries) -> list[Record]:
    return []


def _set_right(
    access: KafkaAccess,
    user: str,
    name: str,
    operation: AclOperation,
    permission: AclPermissionType = AclPermissionType.ALLOW,
) -> None:
    """Give or deny a user a right on a topic."""
    literal, admin = ResourcePatternType.LITERAL, AdminClient(dict(access.admin))
    right = AclBinding(
        ResourceType.TOPIC, name, literal, f"User:{user}", "*", operation, permission
    )
    for answer in admin.create_acls([right]).values():
        answer.result()


def _deny(access: KafkaAccess, topic: str, operation: AclOperation) -> None:
    _set_right(access, PUBLISHER, topic, operation, AclPermissionType.DENY)


def _on_pass(point: str, do: dict[int, Callable[[], Any]]) -> Callable[[str], None]:
    """Do something when a point is passed for the n-th time."""
    passed = itertools.count(1)

    def at(where: str) -> None:
        if where == point:
            do.get(next(passed), lambda: None)()

    return at


def _wait() -> None:
    """Give librdkafka's own thread time to hear from the broker."""
    time.sleep(1)


@provokes("newer run")
@pytest.mark.parametrize(
    ("point", "records"),
    [("begin", 1), ("produce", 1), ("produce", 2), ("before commit", 1)],
    ids=["begin", "flush", "poll", "commit"],
)
def test_fenced_by_a_newer_producer(
    access: KafkaAccess, topic: str, owner: str, point: str, records: int
) -> None:
    """Wherever the older stands it learns of the newer, and sends nothing."""
    older = Transactor(access.publisher, owner)

    def fence() -> None:
        Transactor(access.publisher, owner)
        _wait()

    with pytest.raises(NewerRunError):
        older.send([_record(topic)] * records, _nothing, at=_on_pass(point, {1: fence}))

    assert read_committed(access, topic) == []


@provokes("newer run")
def test_fenced_before_it_begins(access: KafkaAccess, topic: str, owner: str) -> None:
    """A producer that was fenced stays so."""
    older = Transactor(access.publisher, owner)
    Transactor(access.publisher, owner)

    for _ in range(2):
        with pytest.raises(NewerRunError):
            older.send([_record(topic)], _nothing, at=_on_pass("produce", {1: _wait}))

    assert read_committed(access, topic) == []


@provokes("newer run", "batch too large")
def test_fenced_while_a_topic_refuses(
    access: KafkaAccess, make_topic: MakeTopic, owner: str
) -> None:
    """That someone newer works here comes before any refusal."""
    small = make_topic("small", max_message_bytes="1000")
    older = Transactor(access.publisher, owner)

    def fence() -> None:
        _wait()
        Transactor(access.publisher, owner)

    with pytest.raises(NewerRunError):
        older.send(
            [_record(small, NOISE)], _nothing, at=_on_pass("produce", {1: fence})
        )


@provokes("producer dead, cause hidden", "newer run")
def test_produce_hides_that_a_producer_is_fenced(
    access: KafkaAccess, topic: str, owner: str
) -> None:
    """_FATAL alone would be met by a new producer, which would fence the newer."""
    older = Transactor(access.publisher, owner)
    passes = {1: lambda: Transactor(access.publisher, owner), 2: _wait}

    with pytest.raises(NewerRunError):
        older.send([_record(topic)] * 3, _nothing, at=_on_pass("produce", passes))

    assert read_committed(access, topic) == []


@provokes("transaction dead, cause hidden", "topic denied")
def test_produce_hides_that_a_topic_is_denied(
    access: KafkaAccess, make_topic: MakeTopic, owner: str
) -> None:
    """_STATE blames nobody: not the topic whose record it met."""
    denied, other = make_topic("denied"), make_topic("other")
    _deny(access, denied, AclOperation.WRITE)
    records = [_record(denied), _record(other)]

    with pytest.raises(RefusedError, match="TOPIC_AUTHORIZATION_FAILED") as caught:
        Transactor(access.publisher, owner).send(
            records, _nothing, at=_on_pass("produce", {1: _wait})
        )

    assert caught.value.topics == {}


@provokes("topic denied", "purged")
def test_a_denied_topic(access: KafkaAccess, make_topic: MakeTopic, owner: str) -> None:
    """Only the commit tells, and it names no topic."""
    denied, other = make_topic("denied"), make_topic("other")
    _deny(access, denied, AclOperation.WRITE)

    with pytest.raises(RefusedError, match="TOPIC_AUTHORIZATION_FAILED") as caught:
        Transactor(access.publisher, owner).send(
            [_record(other), _record(denied)], _nothing
        )

    assert caught.value.topics == {}
    assert read_committed(access, other) == []


@provokes("id denied")
def test_a_denied_id(access: KafkaAccess) -> None:
    """The missing right is named."""
    with pytest.raises(SettingsError, match="grant Write and Describe"):
        Transactor(access.publisher, "not-ours")


@provokes("producer dead")
def test_a_fatal_error_that_is_no_fence(
    access: KafkaAccess, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out longer than the broker allows ends the producer, not the run."""
    monkeypatch.setattr("ledger.transaction.TRANSACTION_TIMEOUT_MS", 1_000_000)

    with pytest.raises(RestartError, match="INVALID_TRANSACTION_TIMEOUT"):
        Transactor(access.publisher, owner)


@provokes("newer run")
@pytest.mark.slow
def test_slower_than_the_transactions_time(
    access: KafkaAccess, topic: str, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that the broker gave up on ends as if there were a newer one."""
    monkeypatch.setattr("ledger.transaction.TRANSACTION_TIMEOUT_MS", 1_000)
    # The broker looks for transactions to give up every ten seconds.
    passes = {1: lambda: time.sleep(14)}

    with pytest.raises(NewerRunError):
        Transactor(access.publisher, owner).send(
            [_record(topic)], _nothing, at=_on_pass("before commit", passes)
        )

    assert read_committed(access, topic) == []


@provokes("batch too large")
def test_more_than_the_topic_takes(
    access: KafkaAccess, make_topic: MakeTopic, owner: str
) -> None:
    """The delivery report names the topic."""
    small, other = make_topic("small", max_message_bytes="1000"), make_topic("other")

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(
            [_record(other), _record(small, NOISE)], _nothing
        )

    assert set(caught.value.topics) == {small}
    assert read_committed(access, other) == []


@provokes("record too large")
def test_more_than_the_producer_takes(
    access: KafkaAccess, topic: str, owner: str
) -> None:
    """What produce() refuses is named: a commit would succeed without it."""
    records = [_record(topic), _record(topic, b"x" * (MAX_MESSAGE_BYTES + 1))]

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(records, _nothing)

    assert set(caught.value.topics) == {topic}
    assert read_committed(access, topic) == []


@provokes("topic missing")
def test_a_topic_that_is_not_there(
    access: KafkaAccess,
    topic: str,
    owner: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is named by the delivery report, once it has been missing for a while."""
    monkeypatch.setattr("ledger.transaction.METADATA_MS", 100)

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(
            [_record(topic), _record(topic + "x")], _nothing
        )

    assert set(caught.value.topics) == {topic + "x"}
    assert read_committed(access, topic) == []


@provokes("topic known missing")
def test_a_topic_that_is_known_to_be_missing(
    access: KafkaAccess, topic: str, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second record to it is refused by produce() itself."""
    monkeypatch.setattr("ledger.transaction.METADATA_MS", 100)

    def records() -> Iterator[Record]:
        yield _record(topic)
        yield _record(topic + "x")
        time.sleep(3)
        yield _record(topic + "x")

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(records(), _nothing)

    assert set(caught.value.topics) == {topic + "x"}
    assert read_committed(access, topic) == []


@provokes("partition missing")
@pytest.mark.parametrize("before", [[b"before"], []], ids=["produce", "report"])
def test_a_partition_that_is_not_there(
    access: KafkaAccess, topic: str, owner: str, before: list[bytes]
) -> None:
    """It is named, by produce() if the topic is known, else by the report."""
    transactor = Transactor(access.publisher, owner)
    if before:
        transactor.send([_record(topic, value) for value in before], _nothing)

    with pytest.raises(RefusedError) as caught:
        transactor.send([_record(topic), _record(topic, partition=99)], _nothing)

    assert set(caught.value.topics) == {topic}
    assert read_committed(access, topic) == before


@provokes("topic hidden")
def test_a_topic_that_we_may_not_see(
    access: KafkaAccess, make_topic: MakeTopic, owner: str
) -> None:
    """The delivery report names it."""
    hidden, other = make_topic("hidden"), make_topic("other")
    _deny(access, hidden, AclOperation.DESCRIBE)

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(
            [_record(other), _record(hidden)], _nothing
        )

    assert set(caught.value.topics) == {hidden}
    assert read_committed(access, other) == []


@provokes("record against the topic's rules")
def test_a_record_that_the_topic_does_not_allow(
    access: KafkaAccess, make_topic: MakeTopic, owner: str
) -> None:
    """A compacted topic takes no record without a key."""
    compacted = make_topic("compacted", cleanup_policy="compact")
    keyless: Any = Record(compacted, 0, None, b"alert")  # type: ignore[arg-type]

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send([keyless], _nothing)

    assert set(caught.value.topics) == {compacted}


@provokes("queue full")
def test_more_than_the_queue_holds(
    access: KafkaAccess, topic: str, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record that had to wait is sent once, in its place."""
    monkeypatch.setattr("ledger.transaction.QUEUE_KBYTES", 20)
    values = [b"%d " % number + NOISE for number in range(50)]

    Transactor(access.publisher, owner).send(
        [_record(topic, value) for value in values], _nothing
    )

    assert read_committed(access, topic) == values


@pytest.fixture
def stranger(settings: Settings, access: KafkaAccess) -> KafkaAccess:
    """Give access as a user who may only see that there is a ledger."""
    user = f"{settings.topics.prefix}stranger"
    ensure_user(access, user, password="secret")  # noqa: S106
    _set_right(access, user, LEDGER_TOPIC, AclOperation.DESCRIBE)
    config = dict(access.publisher) | {"sasl.username": user, "sasl.password": "secret"}
    return replace(access, publisher=config)


def _remember(settings: Settings) -> Callable[[Deliveries], list[Record]]:
    key = LedgerKey(settings.topics.prefix, "ztf", NIGHT, "a.parquet", "a_topic")
    row = LedgerRow("sent", "identity", "version")
    return lambda _: [Record(LEDGER_TOPIC, 0, key.encode(), row.encode())]


@provokes("ledger denied")
def test_a_ledger_that_we_may_not_read(
    settings: Settings, access: KafkaAccess, stranger: KafkaAccess, owner: str
) -> None:
    """The missing right is named, and nobody takes the ledger for empty."""
    Transactor(access.publisher, owner).send([], _remember(settings))

    with (
        LedgerReader(stranger.publisher) as reader,
        pytest.raises(SettingsError, match=f"may not read {LEDGER_TOPIC}"),
    ):
        reader.read([0], (settings.topics.prefix, "ztf", NIGHT))


@provokes("group denied")
def test_a_group_that_we_may_not_use(
    settings: Settings, access: KafkaAccess, stranger: KafkaAccess, owner: str
) -> None:
    """It is of no use, so its refusal stops nobody."""
    user = stranger.publisher["sasl.username"]
    _set_right(access, user, LEDGER_TOPIC, AclOperation.READ)
    transactor = Transactor(access.publisher, owner)
    found = []

    def read_meanwhile() -> None:
        with LedgerReader(stranger.publisher) as reader:
            found.append(reader.read([0], (settings.topics.prefix, "ztf", NIGHT)))

    def start_reading() -> None:
        transactor._producer.flush(10)
        reading.start()
        _wait()

    # The open transaction holds the reader for as long as the refusal takes.
    reading = Thread(target=read_meanwhile)
    transactor.send(
        [], _remember(settings), at=_on_pass("before commit", {1: start_reading})
    )
    reading.join()

    assert [set(rows) for rows in found] == [{("a.parquet", "a_topic")}]
