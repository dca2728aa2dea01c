"""A night on three brokers, over TLS; the one that leads the ledger is killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import local
from cluster.access import KafkaAccess, open_admin
from settings.model import Cluster, Settings
from settings.names import LEDGER_TOPIC
from tests.cluster.conftest import find_port
from tests.flows.test_kills import FILTER, Gate, Run, agree_on_all, gate, start
from tests.tasks.conftest import access

__all__ = ["access", "gate", "start"]

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def kafka_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """State folder of three brokers, in place of the one that all others share."""
    state_dir = tmp_path_factory.mktemp("three brokers")
    own = Settings(state_dir=state_dir, cluster=Cluster(port=find_port()))
    local.start(own, brokers=3, tls=True)
    yield state_dir
    local.stop(own)


def test_nothing_is_lost(  # noqa: PLR0913, PLR0917
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    plugin: Callable[[str], str],
    start: Callable[..., Run],
    gate: Gate,
) -> None:
    """The ledger's leader dies between produce and commit: all is sent once."""
    simulated_night(alerts=200, rows_per_file=100)
    path = plugin(gate.at("before commit") + FILTER.format(limit=19))

    here = os.environ.get("PYTHONPATH")
    run = start(PYTHONPATH=os.pathsep.join([path, *([here] if here else [])]))
    gate.wait_for_worker(run)
    number = _find_leader(access)
    _kill(settings, number)
    gate.open()
    said = run.wait()

    assert run.process.returncode == 0, said
    assert [broker.died for broker in local.status(settings).brokers] == [
        each == number for each in (1, 2, 3)
    ]
    agree_on_all(settings, access, 19)
    local.start(settings)
    agree_on_all(settings, access, 19)


def _find_leader(access: KafkaAccess) -> int:
    """Find the broker that leads the ledger's first partition."""
    told = open_admin(access).list_topics(LEDGER_TOPIC).topics[LEDGER_TOPIC]
    return int(told.partitions[0].leader)


def _kill(settings: Settings, number: int) -> None:
    broker = local.status(settings).brokers[number - 1]
    assert broker.pid
    os.kill(broker.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while local.status(settings).brokers[number - 1].running:
        assert time.monotonic() < end
        time.sleep(0.02)
