"""The three ports of the local Kafka."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings.errors import ClusterError
from settings.names import stable_hash

HOST = "127.0.0.1"
"""The only address that the local Kafka listens on."""

USUAL = 9092
"""Kafka's own default port."""

FIRST, LAST = 20000, 32000
"""Where to look if that is taken: below what systems give to outgoing connections."""


@dataclass(frozen=True)
class Ports:
    """Where the local Kafka listens, on loopback."""

    public: int
    """Anonymous, read only."""

    internal: int
    """SCRAM users."""

    controller: int
    """Kafka's own."""

    @classmethod
    def following(cls, port: int) -> "Ports":
        """Give a port and the two that follow it."""
        return cls(port, port + 1, port + 2)


def choose_ports(
    folder: Path, wished: int | None, recorded: Mapping[str, Any]
) -> Ports:
    """Choose the ports for a start, all of them free.

    Parameters
    ----------
    folder
        The local Kafka's; another one looks elsewhere first.
    wished
        First of three, or None for the same as last time, else 9092 if it is free, else
        any three.
    recorded
        What the last start wrote down; empty before the first.

    Raises
    ------
    ClusterError
        A port is taken.
    """
    if wished is not None:
        return _refuse_taken(Ports.following(wished))
    if "ports" in recorded:
        return _refuse_taken(Ports(**recorded["ports"]))
    for ports in _usual_and_others(folder):
        if _first_taken(ports) is None:
            return ports
    raise ClusterError(
        f"No three ports from {FIRST} to {LAST} are free: name some by cluster.port."
    )


def _usual_and_others(folder: Path) -> Iterator[Ports]:
    yield Ports.following(USUAL)
    choices = (LAST - FIRST) // 3
    start = stable_hash(str(folder), choices)
    for step in range(choices):
        yield Ports.following(FIRST + 3 * ((start + step) % choices))


def _refuse_taken(ports: Ports) -> Ports:
    taken = _first_taken(ports)
    if taken is not None:
        raise ClusterError(
            f"The port {taken} is taken by another program: end it, or name"
            " another port by --port or cluster.port."
        )
    return ports


def _first_taken(ports: Ports) -> int | None:
    for port in (ports.public, ports.internal, ports.controller):
        with socket.socket() as tried:
            # Without it, connections that have just ended would look like a listener.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((HOST, port))
            except OSError:
                return port
    return None
