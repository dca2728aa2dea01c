"""Which ports the local Kafka takes."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ports
from cluster.ports import HOST, Ports, choose_ports
from settings.errors import ClusterError, SettingsError


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that another program listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """Give a first port that is free, and have it for the usual one."""
    free = choose_ports(tmp_path / "any", None, ())[0].public + 300
    monkeypatch.setattr(ports, "USUAL", free)
    return free


def test_the_wished_ones_are_taken(usual: int) -> None:
    """A named port is the first of three."""
    assert choose_ports(Path(), usual, ()) == (Ports.following(usual),)


def test_the_usual_ones_are_taken_first(usual: int) -> None:
    """The first start takes the usual ports if they are free."""
    assert choose_ports(Path(), None, ()) == (Ports.following(usual),)


def test_others_are_taken_where_the_usual_ones_are_not_free(
    monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """Two folders look in different places, each always in the same."""
    monkeypatch.setattr(ports, "USUAL", taken)

    chosen = [choose_ports(Path(f"/state/{n}"), None, ())[0] for n in (1, 2, 1)]

    assert chosen[0] == chosen[2]
    assert chosen[0] != chosen[1]
    assert all(ports.FIRST <= each.public < ports.LAST for each in chosen)


def test_the_last_start_s_are_taken_again(usual: int) -> None:
    """What the last start wrote down goes before the usual ones."""
    recorded = (Ports.following(usual + 3),)

    assert choose_ports(Path(), None, recorded) == recorded


def test_a_taken_one_is_refused(taken: int) -> None:
    """A wished or recorded port that is taken is named."""
    with pytest.raises(ClusterError, match=f"The port {taken} is taken"):
        choose_ports(Path(), taken - 2, ())
    with pytest.raises(ClusterError, match=f"The port {taken} is taken"):
        choose_ports(Path(), None, (Ports.following(taken - 1),))


def test_each_broker_has_three(usual: int) -> None:
    """Three brokers take nine ports that follow each other."""
    chosen = choose_ports(Path(), usual, (), brokers=3)

    assert chosen == tuple(Ports.following(usual + more) for more in (0, 3, 6))


def test_too_high_a_port_is_refused() -> None:
    """Where not enough ports follow, the sentence says up to which one may go."""
    with pytest.raises(SettingsError, match="take one up to 65527"):
        choose_ports(Path(), 65530, (), brokers=3)


def test_an_address_of_another_machine_is_refused(usual: int) -> None:
    """Nobody can listen there, and the sentence names the setting."""
    with pytest.raises(SettingsError, match=r"cluster\.host is 192\.0\.2\.1"):
        choose_ports(Path(), usual, (), host="192.0.2.1")
