"""Where a group stands on its topics, asked without becoming a member of it."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from nightmail._connection import connection
from nightmail._errors import BrokerUnavailableError, ConfigError, NightmailError
from nightmail._refusals import REFUSED, explain_refusal
from nightmail._start import EARLIEST, LATEST
from nightmail.credentials import SURVEYS
from nightmail.nights import Count, NightRecords, Nights, count_alerts, count_lag

__all__ = ["Offsets", "Position"]

_TIMEOUT_S = 10.0
"""How long Kafka may take to answer one question [s]."""

_TRY_S = 1.0
"""After so long a question is asked again, unless there was a refusal [s]."""

_DOWN_S = 3.0
"""How long servers that refuse to be called are called again [s]."""

_DOWN = (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)  # noqa: SLF001

_AT_ONCE = 16
"""Questions that Kafka is asked at a time."""

_STEPS = (4, 64, 1024)
"""So far before the end of a partition its last message is looked for, in turn."""

_BATCH = 500
"""Messages taken at a time."""

_NIGHTS = tuple(f"_nights_{survey}" for survey in SURVEYS)
"""Ends of the topics that hold one record per night."""

_HIDDEN = ("__", "ftransfer_", "fxmatch_")
"""Beginnings of topics that nobody reads by night."""


@dataclass(frozen=True)
class Position:
    """Where a group stands on one partition."""

    topic: str
    partition: int
    first: int
    """First offset that is still there."""

    end: int
    """Offset behind the last that may be read."""

    committed: int | None
    """Offset at which the group goes on; None if it has never read here."""

    lag: Count
    """Alerts that it has not read."""


class Offsets:
    """Questions about offsets; no answer changes anything for anyone.

    Parameters
    ----------
    config
        As for `AlertConsumer`.

    Raises
    ------
    ConfigError
        Something is missing or wrong in the configuration.
    """

    def __init__(self, config: Any) -> None:
        properties = connection(config)
        self._servers = properties["bootstrap.servers"]
        self._user = properties.get("sasl.username")
        self._group = properties["group.id"]
        self._refusal: KafkaError | None = None
        self._is_down = False
        properties |= {"error_cb": self._note, "enable.auto.commit": False}
        properties |= {"enable.partition.eof": True, "fetch.wait.max.ms": 10}
        try:
            self._consumer = Consumer(properties)
        except KafkaException as error:
            reason = error.args[0].str()
            raise ConfigError(f"Kafka's client refuses this: {reason}.") from error

    def topics(self) -> list[str]:
        """Name the topics that may be read, sorted.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        return sorted(n for n in self._metadata() if not n.startswith(_HIDDEN))

    def positions(
        self, topics: Sequence[str], nights: Nights | None = None
    ) -> dict[str, list[Position]]:
        """Tell where the group stands.

        Parameters
        ----------
        topics
            Their names.
        nights
            What is known of where alerts stand; without it, offsets are counted.

        Returns
        -------
        dict of str to list of Position
            By topic, in the order of partitions; an empty list for a topic that is not
            there.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        there = self._metadata()
        return {name: self._of(name, there.get(name, ()), nights) for name in topics}

    def counts(self, topics: Sequence[str], nights: Nights) -> dict[str, Count]:
        """Count the alerts that are on topics, as a group that is new would read them.

        Parameters
        ----------
        topics
            Their names; one that is not there has none.
        nights
            What is known of where alerts stand.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        places = self._places(topics)
        found = dict.fromkeys(topics, Count(0, is_exact=True))
        for one, (first, end) in zip(places, self._bounds(places), strict=True):
            ranges = nights.ranges.get((one.topic, one.partition), ())
            found[one.topic] += count_alerts(ranges, first, end)
        return found

    def spans(
        self, topics: Sequence[str], since_ms: int, until_ms: int
    ) -> list[tuple[str, int, int, int]]:
        """Tell which offsets are of a span of time, by when Kafka took the alerts.

        Parameters
        ----------
        topics
            Their names; one that is not there has none.
        since_ms, until_ms
            Times [ms since 1970, UTC], or `EARLIEST`, or `LATEST`: what is there now.

        Returns
        -------
        list of (str, int, int, int)
            Topic, partition, first offset, and the offset behind the last.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        places = self._places(topics)
        bounds = self._bounds(places)
        starts = self._at(places, since_ms, bounds)
        ends = self._at(places, until_ms, bounds)
        return [
            (one.topic, one.partition, start, end)
            for one, start, end in zip(places, starts, ends, strict=True)
        ]

    def nights(self) -> Nights:
        """Read the records of nights; those that cannot be read say nothing.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        found = NightRecords()
        starts = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name, numbers in self._metadata().items()
            if name.endswith(_NIGHTS)
            for number in numbers
        ]
        for message in self._read(starts):
            found.take(message)
        return found.nights()

    def newest(self, topic: str) -> Any:
        """Read the newest message of a topic, for nobody's group.

        Behind it there may be ends of transactions, and what was never committed.

        Returns
        -------
        confluent_kafka.Message
            None if the topic is not there or has none.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        numbers = self._metadata().get(topic, ())
        places = [TopicPartition(topic, number) for number in numbers]
        bounds = dict(zip(numbers, self._bounds(places), strict=True))
        for back in (*_STEPS, max((end for _, end in bounds.values()), default=0)):
            starts = [
                TopicPartition(topic, number, max(first, end - back))
                for number, (first, end) in bounds.items()
                if end > first
            ]
            newest = None
            for message in self._read(starts):
                if newest is None or message.timestamp() >= newest.timestamp():
                    newest = message
            if newest is not None:
                return newest
        return None

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _places(self, topics: Sequence[str]) -> list[TopicPartition]:
        """Name the partitions of some topics, in order."""
        there = self._metadata()
        return [
            TopicPartition(name, number)
            for name in topics
            for number in sorted(there.get(name, ()))
        ]

    def _of(
        self, topic: str, partitions: Sequence[int], nights: Nights | None
    ) -> list[Position]:
        asked = [TopicPartition(topic, number) for number in sorted(partitions)]
        if not asked:
            return []
        committed = self._ask(self._consumer.committed, asked, timeout=_TIMEOUT_S)
        bounds = self._bounds(committed)
        found = []
        for one, (first, end) in zip(committed, bounds, strict=True):
            at = one.offset if one.offset >= 0 else None
            start = max(first, at) if at is not None else first
            ranges = nights.ranges.get((topic, one.partition), ()) if nights else ()
            lag = count_lag(ranges, start, end)
            found.append(Position(topic, one.partition, first, end, at, lag))
        return found

    def _bounds(self, places: Sequence[TopicPartition]) -> list[tuple[int, int]]:
        """Ask for the first offset and the end of partitions, many at a time."""

        def ask(place: TopicPartition) -> tuple[int, int]:
            question = self._consumer.get_watermark_offsets
            found: tuple[int, int] = self._ask(question, place, timeout=_TIMEOUT_S)
            return found

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(ask, places))

    def _read(self, starts: Sequence[TopicPartition]) -> Iterator[Any]:
        """Read partitions to their end; what Kafka refuses there is passed over."""
        left = {(one.topic, one.partition) for one in starts}
        self._consumer.assign(list(starts))
        deadline = time.monotonic() + _TIMEOUT_S
        while left and time.monotonic() < deadline:
            for message in self._consumer.consume(_BATCH, 0.1):
                if message.error() is None:
                    yield message
                else:
                    left.discard((message.topic(), message.partition()))
        self._consumer.unassign()

    def _at(
        self,
        places: Sequence[TopicPartition],
        when_ms: int,
        bounds: Sequence[tuple[int, int]],
    ) -> list[int]:
        """Find the first offset of a time on each partition; its end if none is."""
        if when_ms in (EARLIEST, LATEST) or not places:
            return [end if when_ms == LATEST else first for first, end in bounds]
        asked = [TopicPartition(one.topic, one.partition, when_ms) for one in places]
        found = self._ask(self._consumer.offsets_for_times, asked, timeout=_TIMEOUT_S)
        return [
            one.offset if 0 <= one.offset <= end else end
            for one, (_, end) in zip(found, bounds, strict=True)
        ]

    def _metadata(self) -> dict[str, list[int]]:
        start = time.monotonic()
        while True:
            try:
                answer = self._consumer.list_topics(timeout=_TRY_S)
                break
            except KafkaException as error:
                self._consumer.poll(0)  # which is when `_note` is told
                patience = _DOWN_S if self._is_down else _TIMEOUT_S
                if self._refusal or time.monotonic() - start > patience:
                    raise self._translated(self._refusal or error.args[0]) from error
        return {
            name: list(one.partitions)
            for name, one in answer.topics.items()
            if one.error is None
        }

    def _note(self, error: KafkaError) -> None:
        if error.code() in REFUSED:
            self._refusal = error
        self._is_down = self._is_down or error.code() in _DOWN

    def _ask(self, question: Any, *args: Any, **options: Any) -> Any:
        try:
            return question(*args, **options)
        except KafkaException as error:
            raise self._translated(self._refusal or error.args[0]) from error

    def _translated(self, error: KafkaError) -> NightmailError:
        if error.code() in REFUSED:
            return ConfigError(
                explain_refusal(
                    error, servers=self._servers, user=self._user, name=self._group
                )
            )
        return BrokerUnavailableError(
            f"Kafka does not answer at {self._servers}; check bootstrap.servers and the"
            " network, then try again."
        )
