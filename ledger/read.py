"""Reading the ledger: what was sent, as of now."""

import time
from collections.abc import Iterable, Mapping
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

from ledger.row import LedgerKey, LedgerRow
from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError
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

BATCH = 10_000
"""Records taken from librdkafka at a time."""


class LedgerReader:
    """One consumer that reads any partitions of the ledger, from the beginning.

    Reads with `read_committed` up to the high watermark taken when asked: reading to
    the last stable offset would stop at a stranger's open transaction, miss rows of our
    own behind it, and send those alerts twice.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._admin = AdminClient(dict(config), logger=silent_logger())
        self._consumer = Consumer(
            dict(config)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

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
            The broker does not answer, or a transaction stays open for longer than
            PATIENCE_S.
        """
        return self._read(partitions, night, IsolationLevel.READ_UNCOMMITTED)

    def read_settled(self, partitions: Iterable[int], night: Night) -> Entries:
        """Read the rows of one night up to the first open transaction.

        What a killed run left open is not waited for. Rows behind it are missing here:
        enough to plan by, since each shard reads again when it has become the owner.

        Raises
        ------
        BrokerUnavailableError
            The broker does not answer.
        """
        return self._read(partitions, night, IsolationLevel.READ_COMMITTED)

    def _read(
        self, partitions: Iterable[int], night: Night, until: IsolationLevel
    ) -> Entries:
        try:
            return self._read_to_end(sorted(set(partitions)), night, until)
        except KafkaException as error:
            raise BrokerUnavailableError(
                f"The ledger ({LEDGER_TOPIC}) cannot be read: {error.args[0].str()}."
            ) from error

    def _read_to_end(
        self, partitions: list[int], night: Night, until: IsolationLevel
    ) -> Entries:
        ends = self._ends(partitions, until)
        self._consumer.assign(
            [TopicPartition(LEDGER_TOPIC, p, OFFSET_BEGINNING) for p in partitions]
        )
        reached = dict.fromkeys(partitions, 0)
        found: Entries = {}
        deadline = time.monotonic() + PATIENCE_S
        while any(reached[p] < ends[p] for p in partitions):
            for message in self._consumer.consume(BATCH, 0.2):
                _take(message, night, reached, found)
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(
                    f"A transaction on {LEDGER_TOPIC} stays open; try again soon."
                )
        return found

    def _ends(self, partitions: list[int], until: IsolationLevel) -> dict[int, int]:
        """High watermarks, or last stable offsets."""
        wanted = {TopicPartition(LEDGER_TOPIC, p): LATEST for p in partitions}
        futures = self._admin.list_offsets(
            wanted, isolation_level=until, request_timeout=20
        )
        return {tp.partition: f.result().offset for tp, f in futures.items()}


def _take(message: Any, night: Night, reached: dict[int, int], found: Entries) -> None:
    error = message.error()
    partition = message.partition()
    if error is None:
        reached[partition] = message.offset() + 1
        key = LedgerKey.decode(message.key())
        if (key.prefix, key.survey, key.night) == night and message.value():
            found[key.unit, key.topic] = LedgerRow.decode(message.value())
    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
        # Only the end's own offset lies behind control records and aborted rows.
        reached[partition] = max(reached[partition], message.offset())
    elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is used
        raise KafkaException(error)
