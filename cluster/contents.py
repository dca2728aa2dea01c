"""What stands on topics, read as any reader would: shares no code with the sending."""

import time
import uuid
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError
from settings.names import GROUP_PREFIX

TIMEOUT_S = 30.0
"""How long the broker is given to answer [s]."""

BATCH = 1000
"""Records taken from librdkafka at a time."""

NO_LEADER = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
)
"""What a broker answers about a partition that has no leader yet."""

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
    consumer: Any = Consumer(
        dict(config)
        | {
            "group.id": _name_group(config),
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        },
        logger=silent_logger(),
    )
    try:
        partitions = _list_partitions(consumer, topics)
        if not partitions:
            return {}
        ends = _Ends(config, partitions)
        consumer.assign(_find_starts(consumer, partitions, since))
        found = _read(consumer, partitions, night, say)
    except KafkaException as error:
        why = error.args[0].str()
        raise BrokerUnavailableError(f"The topics cannot be read: {why}.") from error
    finally:
        consumer.close()
    return {topic: _pack(columns, topic, ends) for topic, columns in found.items()}


def _name_group(config: Mapping[str, Any]) -> str:
    """Name a group of its own, which commits nothing; ours are closed to strangers."""
    beginning = f"{GROUP_PREFIX}.look" if "sasl.username" in config else "look"
    return f"{beginning}.{uuid.uuid4().hex}"


class _Ends:
    """Where partitions begin and end, as the broker says."""

    def __init__(
        self, config: Mapping[str, Any], partitions: Sequence[TopicPartition]
    ) -> None:
        admin_config: dict[str, Any] = {**config, "logger": silent_logger()}
        admin = AdminClient(admin_config)
        earliest: Any = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
        latest: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]

        def ask(what: Any, level: IsolationLevel) -> dict[tuple[str, int], int]:
            wanted = {TopicPartition(p.topic, p.partition): what for p in partitions}
            answers = admin.list_offsets(
                wanted, isolation_level=level, request_timeout=TIMEOUT_S
            )
            found = {
                (p.topic, p.partition): a.result().offset for p, a in answers.items()
            }
            if any(offset < 0 for offset in found.values()):
                # So librdkafka tells that the time is over.
                late = KafkaError(KafkaError._TIMED_OUT, "no answer in time")  # noqa: SLF001
                raise KafkaException(late)
            return found

        self.first = ask(earliest, IsolationLevel.READ_UNCOMMITTED)
        settled = ask(latest, IsolationLevel.READ_COMMITTED)
        high = ask(latest, IsolationLevel.READ_UNCOMMITTED)
        self.hidden = {
            where for where, offset in settled.items() if offset < high[where]
        }


def _list_partitions(consumer: Any, topics: Sequence[str]) -> list[TopicPartition]:
    known = consumer.list_topics(timeout=TIMEOUT_S).topics
    return [
        TopicPartition(name, number)
        for name in topics
        if name in known
        for number in known[name].partitions
    ]


def _find_starts(
    consumer: Any, partitions: Sequence[TopicPartition], since: datetime
) -> Any:
    """Ask where to begin; a topic that was just made has no leader for a moment."""
    start = int(since.timestamp() * 1000)
    wanted = [TopicPartition(p.topic, p.partition, start) for p in partitions]
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return consumer.offsets_for_times(wanted, timeout=TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in NO_LEADER or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _read(
    consumer: Any,
    partitions: Sequence[TopicPartition],
    night: str,
    say: Callable[[int], None],
) -> dict[str, _Found]:
    found = {p.topic: _Found() for p in partitions}
    left = {(p.topic, p.partition) for p in partitions}
    deadline, seen = time.monotonic() + TIMEOUT_S, 0
    while left:
        if time.monotonic() > deadline:
            raise BrokerUnavailableError(
                f"{len(left)} partitions do not come to an end."
            )
        for message in consumer.consume(BATCH, 0.2):
            error = message.error()
            if error is None:
                seen, deadline = seen + 1, time.monotonic() + TIMEOUT_S
                headers = dict(message.headers() or ())
                if headers.get("night") == night.encode() and "id" in headers:
                    found[message.topic()].add(message, headers)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                left.discard((message.topic(), message.partition()))
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise KafkaException(error)
        say(seen)
    return found


def _pack(found: _Found, topic: str, ends: _Ends) -> Contents:
    return Contents(
        ids=np.array(found.ids, np.int64),
        generations=np.array(found.generations, np.int64),
        partitions=np.array(found.partitions, np.int64),
        offsets=np.array(found.offsets, np.int64),
        first={p: offset for (t, p), offset in ends.first.items() if t == topic},
        hidden=tuple(sorted(p for t, p in ends.hidden if t == topic)),
    )
