"""Records of topics, read by partition and to their end, in no group of readers."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

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
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
"""What a broker answers about a partition that has no leader yet, or one so new that it
does not know where the partition ends."""

PAUSE_S = 0.1
"""Time between two questions to a partition that has none [s]."""

SETTLING_S = 5.0
"""How long commits are given to reach all partitions [s]."""

Answer = TypeVar("Answer")

Place = tuple[str, int]
"""Topic and number of a partition."""


@contextmanager
def open_reader(config: Mapping[str, Any], **more: Any) -> Iterator[Any]:
    """Open a consumer that commits nothing and sees committed records only.

    Parameters
    ----------
    config
        How to reach Kafka; an anonymous reader's will do.
    **more
        Properties of librdkafka, their dots written as `_`.

    Raises
    ------
    BrokerUnavailableError
        What is done with it fails in Kafka.
    """
    consumer: Any = Consumer(
        dict(config)
        | {
            "group.id": _name_group(config),
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
        | {name.replace("_", "."): value for name, value in more.items()},
        logger=silent_logger(),
    )
    try:
        yield consumer
    except KafkaException as error:
        why = error.args[0].str()
        raise BrokerUnavailableError(f"The topics cannot be read: {why}.") from error
    finally:
        consumer.close()


def list_partitions(consumer: Any, topics: Sequence[str]) -> list[TopicPartition]:
    """List the partitions of those topics that there are."""
    known = consumer.list_topics(timeout=TIMEOUT_S).topics
    return [
        TopicPartition(name, number)
        for name in topics
        if name in known
        for number in known[name].partitions
    ]


def read_to_end(
    consumer: Any,
    starts: Sequence[TopicPartition],
    take: Callable[[Any], None],
    *,
    say: Callable[[int], None] = lambda _: None,
) -> None:
    """Read partitions from given offsets to their end.

    Parameters
    ----------
    consumer
        Of `open_reader`.
    starts
        Partitions, each with its offset.
    take
        Given each record.
    say
        Told how many records were read, now and then.

    Raises
    ------
    BrokerUnavailableError
        Nothing comes for a long time, and the end was not reached.
    KafkaException
        Kafka refuses.
    """
    consumer.assign(list(starts))
    left = {(p.topic, p.partition) for p in starts}
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
                take(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                left.discard((message.topic(), message.partition()))
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise KafkaException(error)
        say(seen)


def ask_first(admin: AdminClient, places: Sequence[Place]) -> dict[Place, int]:
    """Ask for the first offset that each partition still has."""
    return _ask(admin, places, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)  # type: ignore[no-untyped-call]


def ask_end(
    admin: AdminClient,
    places: Sequence[Place],
    *,
    committed: bool,
    patience_s: float = TIMEOUT_S,
) -> dict[Place, int]:
    """Ask for the offset behind the last record of each partition.

    Parameters
    ----------
    admin
        Asks.
    places
        Partitions.
    committed
        Up to the first open transaction, beyond which no reader sees.
    patience_s
        How long the broker is given [s].
    """
    level = IsolationLevel.READ_UNCOMMITTED
    if committed:
        level = IsolationLevel.READ_COMMITTED
    return _ask(admin, places, OffsetSpec.latest(), level, patience_s)  # type: ignore[no-untyped-call]


def await_settled(
    admin: AdminClient, places: Sequence[Place], patience_s: float = SETTLING_S
) -> set[Place]:
    """Wait until all that is committed now can be read.

    A commit is answered before every partition knows of it: for some milliseconds, or a
    second on a busy broker, its records are there and hidden.

    Parameters
    ----------
    admin
        Asks.
    places
        Partitions.
    patience_s
        How long to wait [s].

    Returns
    -------
    set
        Partitions of which an open transaction still hides the end.
    """
    ends = ask_end(admin, places, committed=False)
    deadline = time.monotonic() + patience_s
    while True:
        settled = ask_end(admin, places, committed=True)
        hidden = {where for where in places if settled[where] < ends[where]}
        if not hidden or time.monotonic() > deadline:
            return hidden
        time.sleep(PAUSE_S)


def once_led(ask: Callable[[], Answer], patience_s: float = TIMEOUT_S) -> Answer:
    """Ask about partitions; one just made or elected has no ready leader for a moment.

    Parameters
    ----------
    ask
        Asks once.
    patience_s
        How long it is asked again [s].

    Raises
    ------
    KafkaException
        Kafka refuses, or there is no leader for a long time.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in NO_LEADER or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)


def _ask(
    admin: AdminClient,
    places: Sequence[Place],
    what: Any,
    level: IsolationLevel,
    patience_s: float = TIMEOUT_S,
) -> dict[Place, int]:
    if not places:
        return {}

    def ask() -> dict[Place, int]:
        answers = admin.list_offsets(
            {TopicPartition(*place): what for place in places},
            isolation_level=level,
            request_timeout=patience_s,
        )
        return {(p.topic, p.partition): a.result().offset for p, a in answers.items()}

    found = once_led(ask, patience_s)
    if any(offset < 0 for offset in found.values()):
        # So librdkafka tells that the time is over.
        late = KafkaError(KafkaError._TIMED_OUT, "no answer in time")  # noqa: SLF001
        raise KafkaException(late)
    return found


def _name_group(config: Mapping[str, Any]) -> str:
    """Name a group of its own, which commits nothing; ours are closed to strangers."""
    beginning = f"{GROUP_PREFIX}.look" if "sasl.username" in config else "look"
    return f"{beginning}.{uuid.uuid4().hex}"
