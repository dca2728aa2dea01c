"""A night of each survey, distributed once; and fink-client in three versions."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks._fink_client import NoEnvironmentError, fink_client
from cluster.access import KafkaAccess, connect
from settings.model import Archive, Filters, Settings, Store, Topics
from settings.names import topic
from simulator import simulate_night
from tasks.find_night import find_night
from tests.existing_clients.clients import Client
from tests.stored_alerts import ID, stored_rows
from tests.tasks.conftest import walk_night

NIGHT = "20260301"

VERSIONS = ("8.2", "10.0", "12.3.0")
"""Versions of fink-client in use: a manual each, and the newest."""

CLIENTS = [
    (version, survey)
    for version in VERSIONS
    for survey in ("ztf", "lsst")
    if (version, survey) != ("8.2", "lsst")  # which knows no other survey than ZTF
]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Distributed:
    """A night as a user finds it on topics."""

    servers: str
    topics: list[str]
    """One with every alert of the night, one with some."""

    stored: dict[int, dict[str, Any]]
    """The records of the store by id."""

    delivered: int
    """Messages of both topics."""


@pytest.fixture(scope="session")
def access(kafka_state: Path) -> KafkaAccess:
    """Give the one Kafka."""
    return connect(Settings(state_dir=kafka_state))


@pytest.fixture(scope="session")
def nights(
    kafka_state: Path, access: KafkaAccess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Distributed]:
    """Simulate a night of each survey and distribute it, by the whole catalogue."""
    folder = tmp_path_factory.mktemp("night")
    settings = Settings(
        state_dir=kafka_state,
        store=Store(uri=str(folder / "store" / "{survey}")),
        archive=Archive(uri=str(folder / "archive")),
        topics=Topics(prefix="fink_old_"),
        filters=Filters(also=("everything",)),
    )
    some = {"ztf": "sso_ztf_candidates", "lsst": "is_solar_system"}
    return {
        survey: _distribute(settings, access, survey, ["everything", name])
        for survey, name in some.items()
    }


def _distribute(
    settings: Settings, access: KafkaAccess, survey: str, names: list[str]
) -> Distributed:
    root = settings.store_root(survey)
    simulate_night(
        root, survey=survey, night=NIGHT, alerts=30, seed=7, rows_per_file=15
    )
    found = find_night(settings, survey=survey, night=NIGHT)
    delivered = walk_night(settings, access, found).delivered
    assert delivered["everything"] == 30
    assert 0 < delivered[names[1]] < 30
    return Distributed(
        str(access.public_servers),
        [topic(settings.topics.prefix, name, survey) for name in names],
        stored_rows(root / "science" / NIGHT, ID[survey]),
        sum(delivered[name] for name in names),
    )


MakeClient = Callable[[str], Client]


@pytest.fixture
def make_client(tmp_path: Path) -> MakeClient:
    """Give a version of fink-client to a new user; without a registry, skip."""

    def make(version: str) -> Client:
        try:
            environment = fink_client(version)
        except NoEnvironmentError as error:
            pytest.skip(f"fink-client {version} cannot be had here: {error}")
        home = tmp_path / f"home {next(_numbers)}"
        home.mkdir()
        return Client(version, environment, home)

    return make


@pytest.fixture
def group() -> str:
    """Give the name of a group that nobody has."""
    return f"old{next(_numbers)}"
