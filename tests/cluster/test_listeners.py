"""Where the local Kafka is heard."""

import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster import local
from cluster.doctor import examine
from cluster.ports import Ports
from cluster.properties import Layout, render_properties
from settings.model import Cluster, Settings

LAYOUT = Layout((Ports(1, 2, 3), Ports(4, 5, 6), Ports(7, 8, 9)))


def _say(layout: Layout, number: int) -> dict[str, str]:
    text = render_properties(layout, number=number, shared="../", data="data")
    return dict(line.split("=", 1) for line in text.splitlines())


def test_each_broker_has_its_own() -> None:
    """Of three, each listens on its own ports, and knows all controllers."""
    said = _say(LAYOUT, 2)

    assert said["listeners"] == (
        "PUBLIC://127.0.0.1:4,INTERNAL://127.0.0.1:5,CONTROLLER://127.0.0.1:6"
    )
    assert said["controller.quorum.voters"] == (
        "1@127.0.0.1:3,2@127.0.0.1:6,3@127.0.0.1:9"
    )
    assert said["node.id"] == "2"


@pytest.mark.parametrize(
    ("brokers", "copies", "needed"), [(1, "1", "1"), (3, "3", "2")]
)
def test_copies_follow_the_brokers(brokers: int, copies: str, needed: str) -> None:
    """Whatever Kafka keeps for itself or for us has as many copies."""
    said = _say(Layout(LAYOUT.ports[:brokers]), 1)

    factors = {v for k, v in said.items() if k.endswith("replication.factor")}
    least = {
        v for k, v in said.items() if k.endswith(("min.isr", "min.insync.replicas"))
    }
    assert (factors, least) == ({copies}, {needed})


def test_no_secret_is_in_the_properties() -> None:
    """Passwords stand in a file of their own, which is only named."""
    text = render_properties(LAYOUT, number=1, shared="../", data="data")

    assert set(re.findall(r'(?:password|user_admin)="([^"]*)"', text)) == {
        "${file:../passwords.properties:admin}"
    }


def test_controllers_stay_at_home() -> None:
    """Elsewhere only users and anonymous readers are heard; passwords go over TLS."""
    wide = Layout(LAYOUT.ports, "0.0.0.0", "alerts.example.org", tls=True)  # noqa: S104

    said = _say(wide, 1)

    assert said["listeners"] == (
        "PUBLIC://0.0.0.0:1,INTERNAL://0.0.0.0:2,CONTROLLER://127.0.0.1:3"
    )
    assert said["advertised.listeners"] == (
        "PUBLIC://alerts.example.org:1,INTERNAL://alerts.example.org:2"
    )
    assert said["listener.security.protocol.map"] == (
        "PUBLIC:PLAINTEXT,INTERNAL:SASL_SSL,CONTROLLER:SASL_PLAINTEXT"
    )


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1"] * 3),
        ("0.0.0.0", ["0.0.0.0", "0.0.0.0", "127.0.0.1"]),  # noqa: S104
    ],
)
def test_it_is_heard_where_it_is_told(
    tmp_path: Path,
    make_settings: Callable[[Path], Settings],
    host: str,
    addresses: list[str],
) -> None:
    """The system's own list of listeners; everybody still gets in."""
    port = make_settings(tmp_path).cluster.port
    where = Cluster(port=port, host=host, advertised_host="localhost")
    settings = Settings(state_dir=tmp_path, cluster=where)

    pid = local.start(settings).pid
    heard = _find_listeners(pid)
    found = examine(settings, at=datetime.now(UTC))
    local.stop(settings)

    assert port
    assert heard == {port + more: at for more, at in enumerate(addresses)}
    assert found.exit_code == 0
    assert found.servers == f"localhost:{port + 1}"


def _find_listeners(pid: int | None) -> dict[int, str]:
    """Give the address of each port on which a process listens, from /proc."""
    links = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(file.readlink()))
    mine = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in mine:
                address, port = words[1].split(":")
                found[int(port, 16)] = _spell(address)
    return found


def _spell(address: str) -> str:
    """Spell an address of /proc; the last word of a mapped one is that of IPv4."""
    last = struct.pack("<I", int(address[-8:], 16))
    return socket.inet_ntoa(last)
