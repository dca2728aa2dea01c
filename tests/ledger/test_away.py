"""Each rule of the table that takes a broker which is suspended or killed."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from ledger.deliveries import Deliveries
from ledger.read import Entries, LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import RestartError, Transactor
from settings.errors import BrokerUnavailableError
from settings.model import Settings
from settings.names import LEDGER_TOPIC
from tests.ledger.conftest import (
    NIGHT,
    OwnBroker,
    broker,
    own_kafka,
    provokes,
    read_committed,
)

__all__ = ["broker", "own_kafka"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Remember = Callable[[Deliveries], list[Record]]

SENT = {("a.parquet", "a_topic")}
"""Unit and topic of the row that the tests write."""


@pytest.fixture
def kafka_state(broker: OwnBroker) -> Path:
    """Have everything use the Kafka that may be broken."""
    return broker.settings.state_dir


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for seconds where the night waits for minutes."""
    monkeypatch.setattr("ledger.transaction.SLICE_S", 1.0)
    monkeypatch.setattr("ledger.transaction.INIT_PATIENCE_S", 3.0)
    monkeypatch.setattr("ledger.transaction.COMMIT_PATIENCE_S", 3.0)
    monkeypatch.setattr("ledger.read.ANSWER_S", 2.0)
    monkeypatch.setattr("ledger.read.AWAY_S", 3.0)
    monkeypatch.setattr("ledger.read.PAUSE_S", 0.2)


@pytest.fixture
def remember(settings: Settings) -> Remember:
    """Write one row into the ledger."""
    key = LedgerKey(settings.topics.prefix, "ztf", NIGHT, "a.parquet", "a_topic")
    row = LedgerRow("sent", "identity", "version")
    return lambda _: [Record(LEDGER_TOPIC, 0, key.encode(), row.encode())]


@pytest.fixture
def read(
    settings: Settings,
    access: KafkaAccess,
    owner: str,
    remember: Remember,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], Entries]]:
    """Read the row by one patient reader, which has read it once already."""
    monkeypatch.setattr("ledger.read.AWAY_S", 60.0)
    Transactor(access.publisher, owner).send([], remember)
    with LedgerReader(access.publisher) as reader:
        assert set(_read(settings, reader)) == SENT
        yield partial(_read, settings, reader)


def _records(topic: str, *values: bytes) -> list[Record]:
    return [Record(topic, 0, b"key", value) for value in values]


def _read(settings: Settings, reader: LedgerReader) -> Entries:
    return reader.read([0], (settings.topics.prefix, "ztf", NIGHT))


def _at(point: str, do: Callable[[], None]) -> Callable[[str], None]:
    return lambda where: do() if where == point else None


@provokes("late")
def test_a_commit_that_is_late(
    broker: OwnBroker,
    access: KafkaAccess,
    topic: str,
    owner: str,
    remember: Remember,
) -> None:
    """It is repeated, and the records are sent once."""
    transactor = Transactor(access.publisher, owner)

    transactor.send(
        _records(topic, b"1", b"2"),
        remember,
        at=_at("before commit", lambda: broker.suspend(for_s=2)),
    )

    assert read_committed(access, topic) == [b"1", b"2"]


@provokes("late", "overdue")
def test_a_commit_of_unknown_outcome(  # noqa: PLR0913, PLR0917
    broker: OwnBroker,
    settings: Settings,
    access: KafkaAccess,
    topic: str,
    owner: str,
    remember: Remember,
) -> None:
    """A new producer decides it; then topic and ledger say the same."""
    transactor = Transactor(access.publisher, owner)
    with pytest.raises(RestartError, match="_TIMED_OUT"):
        transactor.send(
            _records(topic, b"1"), remember, at=_at("before commit", broker.suspend)
        )
    broker.resume()

    Transactor(access.publisher, owner)

    with LedgerReader(access.publisher) as reader:
        rows = _read(settings, reader)
    assert len(read_committed(access, topic)) == len(rows)


@provokes("late", "overdue")
def test_an_owner_that_nobody_answers(
    broker: OwnBroker, access: KafkaAccess, owner: str
) -> None:
    """It does not wait for ever."""
    with broker.suspended(), pytest.raises(RestartError, match="_TIMED_OUT"):
        Transactor(access.publisher, owner)


@provokes("transaction dead")
def test_rows_that_time_out_in_the_commit(  # noqa: PLR0913, PLR0917
    broker: OwnBroker,
    access: KafkaAccess,
    topic: str,
    owner: str,
    monkeypatch: pytest.MonkeyPatch,
    remember: Remember,
) -> None:
    """The transaction is dead, however long the commit is repeated."""
    monkeypatch.setattr("ledger.transaction.TRANSACTION_TIMEOUT_MS", 2_000)
    monkeypatch.setattr("ledger.transaction.COMMIT_PATIENCE_S", 60.0)
    transactor = Transactor(access.publisher, owner)

    with pytest.raises(RestartError, match="commit"):
        transactor.send(
            _records(topic, b"1"), remember, at=_at("before commit", broker.suspend)
        )
    broker.resume()
    Transactor(access.publisher, owner)

    assert read_committed(access, topic) == []


@provokes("queue full", "anything else")
def test_a_queue_that_stays_full(
    broker: OwnBroker,
    access: KafkaAccess,
    topic: str,
    owner: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first record that times out ends the wait: not queue after queue."""
    monkeypatch.setattr("ledger.transaction.TRANSACTION_TIMEOUT_MS", 2_000)
    monkeypatch.setattr("ledger.transaction.QUEUE_KBYTES", 100)
    transactor = Transactor(access.publisher, owner)
    handed = []

    def records() -> Iterator[Record]:
        for number in range(100):
            handed.append(number)
            yield from _records(topic, os.urandom(20_000))

    with pytest.raises(RestartError, match="_MSG_TIMED_OUT"):
        transactor.send(records(), lambda _: [], at=_at("begin", broker.suspend))

    assert len(handed) < 20


@provokes("ledger away")
def test_a_ledger_that_nobody_gives(
    broker: OwnBroker, settings: Settings, access: KafkaAccess
) -> None:
    """The reader gives up, and does not take the ledger for empty."""
    with (
        LedgerReader(access.publisher) as reader,
        broker.suspended(),
        pytest.raises(BrokerUnavailableError, match=LEDGER_TOPIC),
    ):
        _read(settings, reader)


@provokes("ledger away")
def test_a_ledger_that_is_away_for_a_while(
    broker: OwnBroker, read: Callable[[], Entries]
) -> None:
    """The same reader waits for it, and does not take the ledger for empty."""
    broker.suspend(for_s=5)

    rows = read()

    assert set(rows) == SENT


@provokes("anything else")
def test_a_ledger_whose_broker_was_killed(
    broker: OwnBroker, read: Callable[[], Entries]
) -> None:
    """The same reader goes on, though what it knows of the leaders is refused."""
    broker.kill()
    broker.restore()

    rows = read()

    assert set(rows) == SENT


@provokes("ledger away")
def test_a_ledger_that_breaks_off(
    broker: OwnBroker, read: Callable[[], Entries], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that goes while it is being read is missed, and waited for."""
    ask = LedgerReader._ends

    def ask_and_suspend(*about: Any) -> dict[int, int]:
        ends = ask(*about)
        monkeypatch.setattr(LedgerReader, "_ends", ask)
        broker.suspend(for_s=5)
        return ends

    monkeypatch.setattr(LedgerReader, "_ends", ask_and_suspend)
    rows = read()

    assert set(rows) == SENT
