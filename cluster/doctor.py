"""Whether Kafka is well: everything that can be asked of it, as a list of findings."""

import importlib.metadata
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import confluent_kafka
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
)
from cryptography import x509

from cluster.access import KafkaAccess, find_access, open_admin
from cluster.answers import ANSWER_S
from cluster.folder import kafka_folder
from cluster.preflight import check_topics
from cluster.status import Status, status
from cluster.transactions import OpenTransaction, find_open_transactions
from settings import Settings
from settings.errors import NightmailError
from settings.names import LEDGER_TOPIC

LITTLE_SPACE = 0.05
"""Share of a disk below which it is said to be full."""

LITTLE_TIME = timedelta(days=14)
"""What a certificate should have left."""

LONGEST_TRANSACTION = timedelta(minutes=15)
"""Kafka's own limit, where we may not ask for that of the cluster."""

SHOWN = 5
"""Partitions, topics or transactions that are named of many."""

BROKEN = frozenset({"4.3.1"})
"""Kafkas that lose the end of a transaction when they are killed (KAFKA-20734)."""


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


@dataclass(frozen=True)
class Examination:
    """What was found of a Kafka."""

    servers: str
    """host:port, joined by commas."""

    findings: tuple[Finding, ...]

    exit_code: int
    """0 all is well, 1 something is wrong; that of the error if we cannot get in."""


def examine(settings: Settings, *, at: datetime) -> Examination:
    """Look at the Kafka that is in use; changes nothing.

    Parameters
    ----------
    settings
        Say which.
    at
        Now.

    Raises
    ------
    SettingsError
        A setting is wrong.
    ClusterError
        None is named, and the local one does not run.
    """
    access = find_access(settings)
    begun = time.monotonic()
    try:
        admin = open_admin(access)
    except NightmailError as error:
        refused = Finding("administrator", "wrong", str(error))
        found = (refused, *_look_outside(settings, access, at))
        return Examination(access.bootstrap_servers, found, error.exit_code)
    reached = _say_reached(access.admin, begun)
    found = (
        Finding("administrator", "ok", reached),
        *_look_outside(settings, access, at),
        *_look_inside(settings, access, admin, at),
    )
    is_well = all(finding.state != "wrong" for finding in found)
    return Examination(access.bootstrap_servers, found, 0 if is_well else 1)


def _say_reached(config: Any, begun: float) -> str:
    user = config.get("sasl.username", "ANONYMOUS")
    took_ms = 1000 * (time.monotonic() - begun)
    protocol = config["security.protocol"]
    return f"{user} at {config['bootstrap.servers']} by {protocol}, {took_ms:.0f} ms"


def _look_outside(
    settings: Settings, access: KafkaAccess, at: datetime
) -> Iterator[Finding]:
    """Look at what can be seen without the administrator."""
    if access.publisher != access.admin:
        yield _try("publisher", access, access.publisher)
    if access.public_servers:
        public = {
            "bootstrap.servers": access.public_servers,
            "security.protocol": "PLAINTEXT",
            "log_level": 0,
        }
        yield _try("anonymous readers", access, public)
    here = status(settings) if access.local else None
    yield _tell_versions(here)
    if here is not None:
        yield _look_at_disks(here)
        if here.tls:
            yield _look_at_certificate(settings, at)


def _try(check: str, access: KafkaAccess, config: Any) -> Finding:
    begun = time.monotonic()
    servers = config["bootstrap.servers"]
    trial = KafkaAccess(servers, None, local=access.local, publisher={}, admin=config)
    try:
        open_admin(trial)
    except NightmailError as error:
        return Finding(check, "wrong", str(error))
    return Finding(check, "ok", _say_reached(config, begun))


def _tell_versions(here: Status | None) -> Finding:
    versions = {
        "confluent-kafka": importlib.metadata.version("confluent-kafka"),
        "librdkafka": confluent_kafka.libversion()[0],
    }
    kafka = here.record.kafka if here and here.record else ""
    if here and here.record and kafka:
        versions = {"Kafka": kafka, "Java": here.record.java} | versions
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    if kafka in BROKEN:
        told += (
            f"; Kafka {kafka} may lose the end of a transaction when it is killed"
            " (KAFKA-20734): run another"
        )
        return Finding("versions", "wrong", told, versions)
    return Finding("versions", "ok", told, versions)


def _look_at_disks(here: Status) -> Finding:
    details, told, full = [], [], False
    for broker in here.brokers:
        data = broker.log.parent / "data"
        free = shutil.disk_usage(data)
        used = _measure(data)
        full |= free.free < LITTLE_SPACE * free.total
        told.append(f"broker {broker.number} uses {used / 1e6:,.1f} MB")
        details.append({"broker": broker.number, "used": used, "free": free.free})
    told.append(f"{free.free / 1e9:,.1f} GB of {free.total / 1e9:,.1f} are free")
    return Finding("disk", "wrong" if full else "ok", ", ".join(told), details)


def _measure(folder: Path) -> int:
    """Give the space that the files of a folder take [byte]."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                # Kafka makes its indexes longer than what they hold.
                total += 512 * Path(at, name).stat().st_blocks
            except FileNotFoundError:
                continue  # Kafka has just deleted it
    return total


def _look_at_certificate(settings: Settings, at: datetime) -> Finding:
    file = kafka_folder(settings).tls / "server.pem"
    end = x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
    told = f"good until {end:%Y-%m-%d}"
    if end - at < LITTLE_TIME:
        return Finding(
            "certificate", "wrong", f"{told}: renew it, and start Kafka anew"
        )
    return Finding("certificate", "ok", told, {"until": end.isoformat()})


def _look_inside(
    settings: Settings, access: KafkaAccess, admin: AdminClient, at: datetime
) -> Iterator[Finding]:
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
