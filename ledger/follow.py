"""Following the ledger: what is being sent, as it is committed."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from ledger.read import Night
from ledger.row import CLAIM, LedgerKey, LedgerRow
from nightmail.silence import silent_logger
from settings.names import GROUP_PREFIX, LEDGER_TOPIC

BATCH = 1000
"""Rows taken at a time."""


class LedgerFollower:
    """Reads what is committed to the ledger from now on, for whoever shows progress.

    Where the broker is away there is just nothing new.
    """

    def __init__(
        self, config: Mapping[str, Any], partitions: int, *, night: Night
    ) -> None:
        self._night = night
        self._consumer = Consumer(
            dict(config)
            | {
                "group.id": f"{GROUP_PREFIX}.follow",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "latest",
            },
            logger=silent_logger(),
        )
        self._consumer.assign(
            [TopicPartition(LEDGER_TOPIC, p, OFFSET_END) for p in range(partitions)]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read_new(self) -> Iterator[tuple[LedgerKey, LedgerRow]]:
        """Yield the night's rows that came since it was last asked."""
        while messages := self._take():
            for message in messages:
                if message.error() is None and message.value():
                    key = LedgerKey.decode(message.key())
                    mine = (key.prefix, key.survey, key.night) == self._night
                    if mine and key.unit != CLAIM:
                        yield key, LedgerRow.decode(message.value())

    def _take(self) -> list[Any]:
        try:
            return self._consumer.consume(BATCH, 0.1)
        except KafkaException:
            return []
