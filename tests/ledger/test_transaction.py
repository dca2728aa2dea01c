"""Transactions on a real broker: all or nothing, and only one owner."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from cluster.access import KafkaAccess
from ledger.deliveries import Deliveries
from ledger.read import LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import (
    MAX_MESSAGE_BYTES,
    RefusedError,
    Transactor,
    _call,
)
from settings.errors import NewerRunError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, transactional_id
from tests.ledger.conftest import NIGHT, read_committed

pytestmark = pytest.mark.kafka

FENCED = KafkaError(KafkaError._FENCED, "a newer instance", fatal=True)


def _nothing(_: Deliveries) -> list[Record]:
    return []


def _remember(key: LedgerKey, rows: int) -> Any:
    row = LedgerRow("sent", "identity", "version", rows=rows)
    return lambda _: [Record(LEDGER_TOPIC, 0, key.encode(), row.encode())]


def test_alerts_and_ledger_are_committed_together(
    settings: Settings, access: KafkaAccess, topic: str, owner: str
) -> None:
    """After a commit the topic has the alerts, and the ledger the row."""
    key = LedgerKey(settings.topics.prefix, "ztf", NIGHT, "a.parquet", topic)
    records = [Record(topic, 0, b"k", b"%d" % i) for i in range(3)]

    sent = Transactor(access.publisher, owner).send(records, _remember(key, 3))

    assert read_committed(access, topic) == [b"0", b"1", b"2"]
    assert [(r.partition, r.count) for r in sent.of(topic)] == [(0, 3)]
    with LedgerReader(access.publisher) as reader:
        rows = reader.read([0], (settings.topics.prefix, "ztf", NIGHT))
    assert {k: r.rows for k, r in rows.items()} == {("a.parquet", topic): 3}


def test_what_is_not_committed_is_never_seen(
    access: KafkaAccess, topic: str, owner: str
) -> None:
    """A producer that dies before its commit leaves nothing to readers."""

    class DiedError(Exception):
        pass

    def die(point: str) -> None:
        if point == "before commit":
            raise DiedError

    first = Transactor(access.publisher, owner)
    with pytest.raises(DiedError):
        first.send([Record(topic, 0, b"k", b"lost")], _nothing, at=die)

    second = Transactor(access.publisher, owner)
    second.send([Record(topic, 0, b"k", b"kept")], _nothing)

    assert read_committed(access, topic) == [b"kept"]


def test_a_newer_owner_ends_the_older(
    access: KafkaAccess, topic: str, owner: str
) -> None:
    """Of two producers with one id only the newer can send."""
    older = Transactor(access.publisher, owner)
    newer = Transactor(access.publisher, owner)

    with pytest.raises(NewerRunError, match=NIGHT):
        older.send([Record(topic, 0, b"k", b"older")], _nothing)
    newer.send([Record(topic, 0, b"k", b"newer")], _nothing)

    assert read_committed(access, topic) == [b"newer"]


def test_the_ledger_is_read_past_a_strangers_open_transaction(
    settings: Settings, access: KafkaAccess, topic: str, owner: str
) -> None:
    """Rows behind another night's open transaction are waited for, not missed."""
    prefix = settings.topics.prefix
    mine = LedgerKey(prefix, "ztf", NIGHT, "a.parquet", topic)
    theirs = LedgerKey(prefix, "ztf", "20260302", "a.parquet", topic)
    stranger = Transactor(
        access.publisher, transactional_id(prefix, "ztf", "20260302", 0)
    )
    seen = {}

    def read_meanwhile(point: str) -> None:
        if point == "before commit":
            Transactor(access.publisher, owner).send([], _remember(mine, 1))

    stranger.send([], _remember(theirs, 2), at=read_meanwhile)
    with LedgerReader(access.publisher) as reader:
        seen = reader.read([0], (prefix, "ztf", NIGHT))

    assert set(seen) == {("a.parquet", topic)}


def test_what_a_dead_run_left_open_does_not_hold_a_plan(
    settings: Settings, access: KafkaAccess, topic: str, owner: str
) -> None:
    """The settled rows are read at once, though a transaction behind them is open."""
    prefix = settings.topics.prefix
    kept = LedgerKey(prefix, "ztf", NIGHT, "a.parquet", topic)
    lost = LedgerKey(prefix, "ztf", NIGHT, "b.parquet", topic)
    producer = Transactor(access.publisher, owner)
    producer.send([], _remember(kept, 1))
    found = []

    def read_meanwhile(point: str) -> None:
        if point == "before commit":
            # The row has to reach the broker for the transaction to stand in the way.
            producer._producer.flush(10)
            with LedgerReader(access.publisher) as reader:
                found.append(reader.read_settled([0], (prefix, "ztf", NIGHT)))

    producer.send([], _remember(lost, 2), at=read_meanwhile)

    assert set(found[0]) == {("a.parquet", topic)}


@pytest.mark.parametrize(
    ("where", "partition", "size"),
    [("missing", 0, 10), ("", 99, 10), ("", 0, MAX_MESSAGE_BYTES + 1)],
    ids=["unknown topic", "unknown partition", "too large"],
)
def test_a_refusal_names_its_topic(  # noqa: PLR0913, PLR0917
    access: KafkaAccess, topic: str, owner: str, where: str, partition: int, size: int
) -> None:
    """What one topic refuses sends nothing, and says which topic it was."""
    bad = topic + where
    records = [
        Record(topic, 0, b"k", b"good"),
        Record(bad, partition, b"k", b"x" * size),
    ]

    with pytest.raises(RefusedError) as caught:
        Transactor(access.publisher, owner).send(records, _nothing)

    assert set(caught.value.topics) == {bad}
    assert read_committed(access, topic) == []


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KafkaException(FENCED), FENCED.code()),
        (FENCED, FENCED.code()),
        (SystemError("returned NULL without setting an exception"), KafkaError._FATAL),
        (BufferError(), KafkaError._QUEUE_FULL),
    ],
    ids=["as it should", "bare", "lost", "queue full"],
)
def test_errors_of_librdkafka_in_every_shape(raised: Any, code: int) -> None:
    """A fatal error may come as what is no exception, or as one that says nothing."""

    def fail() -> None:
        raise raised

    with pytest.raises(KafkaException) as caught:
        _call(fail)

    assert caught.value.args[0].code() == code


def test_a_fatal_error_inside_another() -> None:
    """The error is looked for behind the one that Python made of it."""

    def fail() -> None:
        raise SystemError("a result with an exception set") from KafkaException(FENCED)

    with pytest.raises(KafkaException) as caught:
        _call(fail)

    assert caught.value.args[0] is FENCED
