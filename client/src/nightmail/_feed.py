"""Messages for a member of a group."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from nightmail._ask import Asker
from nightmail._errors import ConfigError
from nightmail._messages import Place, night_of_message, place_of
from nightmail._start import EARLIEST, LATEST, Start
from nightmail._trouble import Trouble

__all__ = ["GroupFeed", "make_consumer"]

_SLICE_S = 0.5
"""Longest time inside librdkafka, where Ctrl-C is not heard [s]."""

_PATIENCE_S = 5.0
"""How long servers that were never reached are waited for [s]."""

_LOOK_MS = 10_000
"""How often it is looked whether a missing topic has appeared [ms]."""

_LOST = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_MEMBER_ID,
)
"""Codes by which Kafka says that a reader is no member of its group any more."""

_logger = logging.getLogger("nightmail")


class GroupFeed:
    """Messages for a member of a group, of which Kafka remembers what was read.

    Parameters
    ----------
    topics
        Names or, with a `^` in front, regular expressions.
    properties
        As librdkafka wants them.
    start
        Where the whole group is to go on, once; by default where it is.

    Raises
    ------
    ConfigError
        librdkafka refuses a property or a topic.
    """

    is_over = False

    def __init__(
        self, topics: Sequence[str], properties: dict[str, Any], start: Start | None
    ) -> None:
        properties.setdefault("topic.metadata.refresh.interval.ms", _LOOK_MS)
        self._start = start
        self._passing: dict[Place, str] = {}
        self._ready: deque[Any] = deque()
        self._gone: set[Place] = set()
        self._consumer, self._trouble = make_consumer(properties)
        try:
            self._consumer.subscribe(
                list(dict.fromkeys(topics)),
                on_assign=self._settle,
                on_revoke=self._lose,
            )
        except KafkaException as error:
            raise ConfigError(
                f"Kafka's client refuses the topics: {error.args[0].str()}."
            ) from error

    def take(self, most: int, timeout: float) -> list[Any]:
        """Wait for messages; the first that comes ends it, with what came along."""
        begin = time.monotonic()
        end = begin + timeout if timeout >= 0 else float("inf")
        while True:
            left = max(0.0, end - time.monotonic())
            self._fetch(most, 0.0 if self._ready else min(left, _SLICE_S))
            if self._ready:
                few = min(most, len(self._ready))
                return [self._ready.popleft() for _ in range(few)]
            is_last = left <= _SLICE_S
            is_long = time.monotonic() - begin > _PATIENCE_S
            self._trouble.raise_lasting(self._consumer, is_late=is_last or is_long)
            if is_last:
                return []

    def gone(self) -> set[Place]:
        """Name, once, the partitions that went to another member of the group."""
        gone, self._gone = self._gone, set()
        return gone

    def store(self, offsets: Mapping[Place, int]) -> None:
        """Note what was read; the partitions of another member are left to it."""
        for place, offset in offsets.items():
            try:
                self._consumer.store_offsets(offsets=[TopicPartition(*place, offset)])
            except KafkaException as error:
                if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001
                    raise

    def commit(self) -> None:
        """Tell Kafka at once what was noted."""
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            code = error.args[0].code()
            if code in _LOST:
                _logger.warning("Another reader of the group has what was read here.")
            elif code != KafkaError._NO_OFFSET:  # noqa: SLF001
                raise self._trouble.failure(error.args[0]) from error

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        """Give messages again; those of lost partitions go to another member."""
        for place, offset in _lowest(offsets, self._ready).items():
            try:
                self._consumer.seek(TopicPartition(*place, offset))
            except KafkaException as error:
                _logger.debug("%s was not rewound: %s", place, error)
        self._ready.clear()

    def topics(self) -> list[str]:
        """Name the topics that one may read."""
        hear = partial(self._fetch, len(self._ready) + 1, 0)
        return sorted(Asker(self._consumer, self._trouble, hear).partitions())

    def close(self) -> None:
        """Tell Kafka what was noted, and leave the group."""
        self._consumer.close()

    def _fetch(self, most: int, timeout: float) -> None:
        if len(self._ready) >= most:
            return
        first = self._consumer.poll(timeout)
        if first is None:
            return
        rest = self._consumer.consume(most - 1, 0) if most > 1 else ()
        failure: Exception | None = None
        for message in (first, *rest):
            try:
                if self._trouble.is_alert(message) and self._is_wished(message):
                    self._ready.append(message)
            except Exception as error:  # noqa: BLE001 (what came along is kept)
                failure = failure or error
        if first.error() is None:
            self._trouble.note_contact()
        if failure is not None:
            raise failure

    def _is_wished(self, message: Any) -> bool:
        if not self._passing:
            return True
        place = place_of(message)
        wished = self._passing.get(place)
        if wished is not None and night_of_message(message) < wished:
            return False
        self._passing.pop(place, None)
        return True

    def _lose(self, _: Any, partitions: list[Any]) -> None:
        """Forget what waits of partitions that go: it comes again, here or there."""
        places = {(p.topic, p.partition) for p in partitions}
        self._gone |= places
        self._ready = deque(m for m in self._ready if place_of(m) not in places)

    def _settle(self, consumer: Any, partitions: list[Any]) -> None:
        """Put the group where the user wants it, before the first message comes."""
        self._trouble.note_contact()
        start = self._start
        if start is not None and partitions:
            self._start = None
            places = [(p.topic, p.partition) for p in partitions]
            asker = Asker(consumer, self._trouble, _do_nothing)
            found = asker.offsets(places, start.moment_ms)
            moved = [TopicPartition(*place, found[place]) for place in places]
            try:
                # Every kind of assignment then begins at what is committed.
                consumer.commit(offsets=moved, asynchronous=False)
            except KafkaException as error:
                raise self._trouble.failure(error.args[0]) from error
            if start.night is not None:
                self._passing = dict.fromkeys(places, start.night)
            _tell_reset(start, moved)


def make_consumer(properties: dict[str, Any]) -> tuple[Any, Trouble]:
    """Make librdkafka's consumer, and what hears of its troubles.

    Raises
    ------
    ConfigError
        It refuses a property.
    """
    trouble = Trouble(properties)
    try:
        return Consumer(properties), trouble
    except KafkaException as error:
        reason = error.args[0].str()
        raise ConfigError(f"Kafka's client refuses this: {reason}.") from error


def _lowest(offsets: Mapping[Place, int], messages: Iterable[Any]) -> dict[Place, int]:
    found = dict(offsets)
    for message in messages:
        place = place_of(message)
        found[place] = min(found.get(place, message.offset()), message.offset())
    return found


def _tell_reset(start: Start, places: Sequence[Any]) -> None:
    """Say it in the words of the existing clients, as far as they have any."""
    names = {EARLIEST: "BEGINNING", LATEST: "END"}
    moment = datetime.fromtimestamp(max(0, start.moment_ms) / 1000, UTC)
    where = f"the night {start.night}" if start.night else f"{moment:%F %T} UTC"
    where = names.get(start.moment_ms, where)
    level = logging.DEBUG if start.moment_ms in names else logging.INFO
    _logger.log(level, "Resetting offsets to %s", where)
    for place in places:
        _logger.debug("assign %s", place)


def _do_nothing() -> None:
    """Stand in where librdkafka cannot call back, since it has called us."""
