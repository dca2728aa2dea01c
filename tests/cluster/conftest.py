"""One local Kafka for all tests of the room."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import local
from cluster.access import KafkaAccess
from cluster.ports import choose_ports
from settings.errors import ClusterError
from settings.model import Cluster, Settings

MakeSettings = Callable[[Path], Settings]


@pytest.fixture(scope="session")
def make_settings() -> Iterator[MakeSettings]:
    """Give what makes settings with a state folder and ports for three brokers."""
    made: list[Settings] = []

    def make(state_dir: Path) -> Settings:
        made.append(Settings(state_dir=state_dir, cluster=Cluster(port=find_port())))
        return made[-1]

    yield make
    for settings in made:
        local.stop(settings)


@pytest.fixture(scope="session")
def cluster_settings(
    make_settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Give the settings of the shared Kafka."""
    return make_settings(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def kafka(cluster_settings: Settings) -> Iterator[KafkaAccess]:
    """Give access to the shared Kafka; every test takes topics of its own."""
    with local.running(cluster_settings) as access:
        yield access


def find_port() -> int:
    """Give the first of nine ports that are free."""
    # Not Kafka's own port, which another suite on the machine may take meanwhile.
    while True:
        try:
            ports = choose_ports(
                Path(), random.randrange(20000, 31990, 3), (), brokers=3
            )
        except ClusterError:
            continue
        return ports[0].public
