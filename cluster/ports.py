"""The ports of the local Kafka, three for each broker."""

import errno
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from settings.errors import ClusterError, SettingsError
from settings.names import stable_hash

HOST = "127.0.0.1"
"""The address that the local Kafka listens on, unless a setting says otherwise."""

EACH = 3
"""Ports of one broker."""

HIGHEST = 65535
"""Highest port that there is."""

USUAL = 9092
"""Kafka's own default port."""

FIRST, LAST = 20000, 32000
"""Where to look if that is taken: below what systems give to outgoing connections."""


@dataclass(frozen=True)
class Ports:
    """Where one broker listens."""

    public: int
    """Anonymous, read only."""

    internal: int
    """SCRAM users."""

    controller: int
    """Kafka's own, always on loopback."""

    @classmethod
    def following(cls, port: int) -> "Ports":
        """Give a port and the two that follow it."""
        return cls(port, port + 1, port + 2)


def choose_ports(
    folder: Path,
    wished: int | None,
    recorded: Sequence[Ports],
    *,
    brokers: int = 1,
    host: str = HOST,
) -> tuple[Ports, ...]:
    """Choose the ports for a start, all of them free.

    Parameters
    ----------
    folder
        The local Kafka's; another one looks elsewhere first.
    wished
        First of three for each broker, or None for the same as last time, else from
        9092 on if they are free, else any.
    recorded
        Those of the last start; empty before the first.
    brokers
        How many there are.
    host
        Address to listen on.

    Returns
    -------
    tuple of Ports
        Those of each broker.

    Raises
    ------
    ClusterError
        A port is taken.
    SettingsError
        There are not so many after the wished one, or the address is not of this
        machine.
    """
    if wished is not None:
        if wished + EACH * brokers - 1 > HIGHEST:
            raise SettingsError(
                f"{brokers} brokers need {EACH * brokers} ports, and {wished} is too"
                f" high for that: take one up to {HIGHEST + 1 - EACH * brokers}."
            )
        return refuse_taken(_follow(wished, brokers), host)
    if recorded:
        return refuse_taken(tuple(recorded), host)
    for ports in _usual_and_others(folder, brokers):
        if _first_taken(ports, host) is None:
            return ports
    raise ClusterError(
        f"No {EACH * brokers} ports from {FIRST} to {LAST} are free: name some by"
        " cluster.port."
    )


def refuse_taken(ports: tuple[Ports, ...], host: str) -> tuple[Ports, ...]:
    """Give the same ports, if no other program has one of them.

    Raises
    ------
    ClusterError
        One is taken.
    SettingsError
        The address is not of this machine.
    """
    taken = _first_taken(ports, host)
    if taken is not None:
        raise ClusterError(
            f"The port {taken} is taken by another program: end it, or name"
            " another port by --port or cluster.port."
        )
    return ports


def _follow(port: int, brokers: int) -> tuple[Ports, ...]:
    return tuple(Ports.following(port + EACH * number) for number in range(brokers))


def _usual_and_others(folder: Path, brokers: int) -> Iterator[tuple[Ports, ...]]:
    yield _follow(USUAL, brokers)
    width = EACH * brokers
    choices = (LAST - FIRST) // width
    start = stable_hash(str(folder), choices)
    for step in range(choices):
        yield _follow(FIRST + width * ((start + step) % choices), brokers)


def _first_taken(several: Sequence[Ports], host: str) -> int | None:
    for ports in several:
        at = {ports.public: host, ports.internal: host, ports.controller: HOST}
        for port, address in at.items():
            if _is_taken(address, port):
                return port
    return None


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as tried:
        # Without it, connections that have just ended would look like a listener.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise SettingsError(
                    f"cluster.host is {host}, which is no address of this machine: name"
                    " one that is."
                ) from error
            return True
    return False
