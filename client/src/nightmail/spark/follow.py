"""Records of ranges of offsets, as they come."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

from confluent_kafka import KafkaError, TopicPartition

from nightmail._errors import AlertError, ConfigError
from nightmail.spark.log import open_consumer
from nightmail.spark.ranges import Place, Range
from nightmail.spark.wish import Wish

__all__ = ["Follower"]

PATIENCE_S = 60.0
"""How long a partition may give nothing before its range is at its end [s]."""

_SLICE_S = 0.2
_MESSAGES = 64
"""Records taken from librdkafka at a time; the largest have 620 kB."""

_QUEUE_KB = 16_384
"""How much librdkafka fetches ahead of us [kB]."""

_WAIT_MS = 50
"""How long a broker waits for more at the end of a partition [ms]."""


class Follower:
    """Reader of ranges, each to its end; used in `with`.

    Parameters
    ----------
    wish
        How to reach Kafka.
    ranges
        At most one a partition.
    """

    def __init__(self, wish: Wish, ranges: Sequence[Range]) -> None:
        self._wish = wish
        self._ends = {one.place: one.end for one in ranges}
        self._left = {one.place for one in ranges}
        self._consumer, self._trouble = open_consumer(
            wish,
            enable_partition_eof=True,
            fetch_wait_max_ms=_WAIT_MS,
            queued_max_messages_kbytes=_QUEUE_KB,
            auto_offset_reset="error" if wish.fails_on_loss else "earliest",
        )
        self._consumer.assign(
            [TopicPartition(r.topic, r.partition, r.start) for r in ranges]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def __iter__(self) -> Iterator[list[Any]]:
        deadline = time.monotonic() + PATIENCE_S
        while self._left:
            found = [
                m for m in self._consumer.consume(_MESSAGES, _SLICE_S) if self._is_in(m)
            ]
            if found:
                yield found
                deadline = time.monotonic() + PATIENCE_S
                continue
            self._trouble.raise_refusal()
            if time.monotonic() > deadline:
                raise self._trouble.silence()

    def drop(self, place: Place) -> None:
        """Read no more of a partition."""
        if place in self._left:
            self._left.discard(place)
            self._consumer.incremental_unassign([TopicPartition(*place)])

    def _is_in(self, message: Any) -> bool:
        """Tell whether this is a record of a range that is not over."""
        place = (message.topic(), message.partition())
        if message.error() is not None:
            self._hear(message, place)
            return False
        if place not in self._left:
            return False
        if message.offset() >= self._ends[place] - 1:
            self.drop(place)
        return bool(message.offset() < self._ends[place])

    def _hear(self, message: Any, place: Place) -> None:
        error = message.error()
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            if place in self._left and message.offset() >= self._ends[place]:
                self.drop(place)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
            raise AlertError(
                f"Records of {place[0]}, partition {place[1]} are gone before they were"
                " read: their retention is over, or the topic was made anew; with"
                " failOnDataLoss=false what is there is read."
            )
        elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise ConfigError(
                f"You may not read {place[0]}: ask for the right Read on it."
            )
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise AlertError(f"The topic {place[0]} is not there any more.")
        # Nothing is committed, so that rights on the group do not matter; the rest
        # passes, or Kafka falls silent.
