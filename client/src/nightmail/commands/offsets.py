"""Where a group stands on its topics, asked without becoming a member of it."""

import time
from collections.abc import Sequence
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
from nightmail.credentials import SURVEYS
from nightmail.nights import Count, NightRecords, Nights, count_lag

__all__ = ["Offsets", "Position"]

_TIMEOUT_S = 10.0
"""How long Kafka may take to answer one question [s]."""

_BATCH = 500
"""Records of nights taken at a time."""

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

    def nights(self) -> Nights:
        """Read the records of nights; those that cannot be read say nothing.

        Raises
        ------
        BrokerUnavailableError, ConfigError
            Kafka does not answer, or refuses who asks.
        """
        found = NightRecords()
        left = {
            (name, number)
            for name, numbers in self._metadata().items()
            if name.endswith(_NIGHTS)
            for number in numbers
        }
        self._consumer.assign(
            [TopicPartition(*place, OFFSET_BEGINNING) for place in sorted(left)]
        )
        deadline = time.monotonic() + _TIMEOUT_S
        while left and time.monotonic() < deadline:
            for message in self._consumer.consume(_BATCH, 0.1):
                if message.error() is None:
                    found.take(message)
                else:
                    left.discard((message.topic(), message.partition()))
        self._consumer.unassign()
        return found.nights()

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

    def _of(
        self, topic: str, partitions: Sequence[int], nights: Nights | None
    ) -> list[Position]:
        if not partitions:
            return []
        asked = [TopicPartition(topic, number) for number in sorted(partitions)]
        committed = self._ask(self._consumer.committed, asked, timeout=_TIMEOUT_S)
        found = []
        for one in committed:
            first, end = self._ask(
                self._consumer.get_watermark_offsets, one, timeout=_TIMEOUT_S
            )
            at = one.offset if one.offset >= 0 else None
            start = max(first, at) if at is not None else first
            ranges = nights.ranges.get((topic, one.partition), ()) if nights else ()
            lag = count_lag(ranges, start, end)
            found.append(Position(topic, one.partition, first, end, at, lag))
        return found

    def _metadata(self) -> dict[str, list[int]]:
        answer = self._ask(self._consumer.list_topics, timeout=_TIMEOUT_S)
        return {
            name: list(one.partitions)
            for name, one in answer.topics.items()
            if one.error is None
        }

    def _note(self, error: KafkaError) -> None:
        if error.code() in REFUSED:
            self._refusal = error

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
