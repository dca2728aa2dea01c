"""Consumer groups: who reads what, and how far behind; asked without joining."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from cluster.access import KafkaAccess, open_admin
from cluster.answers import answered, ask_topics, wait_for
from cluster.reading import Place, ask_end

RIGHT = "Describe on the groups"
"""What an administrator who may not see them lacks."""


@dataclass(frozen=True, order=True)
class Position:
    """How far a group has read one partition."""

    topic: str
    partition: int
    offset: int
    """Of the next record it reads."""

    end: int
    """Behind the last record that readers see."""

    @property
    def lag(self) -> int:
        """Offsets yet to be read; at least as many as alerts, for ends of transactions
        have offsets as well.
        """  # noqa: D205 - one sentence
        return max(self.end - self.offset, 0)


@dataclass(frozen=True, order=True)
class Group:
    """A consumer group that has read something, or reads now."""

    name: str
    state: str
    """Kafka's: STABLE, EMPTY and so on."""

    members: int
    """Readers in it now."""

    reading: tuple[str, ...]
    """Topics that its members read now."""

    positions: tuple[Position, ...]
    """Where it committed offsets."""

    def lag(self, topic: str | None = None) -> int:
        """Offsets yet to be read, at most that many alerts, of one topic or all."""
        return sum(p.lag for p in self.positions if topic in (None, p.topic))

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics that it reads now or has read."""
        return tuple(sorted({*self.reading, *(p.topic for p in self.positions)}))


def list_groups(access: KafkaAccess) -> list[Group]:
    """List all consumer groups, sorted by name.

    Readers that take partitions without a group, as some engines do, are not seen.

    Raises
    ------
    SettingsError
        The administrator may not see them.
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    deed = "list the consumer groups"
    answer = admin.list_consumer_groups()
    [found] = wait_for([answer], access, deed=deed, right=RIGHT)
    names = sorted(one.group_id for one in found.valid)
    if not names:
        return []
    committed = _ask_committed(admin, access, names)
    ends = _ask_ends(admin, access, committed.values())
    described = wait_for(
        admin.describe_consumer_groups(names).values(), access, deed=deed, right=RIGHT
    )
    return [
        _group(one, _positions(committed[one.group_id], ends))
        for one in sorted(described, key=lambda one: str(one.group_id))
    ]


def readers(groups: Iterable[Group], topic: str) -> list[Group]:
    """Give the groups that read a topic, or have read it."""
    return [group for group in groups if topic in group.topics]


def active(groups: Iterable[Group], topic: str) -> list[Group]:
    """Give the groups of which a member reads a topic now."""
    return [group for group in groups if topic in group.reading]


def _ask_committed(
    admin: AdminClient, access: KafkaAccess, names: Sequence[str]
) -> dict[str, list[Any]]:
    # Kafka's client takes one group a request: all are under way before one is awaited.
    asked: dict[str, Any] = {}
    for name in names:
        request = [ConsumerGroupTopicPartitions(name)]
        asked |= admin.list_consumer_group_offsets(request)
    deed = "ask how far groups have read"
    found = wait_for(asked.values(), access, deed=deed, right=RIGHT)
    return {one.group_id: one.topic_partitions or [] for one in found}


def _ask_ends(
    admin: AdminClient, access: KafkaAccess, committed: Iterable[Collection[Any]]
) -> dict[Place, int]:
    there = ask_topics(admin, access).topics
    places = {(p.topic, p.partition) for each in committed for p in each}
    known = [(t, p) for t, p in places if t in there and p in there[t].partitions]
    with answered(access, deed="ask for offsets", right="Describe on the topics"):
        return ask_end(admin, sorted(known), committed=True)


def _positions(
    committed: Iterable[Any], ends: dict[Place, int]
) -> tuple[Position, ...]:
    places = ((p.topic, p.partition, p.offset) for p in committed)
    return tuple(
        sorted(
            Position(topic, partition, offset, ends[topic, partition])
            for topic, partition, offset in places
            if (topic, partition) in ends and offset >= 0
        )
    )


def _group(described: Any, positions: tuple[Position, ...]) -> Group:
    reading = {
        place.topic
        for member in described.members
        for place in (member.assignment.topic_partitions if member.assignment else ())
    }
    return Group(
        name=described.group_id,
        state=described.state.name,
        members=len(described.members),
        reading=tuple(sorted(reading)),
        positions=positions,
    )
