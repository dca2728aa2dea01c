"""How it stands with the local Kafka, without asking it."""

from dataclasses import dataclass
from pathlib import Path

from cluster.broker import find_broker
from cluster.folder import BrokerFolder, KafkaFolder, kafka_folder, read_pid
from cluster.locks import is_held
from cluster.ports import Ports
from cluster.record import Record, read_record
from settings import Settings


@dataclass(frozen=True)
class BrokerStatus:
    """What is known of one broker."""

    number: int
    """From 1."""

    running: bool
    """Whether it lives; it may be still starting."""

    died: bool
    """Whether it ended although nobody stopped it."""

    pid: int | None
    """Its process, while it runs."""

    ports: Ports | None
    """Where it listens or did last; None before the first start."""

    log: Path
    """What it says."""


@dataclass(frozen=True)
class Status:
    """What is known of the local Kafka."""

    brokers: tuple[BrokerStatus, ...]
    """One or several, in the order of their numbers."""

    record: Record | None
    """What the last start wrote down; None before the first."""

    folder: Path
    """Where its data are."""

    authority: Path | None
    """Certificate by which clients know the brokers; None without one of our own."""

    @property
    def running(self) -> bool:
        """Whether any broker lives."""
        return any(broker.running for broker in self.brokers)

    @property
    def died(self) -> bool:
        """Whether none lives although nobody stopped it."""
        return not self.running and any(broker.died for broker in self.brokers)

    @property
    def pid(self) -> int | None:
        """Process of the first broker that runs."""
        return next((b.pid for b in self.brokers if b.running), None)

    @property
    def started(self) -> str | None:
        """When the last start was, ISO 8601, UTC; None before the first."""
        return self.record.started if self.record else None

    @property
    def ports(self) -> Ports | None:
        """Where the first broker listens or did last; None before the first start."""
        return self.brokers[0].ports

    @property
    def log(self) -> Path:
        """What the first broker says."""
        return self.brokers[0].log

    @property
    def bootstrap_servers(self) -> str | None:
        """Where users log in, while it runs."""
        return self.record.bootstrap_servers if self.running and self.record else None

    @property
    def public_servers(self) -> str | None:
        """Where anonymous readers go, while it runs."""
        return self.record.public_servers if self.running and self.record else None

    @property
    def tls(self) -> bool:
        """Whether users log in over TLS."""
        return bool(self.record and self.record.tls)


def status(settings: Settings) -> Status:
    """Tell how it stands with the local Kafka; changes nothing.

    Raises
    ------
    ClusterError
        What the last start wrote down is damaged.
    """
    folder = kafka_folder(settings)
    record = read_record(folder)
    has_own = record is not None and record.tls and folder.authority.exists()
    return Status(
        brokers=tuple(_look_at(broker, record) for broker in folder.brokers),
        record=record,
        folder=folder.root,
        authority=folder.authority if has_own else None,
    )


def runs(folder: KafkaFolder) -> bool:
    """Tell whether any broker of a folder lives."""
    return any(is_held(broker.lock) for broker in folder.brokers)


def _look_at(broker: BrokerFolder, record: Record | None) -> BrokerStatus:
    running = is_held(broker.lock)
    there = record.ports[broker.number - 1 : broker.number] if record else ()
    return BrokerStatus(
        number=broker.number,
        running=running,
        died=not running and read_pid(broker) is not None,
        pid=find_broker(broker),
        ports=there[0] if there else None,
        log=broker.log,
    )
