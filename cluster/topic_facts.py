"""A topic as an administrator wants to see it."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from cluster.access import KafkaAccess, open_admin
from cluster.answers import answered, ask_topics, no_topic, wait_for
from cluster.folder import kafka_folder
from cluster.groups import Group, list_groups, readers
from cluster.nights import Count, Nights, count_alerts, read_nights
from cluster.reading import (
    TIMEOUT_S,
    ask_end,
    ask_first,
    open_reader,
    read_to_end,
)
from nightmail.avro import fingerprint
from settings import Settings
from settings.errors import NothingThereError, SettingsError
from settings.names import SURVEYS, nights_topic

SHOWN = ("retention.ms", "retention.bytes", "max.message.bytes", "compression.type")
"""Topic settings that are shown."""

STEPS = (8, 128, 2048)
"""Offsets before a partition's end in which its last record is looked for, in turn."""

SMALL = {"queued_min_messages": 1, "fetch_wait_max_ms": 10}
"""Properties of a reader that wants few records, and the end of a topic soon."""


@dataclass(frozen=True)
class PartitionFacts:
    """One partition of a topic."""

    partition: int
    leader: int
    """Broker that is written and read; -1 for none."""

    copies: tuple[int, ...]
    in_sync: tuple[int, ...]
    first: int
    """First offset that is still there."""

    end: int
    """Offset behind the last record that readers see."""

    alerts: Count


@dataclass(frozen=True)
class TopicFacts:
    """What is known of a topic."""

    topic: str
    partitions: tuple[PartitionFacts, ...]
    config: Mapping[str, str]
    """Those of `SHOWN`; empty where we may not see them."""

    size: int | None
    """On the disk, all copies [bytes]; known of the local Kafka only."""

    sent: int
    """What the nights sent that are still on it, before Kafka compresses it [bytes]."""

    oldest: datetime | None
    """When its first record was taken, UTC; None for an empty topic."""

    newest: datetime | None
    schema: Mapping[str, Any] | None
    """Avro schema of the newest record."""

    groups: tuple[Group, ...]
    """Who reads it, or has read it."""

    @property
    def alerts(self) -> Count:
        """Alerts that are there."""
        return total(self.partitions)

    @property
    def fingerprint(self) -> str | None:
        """Of the schema, as in the records' headers."""
        return fingerprint(dict(self.schema)) if self.schema else None


def describe_topic(access: KafkaAccess, settings: Settings, name: str) -> TopicFacts:
    """Describe a topic.

    Parameters
    ----------
    access
        Its administrator asks and reads.
    settings
        `topics.prefix` names the topics of nights.
    name
        The topic.

    Raises
    ------
    NothingThereError
        There is no such topic.
    SettingsError, BrokerUnavailableError
        The administrator may not see it; Kafka does not answer.
    """
    admin = open_admin(access)
    nights = _read_nights(access, settings)
    partitions = _bounds(admin, access, [name], nights)[name]
    oldest, newest = _find_ends(access.admin, name, partitions)
    return TopicFacts(
        topic=name,
        partitions=partitions,
        config=_read_config(admin, access, name),
        size=_size_on_disk(settings, name) if access.local else None,
        sent=nights.sent(name, {p.partition: p.first for p in partitions}),
        oldest=_time(oldest),
        newest=_time(newest),
        schema=_schema(newest),
        groups=tuple(readers(list_groups(access), name)),
    )


def list_topics(
    access: KafkaAccess, settings: Settings
) -> dict[str, tuple[PartitionFacts, ...]]:
    """List all topics but Kafka's own, each with its partitions, sorted by name.

    Raises
    ------
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    names = sorted(n for n in ask_topics(admin, access).topics if n[:2] != "__")
    return _bounds(admin, access, names, _read_nights(access, settings))


def read_schema(access: KafkaAccess, name: str) -> dict[str, Any]:
    """Read the Avro schema of a topic's newest record.

    Raises
    ------
    NothingThereError
        There is no such topic, or it has no record with a schema yet.
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    partitions = _bounds(admin, access, [name], Nights({}))[name]
    _, newest = _find_ends(access.admin, name, partitions)
    schema = _schema(newest)
    if schema is None:
        raise NothingThereError(
            f"The topic {name} has no alert yet: its schema comes with the first."
        )
    return schema


def total(partitions: Iterable[PartitionFacts]) -> Count:
    """Count the alerts of all partitions."""
    return sum((p.alerts for p in partitions), Count(0, is_exact=True))


def _bounds(
    admin: AdminClient,
    access: KafkaAccess,
    names: Sequence[str],
    nights: Nights,
) -> dict[str, tuple[PartitionFacts, ...]]:
    there = ask_topics(admin, access).topics
    if lacking := [name for name in names if name not in there]:
        raise no_topic(access, lacking[0])
    places = [(name, number) for name in names for number in there[name].partitions]
    with answered(access, deed="ask for offsets", right="Describe on the topics"):
        first = ask_first(admin, places)
        end = ask_end(admin, places, committed=True)
    return {
        name: tuple(
            PartitionFacts(
                partition=number,
                leader=one.leader,
                copies=tuple(one.replicas),
                in_sync=tuple(one.isrs),
                first=first[name, number],
                end=end[name, number],
                alerts=count_alerts(
                    nights.ranges.get((name, number), ()),
                    first[name, number],
                    end[name, number],
                ),
            )
            for number, one in sorted(there[name].partitions.items())
        )
        for name in names
    }


def _read_nights(access: KafkaAccess, settings: Settings) -> Nights:
    names = [nights_topic(settings.topics.prefix, survey) for survey in SURVEYS]
    return read_nights(access.admin, names)


def _read_config(admin: AdminClient, access: KafkaAccess, name: str) -> dict[str, str]:
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)])
    deed, right = f"see the settings of {name}", "DescribeConfigs on that topic"
    try:
        [found] = wait_for(asked.values(), access, deed=deed, right=right)
    except SettingsError:
        return {}
    return {key: found[key].value for key in SHOWN if key in found}


def _size_on_disk(settings: Settings, name: str) -> int:
    root = kafka_folder(settings).root
    parts = root.rglob(f"{name}-[0-9]*/*.log")
    mine = (p for p in parts if p.parent.name.rpartition("-")[0] == name)
    return sum(part.stat().st_size for part in mine)


def _find_ends(
    config: Mapping[str, Any], name: str, partitions: Sequence[PartitionFacts]
) -> tuple[Any, Any]:
    """Give the oldest and the newest record that readers see."""
    filled = [p for p in partitions if p.end > p.first]
    with open_reader(config, **SMALL) as reader:
        oldest = _read_oldest(reader, name, filled)
        newest = _read_newest(reader, name, filled)
    return (
        min(oldest, key=lambda message: message.timestamp()[1], default=None),
        max(newest, key=lambda message: message.timestamp()[1], default=None),
    )


def _read_oldest(
    reader: Any, name: str, partitions: Sequence[PartitionFacts]
) -> list[Any]:
    """Read the first record of each partition."""
    left = {p.partition: p.first for p in partitions}
    reader.assign([TopicPartition(name, number, at) for number, at in left.items()])
    found, deadline = [], time.monotonic() + TIMEOUT_S
    while left and time.monotonic() < deadline:
        message = reader.poll(0.2)
        if message is None or left.pop(message.partition(), None) is None:
            continue
        if message.error() is None:
            found.append(message)
        reader.incremental_unassign([TopicPartition(name, message.partition())])
    return found


def _read_newest(
    reader: Any, name: str, partitions: Sequence[PartitionFacts]
) -> list[Any]:
    """Read the last record of each, which may be far before the end.

    What is there after it are ends of transactions, and what was never committed.
    """
    found: dict[int, Any] = {}
    left = list(partitions)
    for step in (*STEPS, max((p.end for p in partitions), default=0)):
        starts = [
            TopicPartition(name, one.partition, max(one.first, one.end - step))
            for one in left
        ]
        read_to_end(reader, starts, lambda m: found.update({m.partition(): m}))
        left = [p for p in left if p.partition not in found and p.end - step > p.first]
    return list(found.values())


def _time(message: Any) -> datetime | None:
    if message is None:
        return None
    return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def _schema(message: Any) -> dict[str, Any] | None:
    """Give the schema in a record's key, if there is one."""
    try:
        schema = json.loads(message.key())
    except (AttributeError, TypeError, ValueError):
        return None
    return schema if isinstance(schema, dict) else None
