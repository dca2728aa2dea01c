"""The local Kafka: started, asked, stopped, or run for as long as it is used."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka.admin import ClusterMetadata

from cluster.access import (
    KafkaAccess,
    connect,
    has_leaders,
    local_access,
    look,
    make_admin,
)
from cluster.broker import begin_broker, end_broker, explain_death, find_broker
from cluster.folder import (
    KafkaFolder,
    kafka_folder,
    make_folder,
    make_passwords,
    read_passwords,
    read_pid,
    read_record,
    write_record,
)
from cluster.jars import fetch_jars
from cluster.locks import hold, is_held
from cluster.ports import HOST, Ports, choose_ports
from cluster.properties import ADMINISTRATOR
from cluster.rights import grant_public, grant_publisher
from cluster.users import ensure_user
from runtime.cache import cache_dir
from runtime.java import find_java
from settings import Settings
from settings.errors import ClusterError, SettingsError
from settings.names import PUBLISHER

READY_S = 120.0
"""How long a broker may take until it can be used [s]; 4 on a quiet machine."""

START_S = 600.0
"""How long to wait for another start of the same Kafka, its fetch included [s]."""

TRIES = 3
"""Times that ports are chosen for a first start."""

TAKEN = "Address already in use"
"""What Kafka says of a port that another program took in between."""

LOCK_S = 1.0
"""How long to try for a lock that somebody only looks at [s]."""

log = logging.getLogger("nightmail")


@dataclass(frozen=True)
class Status:
    """What is known of the local Kafka."""

    running: bool
    """Whether a broker lives; it may be still starting."""

    died: bool
    """Whether the last one ended although nobody stopped it."""

    pid: int | None
    """Its process, while it runs."""

    started: str | None
    """When the last start was, ISO 8601, UTC; None before the first."""

    ports: Ports | None
    """Where it listens or did last; None before the first start."""

    folder: Path
    """Where its data are."""

    log: Path
    """What it says."""

    @property
    def bootstrap_servers(self) -> str | None:
        """Where users log in, while it runs."""
        return f"{HOST}:{self.ports.internal}" if self.running and self.ports else None

    @property
    def public_servers(self) -> str | None:
        """Where anonymous readers go, while it runs."""
        return f"{HOST}:{self.ports.public}" if self.running and self.ports else None


def status(settings: Settings) -> Status:
    """Tell how it stands with the local Kafka; changes nothing."""
    folder = kafka_folder(settings)
    record = read_record(folder)
    running = is_held(folder.lock)
    return Status(
        running=running,
        died=not running and read_pid(folder) is not None,
        pid=find_broker(folder),
        started=record.get("started"),
        ports=Ports(**record["ports"]) if "ports" in record else None,
        folder=folder.root,
        log=folder.log,
    )


def start(settings: Settings, *, port: int | None = None) -> Status:
    """Start the local Kafka and wait until it can be used; it outlives us.

    One that runs already stays as it is. Our publisher and everybody's reading are set
    up each time, so that a start that was interrupted leaves nothing undone.

    Parameters
    ----------
    settings
        `state_dir` says where it lives, `topics.prefix` what everybody may read.
    port
        First of three ports; None for `cluster.port`, else the last start's, else 9092.

    Raises
    ------
    SettingsError
        The settings name another cluster, or no Java is found.
    ClusterError
        A port is taken, the program cannot be fetched, or the broker does not start.
    """
    if settings.kafka.bootstrap_servers:
        raise SettingsError(
            f"kafka.bootstrap_servers names {settings.kafka.bootstrap_servers}, so no"
            " local Kafka is started: unset it first."
        )
    folder = kafka_folder(settings)
    if not _ensure_running(settings, folder, port or settings.cluster.port):
        log.info("Kafka runs already in %s.", folder.root)
    folder.temporary.unlink(missing_ok=True)
    return status(settings)


def stop(settings: Settings) -> Status:
    """Stop the local Kafka; topics and users stay.

    Raises
    ------
    ClusterError
        A run is using it, it does not end, or is just starting.
    """
    folder = kafka_folder(settings)
    if is_held(folder.lock):
        try:
            with hold(folder.users, wait_s=0):
                end_broker(folder)
        except TimeoutError as error:
            raise ClusterError(
                f"A run is using Kafka in {folder.root}: stop it after that has ended."
            ) from error
    else:
        log.info("No Kafka runs in %s.", folder.root)
        folder.pid.unlink(missing_ok=True)
    return status(settings)


@contextmanager
def running(settings: Settings, *, keep: bool = False) -> Iterator[KafkaAccess]:
    """Give access to Kafka, and start the local one if none is named and none runs.

    What was started here is stopped at the end, by the last run that uses it.

    Parameters
    ----------
    settings
        `kafka.bootstrap_servers` names another cluster.
    keep
        Leave the local one running.

    Raises
    ------
    SettingsError, BrokerUnavailableError, ClusterError
        As `start` and `connect` do.
    """
    if settings.kafka.bootstrap_servers:
        yield connect(settings)
        return
    folder = kafka_folder(settings)
    make_folder(folder)
    try:
        with hold(folder.users, wait_s=READY_S, shared=True):
            begun = _ensure_running(settings, folder, settings.cluster.port)
            if keep:
                folder.temporary.unlink(missing_ok=True)
            elif begun:
                folder.temporary.touch()
            yield connect(settings)
    finally:
        _stop_if_last(folder)


def _stop_if_last(folder: KafkaFolder) -> None:
    try:
        with hold(folder.users, wait_s=0):
            if folder.temporary.exists() and is_held(folder.lock):
                end_broker(folder)
    except TimeoutError:
        log.debug("Kafka stays until the other run that uses it ends.")


def _ensure_running(settings: Settings, folder: KafkaFolder, port: int | None) -> bool:
    """Have Kafka ready, and say whether it was begun for that."""
    make_folder(folder)
    try:
        with hold(folder.starting, wait_s=START_S):
            begun = not is_held(folder.lock)
            if begun:
                _begin(settings, folder, port)
            else:
                _set_up(folder, settings.topics.prefix)
    except TimeoutError as error:
        raise ClusterError(
            f"Another start of Kafka in {folder.root} is under way: try again."
        ) from error
    except OSError as error:
        raise ClusterError(
            f"Kafka cannot be started in {folder.root}: {error}."
        ) from error
    return begun


def _begin(settings: Settings, folder: KafkaFolder, port: int | None) -> None:
    """Begin it; where another start has taken the ports that were free, on others."""
    is_first = port is None and "ports" not in read_record(folder)
    for left in reversed(range(TRIES if is_first else 1)):
        try:
            _begin_once(settings, folder, port)
        except ClusterError as error:
            if not left or TAKEN not in str(error):
                raise
            write_record(folder, {})
        else:
            return


def _begin_once(settings: Settings, folder: KafkaFolder, port: int | None) -> None:
    folder.temporary.unlink(missing_ok=True)
    try:
        with hold(folder.lock, wait_s=LOCK_S) as lock:
            _begin_locked(settings, folder, port=port, lock=lock)
        _set_up(folder, settings.topics.prefix)
    except BaseException:
        if find_broker(folder):
            end_broker(folder)
        raise


def _begin_locked(
    settings: Settings, folder: KafkaFolder, *, port: int | None, lock: int
) -> None:
    if read_pid(folder) is not None:
        log.warning("Kafka in %s ended without being stopped; recovering.", folder.root)
        folder.pid.unlink()
    make_passwords(folder, [ADMINISTRATOR, PUBLISHER])
    read_passwords(folder)
    ports = choose_ports(folder.root, port, read_record(folder))
    cache = settings.state_dir / "cache"
    java = find_java("kafka", fallback=cache)
    jars = fetch_jars(java, cache_dir(cache))
    write_record(folder, _describe_start(ports))
    log.info("Starting Kafka in %s.", folder.root)
    begin_broker(folder, ports, java=java.executable, jars=jars, lock=lock)


def _describe_start(ports: Ports) -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"ports": vars(ports), "started": now}


def _await_ready(folder: KafkaFolder) -> None:
    """Wait until the broker can be used, but not for one that has died."""
    end = time.monotonic() + READY_S
    # While it starts every connection is refused, which is no failure yet.
    admin = make_admin(local_access(folder), on_error=lambda _: None)
    while not _is_ready(look(admin)):
        if not is_held(folder.lock):
            folder.pid.unlink(missing_ok=True)
            raise ClusterError(
                f"Kafka did not start: {explain_death(folder.log)} (all of it in"
                f" {folder.log})."
            )
        if time.monotonic() > end:
            raise ClusterError(
                f"Kafka is not ready after {READY_S:.0f} s: see {folder.log}."
            )


def _is_ready(cluster: ClusterMetadata | None) -> bool:
    return cluster is not None and all(map(has_leaders, cluster.topics.values()))


def _set_up(folder: KafkaFolder, prefix: str) -> None:
    """Wait until the broker can be used, and give everybody their rights."""
    _await_ready(folder)
    access = local_access(folder)
    ensure_user(access, PUBLISHER, password=read_passwords(folder)[PUBLISHER])
    grant_publisher(access, prefix, user=PUBLISHER)
    grant_public(access, prefix)
