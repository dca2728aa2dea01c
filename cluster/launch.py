"""Brokers are begun: those that are missing, on ports that are free, with rights."""

import logging
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from confluent_kafka.admin import ClusterMetadata

from cluster.access import has_leaders, local_access, look, make_admin
from cluster.broker import (
    Program,
    begin_broker,
    end_brokers,
    explain_death,
    find_broker,
    read_cluster_id,
)
from cluster.certificates import ensure_certificates
from cluster.folder import (
    BrokerFolder,
    KafkaFolder,
    make_folder,
    make_passwords,
    read_passwords,
    read_pid,
)
from cluster.installation import find_installation
from cluster.locks import hold, is_held
from cluster.ports import Ports, choose_ports, refuse_taken
from cluster.properties import ADMINISTRATOR, Layout
from cluster.record import Record, read_record, write_record
from cluster.rights import grant_public, grant_publisher
from cluster.status import runs
from cluster.users import ensure_user
from runtime.cache import cache_dir
from runtime.java import find_java
from settings import Settings
from settings.errors import ClusterError, SettingsError
from settings.names import PUBLISHER

READY_S = 120.0
"""How long brokers may take until they can be used [s]; 4 on a quiet machine."""

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
class Wish:
    """What a start is asked for; None is as the settings or the last start say."""

    port: int | None = None
    """First of three ports for each broker."""

    brokers: int | None = None
    """How many; it never changes afterwards."""

    tls: bool | None = None
    """Whether users log in over TLS."""


def ensure_running(settings: Settings, folder: KafkaFolder, wish: Wish) -> bool:
    """Have all brokers ready, and say whether none ran before.

    Raises
    ------
    SettingsError
        What is wished is not what is there, or a setting is wrong.
    ClusterError
        It cannot be started.
    """
    make_folder(folder)
    try:
        with hold(folder.starting, wait_s=START_S):
            brokers = _choose_brokers(folder, wish.brokers)
            idle = [broker for broker in brokers if not is_held(broker.lock)]
            if len(idle) == len(brokers):
                _begin(settings, folder, brokers, wish)
                return True
            _refuse_change(folder, wish)
            if idle:
                _begin_missing(settings, folder, idle)
            else:
                _set_up(folder, brokers, settings.topics.prefix)
            return False
    except TimeoutError as error:
        raise ClusterError(
            f"Another start of Kafka in {folder.root} is under way: try again."
        ) from error
    except OSError as error:
        raise ClusterError(
            f"Kafka cannot be started in {folder.root}: {error}."
        ) from error


def _choose_brokers(
    folder: KafkaFolder, wished: int | None
) -> tuple[BrokerFolder, ...]:
    """Give the brokers that are to run; of a Kafka that has data always the same."""
    count = folder.count
    if wished in (None, count):
        return folder.brokers
    if folder.is_made or runs(folder):
        raise SettingsError(
            f"Kafka in {folder.root} was made with --brokers {count} and cannot have"
            f" {wished}: start it without --brokers, or forget it by `nightmail cluster"
            " destroy`, or set another state_dir."
        )
    for left in folder.root.glob("broker-[0-9]"):
        shutil.rmtree(left)
    return folder.of(wished or count)


def _refuse_change(folder: KafkaFolder, wish: Wish) -> None:
    record = read_record(folder)
    if record and wish.tls is not None and wish.tls != record.tls:
        has, wanted = ("with", "without") if record.tls else ("without", "with")
        raise SettingsError(
            f"Kafka in {folder.root} runs {has} TLS: stop it by `nightmail cluster"
            f" stop`, then start it {wanted}."
        )


def _begin(
    settings: Settings,
    folder: KafkaFolder,
    brokers: Sequence[BrokerFolder],
    wish: Wish,
) -> None:
    """Begin all; where another start has taken the ports that were free, on others."""
    folder.temporary.unlink(missing_ok=True)
    port = wish.port or settings.cluster.port
    record = read_record(folder)
    recorded = record.ports if record and len(record.ports) == len(brokers) else ()
    before = record.tls if record else False
    asked = settings.cluster.tls if wish.tls is None else wish.tls
    tls = before if asked is None else asked
    is_first = port is None and not recorded
    bind = settings.cluster.host
    for left in reversed(range(TRIES if is_first else 1)):
        ports = choose_ports(
            folder.root, port, recorded, brokers=len(brokers), host=bind
        )
        layout = Layout(ports, bind, settings.cluster.advertised_host or bind, tls=tls)
        try:
            return _launch(settings, folder, brokers, layout)
        except ClusterError as error:
            if not left or TAKEN not in str(error):
                raise
    return None


def _begin_missing(
    settings: Settings, folder: KafkaFolder, missing: Sequence[BrokerFolder]
) -> None:
    """Begin those that have died beside others that run, where they were."""
    record = read_record(folder)
    if record is None:
        raise ClusterError(
            f"{folder.record} is lost, and only it says where the other brokers are:"
            " stop them by `nightmail cluster stop` and start again."
        )
    bind = settings.cluster.host
    ports: tuple[Ports, ...] = tuple(record.ports[b.number - 1] for b in missing)
    refuse_taken(ports, bind)
    layout = Layout(record.ports, bind, record.host, tls=record.tls)
    _launch(settings, folder, missing, layout)


def _launch(
    settings: Settings,
    folder: KafkaFolder,
    brokers: Sequence[BrokerFolder],
    layout: Layout,
) -> None:
    """Begin brokers and wait for them; those that were begun end if it fails."""
    try:
        with ExitStack() as stack:
            locks = [_take(stack, broker) for broker in brokers]
            program = _prepare(settings, folder, layout)
            log.info("Starting Kafka in %s.", folder.root)
            for broker, lock in zip(brokers, locks, strict=True):
                begin_broker(broker, program, lock=lock)
        _set_up(folder, brokers, settings.topics.prefix)
    except BaseException:
        end_brokers([broker for broker in brokers if find_broker(broker)])
        raise


def _take(stack: ExitStack, broker: BrokerFolder) -> int:
    """Hold a broker's lock, until the broker does."""
    broker.root.mkdir(mode=0o700, exist_ok=True)
    lock = stack.enter_context(hold(broker.lock, wait_s=LOCK_S))
    if read_pid(broker) is not None:
        log.warning("Kafka in %s ended without being stopped; recovering.", broker.root)
        broker.pid.unlink()
    return lock


def _prepare(settings: Settings, folder: KafkaFolder, layout: Layout) -> Program:
    """Have everything there that brokers need, and write down how they run."""
    make_passwords(folder, [ADMINISTRATOR, PUBLISHER])
    password = read_passwords(folder)[ADMINISTRATOR]
    now = datetime.now(UTC)
    if layout.tls:
        ensure_certificates(folder, settings.cluster, host=layout.host, at=now)
        layout = replace(layout, has_authority=folder.authority.exists())
    cache = settings.state_dir / "cache"
    java = find_java("kafka", fallback=cache)
    kafka = find_installation(java, cache_dir(cache))
    record = Record(
        ports=layout.ports,
        started=now.isoformat(timespec="seconds"),
        host=layout.host,
        tls=layout.tls,
        kafka=kafka.version,
        java=f"{java.version} ({java.why})",
    )
    write_record(folder, record)
    cluster_id = read_cluster_id(folder.of(len(layout.ports)))
    return Program(java.executable, kafka.jars, layout, cluster_id, password)


def _set_up(folder: KafkaFolder, brokers: Sequence[BrokerFolder], prefix: str) -> None:
    """Wait until Kafka can be used, and give everybody their rights."""
    _await_ready(folder, brokers)
    access = local_access(folder)
    ensure_user(access, PUBLISHER, password=read_passwords(folder)[PUBLISHER])
    grant_publisher(access, prefix, user=PUBLISHER)
    grant_public(access, prefix)


def _await_ready(folder: KafkaFolder, brokers: Sequence[BrokerFolder]) -> None:
    """Wait until all brokers can be used, but not for one that has died."""
    end = time.monotonic() + READY_S
    # While they start every connection is refused, which is no failure yet.
    admin = make_admin(local_access(folder), on_error=lambda _: None)
    while not _is_ready(look(admin), folder.count):
        for broker in brokers:
            if not is_held(broker.lock):
                broker.pid.unlink(missing_ok=True)
                raise ClusterError(
                    f"Kafka did not start: {explain_death(broker.log)} (all of it in"
                    f" {broker.log})."
                )
        if time.monotonic() > end:
            raise ClusterError(
                f"Kafka is not ready after {READY_S:.0f} s: see {brokers[0].log}."
            )


def _is_ready(cluster: ClusterMetadata | None, brokers: int) -> bool:
    return (
        cluster is not None
        and len(cluster.brokers) == brokers
        and all(map(has_leaders, cluster.topics.values()))
    )
