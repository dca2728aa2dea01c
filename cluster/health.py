"""How it stands with Kafka, as far as Kafka itself tells an administrator."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
)

from cluster.access import KafkaAccess
from cluster.answers import ANSWER_S
from cluster.folder import kafka_folder
from cluster.preflight import check_topics
from cluster.transactions import OpenTransaction, find_open_transactions
from settings import Settings
from settings.errors import NightmailError
from settings.names import LEDGER_TOPIC

LONGEST_TRANSACTION = timedelta(minutes=15)
"""Kafka's own limit, where we may not ask for that of the cluster."""

SHOWN = 5
"""Partitions, topics or transactions that are named of many."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What."""

    state: Literal["ok", "wrong", "unknown"]
    """Unknown is what Kafka, or our rights, do not tell; no fault."""

    told: str
    """What was found, for people."""

    details: Any = field(default=None)
    """The same for scripts, where there is more: lists and dicts of JSON."""


def look_inside(
    settings: Settings, access: KafkaAccess, admin: AdminClient, at: datetime
) -> Iterator[Finding]:
    """Look at rights, brokers, partitions and transactions.

    Parameters
    ----------
    settings
        `topics.prefix` says which topics the publisher must be able to write.
    access
        How Kafka is reached.
    admin
        Is logged in as its administrator.
    at
        Now.
    """
    try:
        cluster = admin.list_topics(timeout=ANSWER_S)
    except KafkaException as error:
        yield Finding("topics", "wrong", f"not told: {error.args[0].str()}")
        return
    yield _look_at_rights(admin)
    yield _look_at_publisher(settings, access, cluster)
    yield _look_at_brokers(settings, access, cluster)
    yield from _look_at_partitions(cluster)
    yield _look_at_transactions(access, admin, cluster, at)


def _look_at_rights(admin: AdminClient) -> Finding:
    check = "administrator's rights"
    try:
        answer = admin.describe_cluster(
            include_authorized_operations=True, request_timeout=ANSWER_S
        ).result()
    except KafkaException as error:
        return Finding(check, "unknown", f"not told: {error.args[0].str()}")
    if answer.authorized_operations is None:
        return Finding(
            check, "unknown", "none on the cluster, or this Kafka does not tell"
        )
    rights = sorted(_spell(each.name) for each in answer.authorized_operations)
    told = f"on the cluster {', '.join(rights) or 'none'}"
    return Finding(check, "ok", told, rights)


def _spell(right: str) -> str:
    return "".join(word.title() for word in right.split("_"))


def _look_at_publisher(
    settings: Settings, access: KafkaAccess, cluster: ClusterMetadata
) -> Finding:
    check = "publisher's rights"
    prefix = settings.topics.prefix
    topics = [
        name
        for name in cluster.topics
        if name == LEDGER_TOPIC or (name.startswith(prefix) and name[:2] != "__")
    ]
    if not topics:
        return Finding(check, "unknown", f"there is no topic {prefix}… and no ledger")
    try:
        refused = check_topics(access, topics)
    except NightmailError as error:
        return Finding(check, "wrong", str(error))
    if refused:
        return Finding(check, "wrong", _join(list(refused.values()), " "), refused)
    return Finding(check, "ok", f"can write all of its topics ({len(topics)})")


def _look_at_brokers(
    settings: Settings, access: KafkaAccess, cluster: ClusterMetadata
) -> Finding:
    there = {
        number: f"{broker.host}:{broker.port}"
        for number, broker in sorted(cluster.brokers.items())
    }
    told = ", ".join(f"{number} at {where}" for number, where in there.items())
    details = {str(number): where for number, where in there.items()}
    wanted = range(1, kafka_folder(settings).count + 1) if access.local else ()
    if missing := [str(number) for number in wanted if number not in there]:
        told += (
            f"; missing: {', '.join(missing)}: `nightmail cluster start` begins what"
            " has died"
        )
        return Finding("brokers", "wrong", told, details)
    return Finding("brokers", "ok", told, details)


def _look_at_partitions(cluster: ClusterMetadata) -> Iterator[Finding]:
    dead, few, total = [], [], 0
    for name, topic in sorted(cluster.topics.items()):
        for number, partition in sorted(topic.partitions.items()):
            total += 1
            where = f"{name}-{number}"
            if partition.leader < 0:
                dead.append(where)
            elif len(partition.isrs) < len(partition.replicas):
                few.append(where)
    if dead:
        told = f"{len(dead)} of {total} partitions have no leader: {_join(dead)}"
        yield Finding("leaders", "wrong", told, dead)
    else:
        yield Finding("leaders", "ok", f"all {total} partitions have one", dead)
    if few:
        told = f"{len(few)} partitions are under-replicated: {_join(few)}"
        yield Finding("copies", "wrong", told, few)
    else:
        yield Finding("copies", "ok", "no partition is under-replicated", few)


def _look_at_transactions(
    access: KafkaAccess, admin: AdminClient, cluster: ClusterMetadata, at: datetime
) -> Finding:
    check = "transactions"
    places = [
        (name, number)
        for name, topic in cluster.topics.items()
        for number, partition in topic.partitions.items()
        if partition.leader >= 0
    ]
    try:
        found = find_open_transactions(access, admin, places)
    except KafkaException as error:
        return Finding(check, "unknown", f"not told: {error.args[0].str()}")
    limit = _read_limit(admin, cluster)
    hanging = [one for one in found if one.since and at - one.since > limit]
    details = [_detail(one, at) for one in found]
    if hanging:
        told = f"{len(hanging)} hang, and hide what comes after: "
        told += _join([_describe(one, at) for one in hanging])
        return Finding(check, "wrong", told, details)
    if found:
        told = f"{len(found)} open: {_join([_describe(one, at) for one in found])}"
        return Finding(check, "ok", told, details)
    return Finding(check, "ok", "none is open", details)


def _read_limit(admin: AdminClient, cluster: ClusterMetadata) -> timedelta:
    """Give how long a transaction may take on this cluster."""
    name = str(next(iter(cluster.brokers)))
    asked = [ConfigResource(ResourceType.BROKER, name)]
    try:
        [answer] = admin.describe_configs(asked, request_timeout=ANSWER_S).values()
        limit_ms = int(answer.result()["transaction.max.timeout.ms"].value)
    except (KafkaException, KeyError, TypeError):
        return LONGEST_TRANSACTION
    return timedelta(milliseconds=limit_ms)


def _describe(one: OpenTransaction, at: datetime) -> str:
    where = f"{one.topic}-{one.partition} at offset {one.offset}"
    if one.since is None:
        return f"{where}, for how long is not known"
    return f"{where} for {(at - one.since).total_seconds():.0f} s"


def _detail(one: OpenTransaction, at: datetime) -> dict[str, Any]:
    open_s = (at - one.since).total_seconds() if one.since else None
    return {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "hidden": one.hidden,
        "since": one.since.isoformat() if one.since else None,
        "open_s": open_s,
    }


def _join(several: list[str], mark: str = ", ") -> str:
    more = f"{mark}and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
    return mark.join(several[:SHOWN]) + more
