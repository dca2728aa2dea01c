"""Transactions that are open: nobody reads past them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from cluster.access import KafkaAccess
from cluster.reading import Place, ask_end
from nightmail.silence import silent_logger
from settings.names import GROUP_PREFIX

LOOK_S = 10.0
"""How long to look for open transactions, and then for their first records [s]."""


@dataclass(frozen=True)
class OpenTransaction:
    """What hides the end of a partition from all who read only what is committed."""

    topic: str
    partition: int

    offset: int
    """Of its first record."""

    hidden: int
    """Offsets from there to the end."""

    since: datetime | None = None
    """When that record was made; None where we may not or could not read it."""


def find_open_transactions(
    access: KafkaAccess, admin: AdminClient, places: Sequence[Place]
) -> list[OpenTransaction]:
    """Find the partitions whose end an open transaction hides.

    Parameters
    ----------
    access
        Its administrator looks.
    admin
        Is logged in so.
    places
        Partitions that have a leader.

    Raises
    ------
    confluent_kafka.KafkaException
        Kafka did not answer, or we may not ask.
    """
    if not places:
        return []
    # In this order: what is written in between hides nothing.
    ends = ask_end(admin, places, committed=False, patience_s=LOOK_S)
    settled = ask_end(admin, places, committed=True, patience_s=LOOK_S)
    found = {
        where: OpenTransaction(*where, settled[where], ends[where] - settled[where])
        for where in places
        if settled[where] < ends[where]
    }
    begun = _read_times(access, list(found.values())) if found else {}
    return [replace(one, since=begun.get(where)) for where, one in found.items()]


def _read_times(
    access: KafkaAccess, several: Sequence[OpenTransaction]
) -> dict[Place, datetime]:
    """Give the time of the first record of each transaction, where it can be read."""
    config = {
        "group.id": f"{GROUP_PREFIX}.doctor",
        "enable.auto.commit": False,
        "isolation.level": "read_uncommitted",
    }
    consumer: Any = Consumer({**access.admin, **config}, logger=silent_logger())
    found: dict[Place, datetime] = {}
    try:
        consumer.assign(
            [TopicPartition(one.topic, one.partition, one.offset) for one in several]
        )
        end = time.monotonic() + LOOK_S
        while len(found) < len(several) and time.monotonic() < end:
            message = consumer.poll(0.2)
            if message is None or message.error():
                continue
            kind, at_ms = message.timestamp()
            where = (message.topic(), message.partition())
            if kind != TIMESTAMP_NOT_AVAILABLE:
                found.setdefault(where, datetime.fromtimestamp(at_ms / 1000, UTC))
    except KafkaException:
        return found
    finally:
        consumer.close()
    return found
