"""Reading the ledger: what was sent, as of now."""

import gc
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from ledger.row import CLAIM, LedgerKey, LedgerRow, begin_key
from ledger.verdict import At, Verdict, judge
from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError, SettingsError
from settings.names import GROUP_PREFIX, LEDGER_TOPIC

Night = tuple[str, str, str]
"""Prefix, survey and night."""

Entries = dict[tuple[str, str], LedgerRow]
"""Row of each (unit, topic)."""

LATEST: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]
"""Asks for the offset behind the last record."""

PATIENCE_S = 240.0
"""How long another transaction on the same partition may stay open [s].

Longer than the broker lets a dead producer's stay, see `ledger.transaction`.
"""

AWAY_S = 90.0
"""How long the broker may be away before the reading is given up [s]."""

ANSWER_S = 10.0
"""How long one question to the broker may take [s].

After so long without a record, the broker is asked whether it is there at all.
"""

PAUSE_S = 1.0
"""Pause before the ledger is read again from its beginning [s]."""

BATCH = 10_000
"""Records taken from librdkafka at a time."""

WAIT_S = 0.05
"""How long they are waited for, which librdkafka does until it has them all [s]."""


class LedgerReader:
    """One consumer that reads any partitions of the ledger, from the beginning.

    Reads with `read_committed` up to the high watermark taken when asked: reading to
    the last stable offset would stop at a stranger's open transaction, miss rows of our
    own behind it, and send those alerts twice.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        self.claims: dict[int, int] = {}
        """Number of the run that claimed each shard last, as of the last reading."""

        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def _open(self) -> None:
        self._met = False
        self._admin = AdminClient(self._config, logger=silent_logger())
        self._consumer = Consumer(
            self._config
            | {
                "group.id": f"{GROUP_PREFIX}.ledger",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
            },
            logger=silent_logger(),
        )

    def read(self, partitions: Iterable[int], night: Night) -> Entries:
        """Read all rows of one night, and wait for transactions that are open.

        Parameters
        ----------
        partitions
            Partitions of the ledger.
        night
            Prefix, survey and night.

        Raises
        ------
        BrokerUnavailableError
            The broker does not answer for AWAY_S, or a transaction stays open for
            longer than PATIENCE_S.
        SettingsError
            The publisher may not read the ledger.
        """
        return self._read(partitions, night, IsolationLevel.READ_UNCOMMITTED)

    def read_settled(self, partitions: Iterable[int], night: Night) -> Entries:
        """Read the rows of one night up to the first open transaction.

        What a killed run left open is not waited for. Rows behind it are missing here:
        enough to plan by, since each shard reads again when it has become the owner.

        Raises
        ------
        BrokerUnavailableError
            The broker does not answer for AWAY_S.
        SettingsError
            The publisher may not read the ledger.
        """
        return self._read(partitions, night, IsolationLevel.READ_COMMITTED)

    def _read(
        self, partitions: Iterable[int], night: Night, until: IsolationLevel
    ) -> Entries:
        deadline = float("inf")
        while True:
            try:
                return self._read_to_end(sorted(set(partitions)), night, until)
            except KafkaException as error:
                deadline = min(deadline, time.monotonic() + AWAY_S)
                if fault := _fault(error.args[0], overdue=time.monotonic() > deadline):
                    raise fault from error
            time.sleep(PAUSE_S)
            # An AdminClient asks with the leader epoch that it has seen first, so after
            # a broker's restart it is refused (FENCED_LEADER_EPOCH) for ever.
            self._consumer.close()
            self._open()

    def _read_to_end(
        self, partitions: list[int], night: Night, until: IsolationLevel
    ) -> Entries:
        if not self._met:
            # Else the first fetch waits for half a second.
            self._consumer.list_topics(LEDGER_TOPIC, ANSWER_S)
            self._met = True
        ends = self._ends(partitions, until)
        self._consumer.assign(
            [TopicPartition(LEDGER_TOPIC, p, OFFSET_BEGINNING) for p in partitions]
        )
        try:
            found = self._take_all(partitions, ends, night, until)
        finally:
            # It would go on fetching, for as long as the shard takes.
            self._consumer.unassign()
        with _no_garbage_sought():
            rows = _decode(found)
        self.claims = {
            int(shard): int(value) for shard, value in _claims(found, night).items()
        }
        return rows

    def _take_all(
        self,
        partitions: list[int],
        ends: Mapping[int, int],
        night: Night,
        until: IsolationLevel,
    ) -> dict[bytes, bytes | None]:
        """Take the night's rows up to the ends, the last one of each key."""
        reached = dict.fromkeys(partitions, 0)
        mine = begin_key(night)
        found: dict[bytes, bytes | None] = {}
        heard = time.monotonic()
        deadline = heard + PATIENCE_S
        while any(reached[p] < ends[p] for p in partitions):
            messages = self._consumer.consume(BATCH, WAIT_S)
            for message in messages:
                _take(message, mine, reached, found)
            now = time.monotonic()
            if now > deadline:
                raise BrokerUnavailableError(_tell_open(ends, reached))
            if messages:
                heard = now
            elif now > heard + ANSWER_S:
                # A consumer does not tell that its broker is gone.
                self._ends(partitions, until)
                heard = now
        return found

    def _ends(self, partitions: list[int], until: IsolationLevel) -> dict[int, int]:
        """High watermarks, or last stable offsets."""
        wanted = {TopicPartition(LEDGER_TOPIC, p): LATEST for p in partitions}
        futures = self._admin.list_offsets(
            wanted, isolation_level=until, request_timeout=ANSWER_S
        )
        ends = {tp.partition: f.result().offset for tp, f in futures.items()}
        if any(end < 0 for end in ends.values()):
            # So librdkafka tells that the time is over: no error, and no offset.
            late = KafkaError(KafkaError._TIMED_OUT, "The broker does not answer")  # noqa: SLF001
            raise KafkaException(late)
        return ends


def _fault(error: KafkaError, *, overdue: bool) -> Exception | None:
    """Tell what to raise; None where the ledger is to be read again."""
    if judge(error, At.READ) is Verdict.DENIED:
        return SettingsError(
            f"The publisher may not read {LEDGER_TOPIC}: grant Read and Describe on it."
        )
    if overdue:
        return BrokerUnavailableError(
            f"The ledger ({LEDGER_TOPIC}) cannot be read: {error.str()}."
        )
    return None


def _tell_open(ends: Mapping[int, int], reached: Mapping[int, int]) -> str:
    partitions = ", ".join(str(p) for p, end in ends.items() if reached[p] < end)
    return (
        f"A transaction on {LEDGER_TOPIC} (partition {partitions}) stays open: try"
        " again, and if it still does, find and abort it by kafka-transactions.sh."
    )


def _take(
    message: Any,
    mine: bytes,
    reached: dict[int, int],
    found: dict[bytes, bytes | None],
) -> None:
    error = message.error()
    partition = message.partition()
    if error is None:
        reached[partition] = message.offset() + 1
        if message.key().startswith(mine):
            found[message.key()] = message.value()
    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
        # Only the end's own offset lies behind control records and aborted rows.
        reached[partition] = max(reached[partition], message.offset())
    elif judge(error, At.READ) is not Verdict.IGNORE:
        raise KafkaException(error)


@contextmanager
def _no_garbage_sought() -> Iterator[None]:
    """Keep Python from searching a million new objects for cycles, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _decode(found: Mapping[bytes, bytes | None]) -> Entries:
    """Decode the last row of each key; one without a value was deleted."""
    entries: Entries = {}
    for record_key, value in found.items():
        key = LedgerKey.decode(record_key)
        if value and key.unit != CLAIM:
            entries[key.unit, key.topic] = LedgerRow.decode(value)
    return entries


def _claims(found: Mapping[bytes, bytes | None], night: Night) -> dict[str, bytes]:
    """Give the claims among the last rows, by shard."""
    beginning = begin_key((*night, CLAIM))
    return {
        LedgerKey.decode(record_key).topic: value
        for record_key, value in found.items()
        if value and record_key.startswith(beginning)
    }
