"""Messages between two times, read without a group."""

import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from nightmail._ask import Asker
from nightmail._errors import AlertError, ConfigError
from nightmail._feed import make_consumer
from nightmail._messages import Place, place_of
from nightmail._span import Span

__all__ = ["RangeFeed"]

_SLICE_S = 0.1
"""How long librdkafka is let gather messages [s]."""

_SILENCE_S = 60.0
"""How long Kafka may give nothing of what it has [s]."""

_END = KafkaError._PARTITION_EOF  # noqa: SLF001

_NO_GROUP = KafkaError.GROUP_AUTHORIZATION_FAILED
"""librdkafka looks for the group that it must be given, though nobody joins it."""


class RangeFeed:
    """Messages that are there now, each partition from its start to its end.

    Nothing is committed and no group is joined, so that nobody's position moves.

    Parameters
    ----------
    topics
        Names or, with a `^` in front, regular expressions.
    properties
        As librdkafka wants them.
    span
        Which messages are wished.

    Raises
    ------
    ConfigError
        A topic is missing; librdkafka refuses a property; Kafka refuses us.
    BrokerUnavailableError
        Kafka does not answer.
    """

    def __init__(
        self, topics: Sequence[str], properties: dict[str, Any], span: Span
    ) -> None:
        properties |= {"enable.auto.commit": False, "enable.partition.eof": True}
        self._span = span
        self._ready: deque[Any] = deque()
        self._consumer, self._trouble = make_consumer(properties)
        hear = partial(self._consumer.poll, 0)  # nothing is assigned, so nothing comes
        self._asker = Asker(self._consumer, self._trouble, hear)
        self._ends: dict[Place, int] = {}
        self._left: set[Place] = set()
        try:
            self._begin(topics)
        except BaseException:
            self._consumer.close()
            raise

    @property
    def is_over(self) -> bool:
        """Whether every partition is at its end."""
        return not self._left and not self._ready

    def take(self, most: int, timeout: float) -> list[Any]:
        """Wait for messages; none if nothing came in time, or if it is over."""
        begin = time.monotonic()
        end = begin + timeout if timeout >= 0 else float("inf")
        while not self.is_over:
            if self._ready:
                few = min(most, len(self._ready))
                return [self._ready.popleft() for _ in range(few)]
            left = max(0.0, end - time.monotonic())
            messages = self._consumer.consume(most, min(left, _SLICE_S))
            self._ready += [m for m in messages if self._is_in(m)]
            self._trouble.raise_refusal()
            if messages:
                begin = time.monotonic()
            if time.monotonic() - begin > _SILENCE_S:
                raise self._trouble.unavailable()
            if left <= 0 and not self._ready:
                break
        return []

    def gone(self) -> set[Place]:
        """Name none: there is no group."""
        return set()

    def store(self, offsets: Mapping[Place, int]) -> None:
        """Do nothing: nobody's position moves."""

    def commit(self) -> None:
        """Do nothing: nobody's position moves."""

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        """Give messages from these offsets on again."""
        lowest = dict(offsets)
        for message in self._ready:
            place = place_of(message)
            lowest[place] = min(lowest.get(place, message.offset()), message.offset())
        self._ready.clear()
        for place, offset in lowest.items():
            if place in self._left:
                self._consumer.incremental_unassign([TopicPartition(*place)])
            self._consumer.incremental_assign([TopicPartition(*place, offset)])
            self._left.add(place)

    def topics(self) -> list[str]:
        """Name the topics that one may read."""
        return sorted(self._asker.partitions())

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def _begin(self, topics: Sequence[str]) -> None:
        known = self._asker.partitions()
        places = [
            (name, number)
            for name in _choose(topics, sorted(known), self._trouble.servers)
            for number in known[name]
        ]
        starts = self._asker.offsets(places, self._span.since_ms)
        self._ends = self._asker.offsets(places, self._span.until_ms)
        self._left = {p for p in places if starts[p] < self._ends[p]}
        self._consumer.assign([TopicPartition(*p, starts[p]) for p in self._left])

    def _is_in(self, message: Any) -> bool:
        """Tell whether a message is wished, and end its partition if it is time."""
        place = place_of(message)
        error = message.error()
        if error is not None and error.code() == _NO_GROUP:
            return False
        if error is not None and error.code() != _END:
            if not self._trouble.is_alert(message):
                raise AlertError(f"The topic {place[0]} is not there any more.")
            return False
        if place not in self._left:
            return False
        behind = message.offset() + (error is None)
        if behind >= self._ends[place]:
            self._left.discard(place)
            self._consumer.incremental_unassign([TopicPartition(*place)])
        if error is not None or behind > self._ends[place]:
            return False
        return self._span.has(message)


def _choose(topics: Sequence[str], known: Sequence[str], servers: str) -> list[str]:
    found: list[str] = []
    for topic in topics:
        if topic.startswith("^"):
            found += [name for name in known if re.match(topic, name)]
        elif topic in known:
            found.append(topic)
        else:
            raise ConfigError(
                f"There is no topic {topic} at {servers}, or you may not see it."
            )
    return list(dict.fromkeys(found))
