"""What the last start of the local Kafka wrote down."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from cluster.folder import KafkaFolder, write_private
from cluster.ports import HOST, Ports
from settings.errors import ClusterError


@dataclass(frozen=True)
class Record:
    """What the next start, and everybody who connects, must know."""

    ports: tuple[Ports, ...]
    """Of each broker, in the order of their numbers."""

    started: str
    """When it was, ISO 8601, UTC."""

    host: str = HOST
    """Name or address under which clients reach it."""

    tls: bool = False
    """Whether users log in over TLS."""

    kafka: str = ""
    """Version of Kafka; empty if an older nightmail wrote this."""

    java: str = ""
    """Version of Java, and where it was found; empty likewise."""

    @property
    def bootstrap_servers(self) -> str:
        """Where users log in: host:port, joined by commas."""
        return ",".join(f"{self.host}:{ports.internal}" for ports in self.ports)

    @property
    def public_servers(self) -> str:
        """The same where anonymous readers go."""
        return ",".join(f"{self.host}:{ports.public}" for ports in self.ports)


def read_record(folder: KafkaFolder) -> Record | None:
    """Give what the last start wrote down; None before the first.

    Raises
    ------
    ClusterError
        The file is damaged.
    """
    try:
        return _parse(json.loads(folder.record.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise ClusterError(
            f"{folder.record} cannot be read: delete it, and new ports are chosen."
        ) from error


def write_record(folder: KafkaFolder, record: Record) -> None:
    """Write it down, in place of what was there."""
    write_private(folder.record, json.dumps(asdict(record), indent=2) + "\n")


def _parse(told: dict[str, Any]) -> Record:
    ports = told["ports"]
    # Before there could be several brokers, the ports of the only one stood there.
    each = ports if isinstance(ports, list) else [ports]
    return Record(**{**told, "ports": tuple(Ports(**one) for one in each)})
