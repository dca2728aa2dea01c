"""Count what stands on topics, as any reader would: shares no code with the sending."""

import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError

TIMEOUT_S = 30.0
"""How long the broker is given to answer [s]."""

NO_LEADER = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
)
"""What a broker answers about a partition that has no leader yet."""


def count_topics(
    config: Mapping[str, Any], topics: Sequence[str], *, night: str, since: datetime
) -> Counter[tuple[str, int]]:
    """Count committed alerts by topic and id.

    Parameters
    ----------
    config
        How to reach Kafka; an anonymous reader's will do.
    night
        Only alerts whose header names this night.
    since
        Only records that the broker took at or after this moment.

    Returns
    -------
    collections.Counter
        How often each (topic, id) stands there.

    Raises
    ------
    BrokerUnavailableError
        The broker does not answer.
    """
    consumer: Any = Consumer(
        dict(config)
        | {
            # A group of its own, which commits nothing.
            "group.id": f"count-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        },
        logger=silent_logger(),
    )
    try:
        return _count(consumer, topics, night, since)
    except KafkaException as error:
        why = error.args[0].str()
        raise BrokerUnavailableError(f"The topics cannot be read: {why}.") from error
    finally:
        consumer.close()


def _count(
    consumer: Any, topics: Sequence[str], night: str, since: datetime
) -> Counter[tuple[str, int]]:
    start = int(since.timestamp() * 1000)
    known = consumer.list_topics(timeout=TIMEOUT_S).topics
    partitions = [
        TopicPartition(name, number, start)
        for name in topics
        if name in known
        for number in known[name].partitions
    ]
    consumer.assign(_find_starts(consumer, partitions))
    counts: Counter[tuple[str, int]] = Counter()
    left = {(p.topic, p.partition) for p in partitions}
    deadline = time.monotonic() + TIMEOUT_S
    while left:
        if time.monotonic() > deadline:
            raise BrokerUnavailableError(
                f"{len(left)} partitions do not come to an end."
            )
        for message in consumer.consume(1000, 0.2):
            error = message.error()
            if error is None:
                deadline = time.monotonic() + TIMEOUT_S
                headers = dict(message.headers() or ())
                if headers.get("night") == night.encode():
                    counts[message.topic(), int(headers["id"])] += 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                left.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(error)
    return counts


def _find_starts(consumer: Any, partitions: list[TopicPartition]) -> Any:
    """Ask where to begin; a topic that was just made has no leader for a moment."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return consumer.offsets_for_times(partitions, timeout=TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in NO_LEADER or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
