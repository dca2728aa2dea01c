"""What stands on topics, read as any reader would: shares no code with the sending."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from cluster.reading import (
    TIMEOUT_S,
    ask_first,
    await_settled,
    list_partitions,
    once_led,
    open_reader,
    read_to_end,
)
from nightmail.silence import silent_logger

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Contents:
    """Committed alerts of one night on one topic; the arrays have shape (n,)."""

    ids: Integers
    generations: Integers
    partitions: Integers
    offsets: Integers
    first: Mapping[int, int] = field(default_factory=dict)
    """First offset that each partition still has."""

    hidden: tuple[int, ...] = ()
    """Partitions of which an open transaction hides the end."""


@dataclass(frozen=True)
class _Found:
    """Columns of one topic that grow with each record."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    generations: "array[int]" = field(default_factory=lambda: array("q"))
    partitions: "array[int]" = field(default_factory=lambda: array("q"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, message: Any, headers: Mapping[str, bytes]) -> None:
        self.ids.append(int(headers["id"]))
        self.generations.append(int(headers.get("generation", 0)))
        self.partitions.append(message.partition())
        self.offsets.append(message.offset())


def read_contents(
    config: Mapping[str, Any],
    topics: Sequence[str],
    *,
    night: str,
    since: datetime,
    say: Callable[[int], None] = lambda _: None,
) -> dict[str, Contents]:
    """Read which alerts of a night stand on topics, to the end of each.

    Parameters
    ----------
    config
        How to reach Kafka; an anonymous reader's will do.
    topics
        One that does not exist is left out of the answer.
    night
        Only alerts whose header names this night.
    since
        Only records that the broker took at or after this moment.
    say
        Told how many records were looked at, now and then.

    Raises
    ------
    BrokerUnavailableError
        The broker does not answer.
    """
    with open_reader(config) as consumer:
        partitions = list_partitions(consumer, topics)
        if not partitions:
            return {}
        ends = _Ends(config, partitions)
        found = {p.topic: _Found() for p in partitions}

        def take(message: Any) -> None:
            headers = dict(message.headers() or ())
            if headers.get("night") == night.encode() and "id" in headers:
                found[message.topic()].add(message, headers)

        starts = _find_starts(consumer, partitions, since)
        read_to_end(consumer, starts, take, say=say)
    return {topic: _pack(columns, topic, ends) for topic, columns in found.items()}


class _Ends:
    """Where partitions begin and end, as the broker says."""

    def __init__(
        self, config: Mapping[str, Any], partitions: Sequence[TopicPartition]
    ) -> None:
        admin_config: dict[str, Any] = {**config, "logger": silent_logger()}
        admin = AdminClient(admin_config)
        places = [(p.topic, p.partition) for p in partitions]
        self.first = ask_first(admin, places)
        self.hidden = await_settled(admin, places)


def _find_starts(
    consumer: Any, partitions: Sequence[TopicPartition], since: datetime
) -> Any:
    """Ask where to begin."""
    start = int(since.timestamp() * 1000)
    wanted = [TopicPartition(p.topic, p.partition, start) for p in partitions]
    return once_led(lambda: consumer.offsets_for_times(wanted, timeout=TIMEOUT_S))


def _pack(found: _Found, topic: str, ends: _Ends) -> Contents:
    return Contents(
        ids=np.array(found.ids, np.int64),
        generations=np.array(found.generations, np.int64),
        partitions=np.array(found.partitions, np.int64),
        offsets=np.array(found.offsets, np.int64),
        first={p: offset for (t, p), offset in ends.first.items() if t == topic},
        hidden=tuple(sorted(p for t, p in ends.hidden if t == topic)),
    )
