"""Whether Kafka is well: everything that can be asked of it, as a list of findings."""

import importlib.metadata
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import confluent_kafka
from cryptography import x509

from cluster.access import KafkaAccess, find_access, open_admin
from cluster.folder import kafka_folder
from cluster.health import Finding, look_inside
from cluster.status import Status, status
from settings import Settings
from settings.errors import NightmailError

LITTLE_SPACE = 0.05
"""Share of a disk below which it is said to be full."""

LITTLE_TIME = timedelta(days=14)
"""What a certificate should have left."""

BROKEN = frozenset({"4.3.1"})
"""Kafkas that lose the end of a transaction when they are killed (KAFKA-20734)."""


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
        *look_inside(settings, access, admin, at),
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
