"""How a topic and its readers are shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from archive.tables import aligned
from cluster.groups import Group
from cluster.topic_facts import PartitionFacts, TopicFacts

BYTES_PER_MB = 1_000_000
"""Bytes in a megabyte."""


def facts_record(facts: TopicFacts) -> dict[str, Any]:
    """Give all about a topic as JSON has it."""
    return {
        "topic": facts.topic,
        "alerts": facts.alerts.number,
        "exact": facts.alerts.is_exact,
        "size": facts.size,
        "sent": facts.sent,
        "oldest": _iso(facts.oldest),
        "newest": _iso(facts.newest),
        "fingerprint": facts.fingerprint,
        "config": dict(facts.config),
        "partitions": [_partition_record(one) for one in facts.partitions],
        "groups": [group_record(one, facts.topic) for one in facts.groups],
    }


def show_facts(facts: TopicFacts) -> str:
    """Give the same for people."""
    size = f"{facts.sent / BYTES_PER_MB:,.1f} MB as the nights sent it"
    if facts.size is not None:
        size = f"{facts.size / BYTES_PER_MB:,.1f} MB on disk, {size}"
    lines = [
        facts.topic,
        f"  alerts       {facts.alerts}",
        f"  size         {size}",
        f"  oldest       {_iso(facts.oldest) or 'nothing yet'}",
        f"  newest       {_iso(facts.newest) or 'nothing yet'}",
        f"  schema       {facts.fingerprint or 'not known'}",
        *(f"  {key:<18} {value}" for key, value in sorted(facts.config.items())),
        "",
        *_partition_table(facts.partitions),
        "",
        *group_table(facts.groups, facts.topic),
    ]
    return "\n".join(lines)


def group_record(group: Group, topic: str | None = None) -> dict[str, Any]:
    """Give a group as JSON has it; of one topic, or of all it reads."""
    return {
        "group": group.name,
        "state": group.state.lower(),
        "members": group.members,
        "lag": group.lag(topic),
        "topics": [t for t in group.topics if topic in (None, t)],
    }


def group_table(groups: Iterable[Group], topic: str | None = None) -> list[str]:
    """Give the groups for people, a line each.

    Parameters
    ----------
    groups
        The groups.
    topic
        Whose lag; None for one line for each topic that a group reads.
    """
    rows = [
        [
            group.name,
            each,
            group.state.lower(),
            str(group.members),
            f"{'≤ ' if group.lag(each) else ''}{group.lag(each):,}",
        ]
        for group in groups
        for each in group.topics
        if topic in (None, each)
    ]
    head = ("group", "topic", "state", "members", "lag")
    right = (False, False, False, True, True)
    return aligned(head, rows, right=right) if rows else ["No group reads it."]


def _partition_table(partitions: Iterable[PartitionFacts]) -> list[str]:
    rows = [
        [
            str(one.partition),
            str(one.leader),
            f"{len(one.in_sync)} of {len(one.copies)}",
            f"{one.first:,}",
            f"{one.end:,}",
            str(one.alerts),
        ]
        for one in partitions
    ]
    head = ("partition", "leader", "in sync", "first offset", "end", "alerts")
    return aligned(head, rows, right=[True] * len(head))


def _partition_record(one: PartitionFacts) -> dict[str, Any]:
    return {
        "partition": one.partition,
        "leader": one.leader,
        "copies": list(one.copies),
        "in_sync": list(one.in_sync),
        "first": one.first,
        "end": one.end,
        "alerts": one.alerts.number,
        "exact": one.alerts.is_exact,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None
