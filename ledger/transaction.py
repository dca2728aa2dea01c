"""The transaction that sends a unit's alerts together with its rows of the ledger."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer

from ledger.deliveries import Deliveries
from ledger.record import Record
from ledger.verdict import At, Verdict, judge
from nightmail.silence import silent_logger
from settings.errors import NewerRunError, SettingsError
from settings.names import GROUP_PREFIX

P = ParamSpec("P")
T = TypeVar("T")

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

METADATA_MS = 3_000
"""How long a topic may be missing before its records are given up [ms].

One that was just made is not known everywhere at once.
"""


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
                "topic.metadata.propagation.max.ms": METADATA_MS,
            },
            logger=silent_logger(),
        )
        self._patiently(
            lambda: self._producer.init_transactions(SLICE_S), At.INIT, INIT_PATIENCE_S
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
        self._patiently(self._producer.begin_transaction, At.BEGIN, SLICE_S)
        at("begin")
        for record in records:
            self._produce(record, deliveries)
            at("produce")
        self._wait_for(deliveries)
        for record in remember(deliveries):
            self._produce(record, deliveries)
        at("before commit")
        self._patiently(
            lambda: self._producer.commit_transaction(SLICE_S),
            At.COMMIT,
            COMMIT_PATIENCE_S,
            deliveries,
        )
        at("after commit")
        return deliveries

    def abandon(self) -> None:
        """Throw away what is queued, so that the producer can end."""
        self._producer.purge()

    def _produce(self, record: Record, deliveries: Deliveries) -> None:
        """Hand over one record; waits while librdkafka holds as much as it may."""
        while not self._takes(record, deliveries):
            self._hear(self._producer.poll, 0.05, deliveries)
            # Without this, a broker that is gone is waited for queue after queue.
            self._end_if_lost(deliveries)
        self._hear(self._producer.poll, 0, deliveries)

    def _takes(self, record: Record, deliveries: Deliveries) -> bool:
        try:
            _call(
                self._producer.produce,
                record.topic,
                record.value,
                record.key,
                record.partition,
                headers=list(record.headers),
                on_delivery=deliveries.listener(record.topic, record.partition),
            )
        except KafkaException as error:
            if judge(error.args[0], At.PRODUCE) is Verdict.AGAIN:
                return False
            # What produce() refuses is not part of the transaction: a commit would
            # succeed without it.
            raise self._ending(error, At.PRODUCE, deliveries, record.topic) from error
        return True

    def _hear(
        self, call: Callable[[float], int], wait_s: float, deliveries: Deliveries
    ) -> int:
        """Take delivery reports by poll() or flush()."""
        try:
            return _call(call, wait_s)
        except KafkaException as error:
            raise self._ending(error, At.POLL, deliveries) from error

    def _wait_for(self, deliveries: Deliveries) -> None:
        """Wait until the broker has all records."""
        flush = self._producer.flush
        deadline = time.monotonic() + TRANSACTION_TIMEOUT_MS / 1000
        while self._hear(flush, 1.0, deliveries):
            if deliveries.refused or deliveries.lost or time.monotonic() > deadline:
                break
        if deliveries.refused:
            self._refuse_if_overtaken()
            raise RefusedError("The broker refused", deliveries.refused)
        self._end_if_lost(deliveries)
        if self._hear(flush, 0, deliveries):
            raise RestartError("The broker did not take all alerts in time.")

    def _end_if_lost(self, deliveries: Deliveries) -> None:
        if deliveries.lost:
            self._refuse_if_overtaken()
            raise RestartError(deliveries.lost)

    def _refuse_if_overtaken(self) -> None:
        """Raise where a newer run has taken over: that comes before all else."""
        try:
            _call(self._producer.abort_transaction, SLICE_S)
        except KafkaException as error:
            if judge(error.args[0], At.ABORT) is Verdict.STOP:
                raise self._ending(error, At.ABORT, Deliveries()) from error

    def _patiently(
        self,
        call: Callable[[], Any],
        at: At,
        patience_s: float,
        deliveries: Deliveries | None = None,
    ) -> None:
        """Repeat the same call while it is only late; anything else ends it."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                _call(call)
            except KafkaException as error:
                now = At.OVERDUE if time.monotonic() > deadline else at
                if judge(error.args[0], now) is Verdict.AGAIN:
                    continue
                raise self._ending(error, at, deliveries or Deliveries()) from error
            else:
                return

    def _ending(
        self,
        error: KafkaException,
        at: At,
        deliveries: Deliveries,
        topic: str | None = None,
    ) -> Exception:
        """Make the exception that an error ends the transaction with."""
        cause = self._cause(error.args[0], at)
        verdict = judge(cause, at)
        if verdict is Verdict.STOP:
            return NewerRunError(
                f"A newer run works on {self.id}, or this one was held up for longer"
                f" than {TRANSACTION_TIMEOUT_MS / 1000:.0f} s: run the night again"
                " unless somebody else does."
            )
        if verdict is Verdict.DENIED:
            return SettingsError(
                f"The publisher may not use the transactional id {self.id}: grant Write"
                f" and Describe on transactional ids that begin with {GROUP_PREFIX}."
            )
        why = f"{at}: {cause.name()}: {cause.str()}"
        if verdict is not Verdict.BLAME and not deliveries.refused:
            return RestartError(why)
        blamed = dict(deliveries.refused)
        # A cause that produce() hid is of an earlier record than this one.
        if topic and verdict is Verdict.BLAME and cause is error.args[0]:
            blamed.setdefault(topic, cause.str())
        return RefusedError(why, blamed)

    def _cause(self, error: KafkaError, at: At) -> KafkaError:
        """Give an error itself, or what the producer says when asked."""
        if judge(error, at) is not Verdict.ASK:
            return error
        # Nothing can be committed in either state: the calls only tell why.
        dead = error.code() == KafkaError._FATAL  # noqa: SLF001
        ask = (
            self._producer.abort_transaction
            if dead
            else self._producer.commit_transaction
        )
        try:
            _call(ask, 1)
        except KafkaException as hidden:
            cause: KafkaError = hidden.args[0]
            return cause
        return error


def _call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call librdkafka, and have whatever it raises as a KafkaException."""
    try:
        return function(*args, **kwargs)
    except:  # noqa: E722 - a bare KafkaError comes too, and is no BaseException
        raised: Any = sys.exc_info()[1]
    raise _translate(raised)


def _translate(raised: Any) -> BaseException:
    """Find the error that was meant.

    A fatal error reaches Python while it takes delivery reports, and then comes as a
    KafkaError, or as a SystemError with or without it, as it happens.
    """
    if isinstance(raised, KafkaError):
        return KafkaException(raised)
    if isinstance(raised, BufferError):
        return KafkaException(KafkaError(KafkaError._QUEUE_FULL))  # noqa: SLF001
    if not isinstance(raised, SystemError):
        return raised  # type: ignore[no-any-return]
    cause: BaseException | None = raised
    while cause is not None and not isinstance(cause, KafkaException):
        cause = cause.__cause__
    return cause or KafkaException(KafkaError(KafkaError._FATAL))  # noqa: SLF001
