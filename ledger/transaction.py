"""The transaction that sends a unit's alerts together with its rows of the ledger."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Producer

from ledger.record import Record
from ledger.row import PartitionRange
from ledger.verdict import BLAMES_TOPIC, Verdict, judge, true_cause
from nightmail.silence import silent_logger
from settings.errors import NewerRunError, SettingsError
from settings.names import GROUP_PREFIX

TRANSACTION_TIMEOUT_MS = 180_000
"""How long one transaction may take before the broker aborts it [ms].

Much longer than a unit takes; the next run of the night does not wait for it.
"""

INIT_PATIENCE_S = 60.0
"""How long a new producer tries to own its id [s]."""

COMMIT_PATIENCE_S = 150.0
"""How long a commit is repeated while its outcome is only late [s]."""

SLICE_S = 10.0
"""Length of one attempt at a call that may be repeated [s]."""

MAX_MESSAGE_BYTES = 4_000_000
"""Largest record that is sent [byte]; topics accept a little more."""

QUEUE_KBYTES = 65_536
"""What librdkafka may hold before produce() waits [kB]."""


class RestartError(Exception):
    """The producer is of no more use: a new one, and the ledger again."""


class RefusedError(Exception):
    """The transaction is dead because of some topics.

    `topics` maps each topic that is known to be at fault to the reason; where it is
    empty, the broker refused without a name.
    """

    def __init__(self, why: str, topics: Mapping[str, str]) -> None:
        super().__init__(why, topics)
        self.why = why
        self.topics = dict(topics)


@dataclass
class Deliveries:
    """What the broker confirmed, by topic and partition."""

    ranges: dict[tuple[str, int], PartitionRange] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def report(self, error: Any, message: Any) -> None:
        """Take one delivery report."""
        topic, partition = message.topic(), message.partition()
        if error is not None:
            if error.code() in BLAMES_TOPIC:
                self.refused.setdefault(topic, error.str())
            return
        offset, here = message.offset(), (topic, partition)
        old = self.ranges.get(here, PartitionRange(partition, offset, offset, 0))
        self.ranges[here] = PartitionRange(
            partition,
            min(old.first_offset, offset),
            max(old.last_offset, offset),
            old.count + 1,
        )
        self.bytes[topic] = self.bytes.get(topic, 0) + len(message)

    def of(self, topic: str) -> tuple[PartitionRange, ...]:
        """Ranges of one topic, by partition."""
        return tuple(r for (t, _), r in sorted(self.ranges.items()) if t == topic)


class Transactor:
    """A producer that owns a transactional id; making it fences every older owner.

    It is good for transactions until one fails, and thrown away then.

    Raises
    ------
    NewerRunError
        A newer producer has the id.
    RestartError
        The broker does not answer in time.
    """

    def __init__(self, config: Mapping[str, Any], transactional_id: str) -> None:
        self.id = transactional_id
        self._producer = Producer(
            dict(config)
            | {
                "transactional.id": transactional_id,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "compression.type": "zstd",
                "compression.level": 1,
                "queue.buffering.max.kbytes": QUEUE_KBYTES,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "topic.metadata.propagation.max.ms": 3000,
            },
            logger=silent_logger(),
        )
        self._patiently(
            lambda: self._producer.init_transactions(SLICE_S), "init", INIT_PATIENCE_S
        )

    def send(
        self,
        records: Iterable[Record],
        remember: Callable[[Deliveries], Iterable[Record]],
        *,
        at: Callable[[str], None] = lambda _: None,
    ) -> Deliveries:
        """Send records and what the ledger says of them, all or nothing.

        Parameters
        ----------
        records
            What goes to the topics.
        remember
            Makes the ledger's records of what was delivered.
        at
            Told the name of each point that is passed.

        Raises
        ------
        RefusedError
            Some topic refused; nothing was sent.
        RestartError
            The outcome is unknown or the producer dead.
        NewerRunError
            A newer run has taken over.
        """
        deliveries = Deliveries()
        self._patiently(self._producer.begin_transaction, "begin", SLICE_S)
        at("begin")
        for record in records:
            self._produce(record, deliveries)
            at("produce")
        self._wait_for(deliveries)
        for record in remember(deliveries):
            self._produce(record, Deliveries())
        at("before commit")
        self._patiently(
            lambda: self._producer.commit_transaction(SLICE_S),
            "commit",
            COMMIT_PATIENCE_S,
            deliveries,
        )
        at("after commit")
        return deliveries

    def abandon(self) -> None:
        """Throw away what is queued, so that the producer can end."""
        self._producer.purge()

    def _produce(self, record: Record, deliveries: Deliveries) -> None:
        while True:
            try:
                with _plain_errors():
                    self._enqueue(record, deliveries)
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                # What produce() refuses is not part of the transaction: a commit would
                # succeed without it.
                raise self._ending(
                    error, "produce", deliveries, record.topic
                ) from error
            else:
                return

    def _enqueue(self, record: Record, deliveries: Deliveries) -> None:
        self._producer.produce(
            record.topic,
            record.value,
            record.key,
            record.partition,
            headers=list(record.headers),
            on_delivery=deliveries.report,
        )
        self._producer.poll(0)

    def _wait_for(self, deliveries: Deliveries) -> None:
        deadline = time.monotonic() + TRANSACTION_TIMEOUT_MS / 1000
        try:
            with _plain_errors():
                while self._producer.flush(1.0):
                    if deliveries.refused or time.monotonic() > deadline:
                        break
        except KafkaException as error:
            raise self._ending(error, "flush", deliveries) from error
        if deliveries.refused:
            self._refuse_if_overtaken()
            raise RefusedError("The broker refused", deliveries.refused)
        if self._producer.flush(0):
            raise RestartError("The broker did not take all alerts in time.")

    def _refuse_if_overtaken(self) -> None:
        """Raise where a newer run has taken over: that comes before all else."""
        try:
            self._producer.abort_transaction(SLICE_S)
        except KafkaException as error:
            if judge(error.args[0]) is Verdict.STOP:
                raise self._ending(error, "abort", Deliveries()) from error

    def _patiently(
        self,
        call: Callable[[], Any],
        what: str,
        patience_s: float,
        deliveries: Deliveries | None = None,
    ) -> None:
        """Repeat the same call while it is only late; anything else ends it."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                with _plain_errors():
                    call()
            except KafkaException as error:
                late = judge(error.args[0]) is Verdict.AGAIN
                if late and time.monotonic() < deadline:
                    continue
                raise self._ending(error, what, deliveries or Deliveries()) from error
            else:
                return

    def _ending(
        self,
        error: KafkaException,
        what: str,
        deliveries: Deliveries,
        topic: str | None = None,
    ) -> Exception:
        cause = true_cause(error.args[0], self._producer)
        why = f"{what}: {cause.name()}: {cause.str()}"
        verdict = judge(cause)
        if verdict is Verdict.STOP:
            return NewerRunError(f"A newer run works on {self.id}.")
        if verdict is Verdict.DENIED:
            return SettingsError(
                f"The publisher may not use the transactional id {self.id}: grant Write"
                f" and Describe on transactional ids that begin with {GROUP_PREFIX}."
            )
        if verdict is not Verdict.BLAME and not deliveries.refused:
            return RestartError(why)
        blamed = dict(deliveries.refused)
        # A cause that produce() hid is of an earlier record than this one.
        if topic and verdict is Verdict.BLAME and cause is error.args[0]:
            blamed.setdefault(topic, cause.str())
        return RefusedError(why, blamed)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Take a fatal error out of the SystemError that a delivery report makes of it."""
    try:
        yield
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KafkaException):
            cause = cause.__cause__
        raise cause or error from error
