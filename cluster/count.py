"""Count what stands on topics, as any reader would: shares no code with the sending."""

import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError

TIMEOUT_S = 30.0
"""How long the broker is given to answer [s]."""


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
    consumer = Consumer(
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
        for number in known[name].partitions
    ]
    consumer.assign(consumer.offsets_for_times(partitions, timeout=TIMEOUT_S))
    counts: Counter[tuple[str, int]] = Counter()
    open_ends = len(partitions)
    deadline = time.monotonic() + TIMEOUT_S
    while open_ends and time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.2):
            if message.error():
                open_ends -= 1
                continue
            headers = dict(message.headers() or ())
            if headers.get("night") == night.encode():
                counts[message.topic(), int(headers["id"])] += 1
    return counts
