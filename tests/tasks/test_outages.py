"""Brokers and workers that stop, die and come back: afterwards all is there, once."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from cluster.jars import KAFKA_VERSION
from nightmail import RetryableError
from settings.model import Settings
from tasks.distribute_night import raise_worst
from tasks.distribute_shard import distribute_shards
from tasks.find_night import find_night
from tasks.job import Job
from tasks.plan_night import plan_night
from tasks.prepare_topics import prepare_topics
from tasks.report import Report
from tasks.work import Work
from tests.ledger.conftest import OwnBroker, broker, own_kafka
from tests.tasks.conftest import BRIGHT, FAINT, Walked

__all__ = ["broker", "own_kafka"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Plan = list[tuple[int, Sequence[Work]]]

TIMEOUT_MS = 2_000
"""How long a transaction may take in these tests [ms]."""

GIVEN_UP_S = 13.0
"""After so long the broker has aborted a transaction: it looks every 10 s [s]."""

DELIVERED_S = 1.0
"""After so long the broker has what a worker that waits has produced [s]."""

WORKER = """
import pickle
import sys
import time
from pathlib import Path

from ledger import transaction
from tasks.distribute_shard import distribute_shards

folder, point, timeout_ms = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
transaction.TRANSACTION_TIMEOUT_MS = timeout_ms

def wait(where):
    if where == point:
        (folder / "here").touch()
        while not (folder / "go").exists():
            time.sleep(0.02)

job, plan = pickle.loads((folder / "plan").read_bytes())
for report in distribute_shards(job, plan, at=wait):
    print(report.encode(), flush=True)
"""
"""A worker as Spark starts it, without Spark; it waits at a point until it may go."""


class Worker:
    """A process that does a plan."""

    def __init__(self, folder: Path, job: Job, plan: Plan, point: str = "") -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "plan").write_bytes(pickle.dumps((job, plan)))
        words = [str(folder), point, str(TIMEOUT_MS)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, *words], stdout=subprocess.PIPE, text=True
        )

    def wait_until_there(self) -> None:
        """Wait until it has come to its point."""
        while not (self.folder / "here").exists():
            assert self.process.poll() is None
            time.sleep(0.02)

    def go(self) -> None:
        """Let it pass its point."""
        (self.folder / "go").touch()

    def outcomes(self) -> set[str]:
        """Wait for its end, and give what it says became of its work."""
        output, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0
        return {Report.decode(line).outcome for line in output.splitlines()}


@pytest.fixture
def kafka_state(broker: OwnBroker) -> Path:
    """Have everything use the Kafka that may be broken."""
    return broker.settings.state_dir


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.transaction.TRANSACTION_TIMEOUT_MS", TIMEOUT_MS)
    monkeypatch.setattr("ledger.transaction.SLICE_S", 2.0)
    monkeypatch.setattr("ledger.read.PATIENCE_S", 60.0)


@pytest.fixture
def planned(
    settings: Settings, access: KafkaAccess, simulated_night: Callable[..., Path]
) -> tuple[Job, Plan]:
    """Plan a night of three files."""
    simulated_night()
    found = find_night(settings, survey="ztf", night="20260301")
    prepare_topics(settings, access, found)
    plan = plan_night(settings, access, found)
    job = Job(
        survey="ztf",
        night="20260301",
        prefix=settings.topics.prefix,
        partitions=plan.partitions,
        archive=settings.archive_root(),
        kafka=access.publisher,
        types=plan.types,
        run=plan.run,
        generations=plan.generations,
    )
    return job, list(plan.work.items())


@pytest.fixture
def work(planned: tuple[Job, Plan], tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker; keywords as it has them."""
    workers: list[Worker] = []

    def begin(**how: Any) -> Worker:
        workers.append(Worker(tmp_path / f"worker {len(workers)}", *planned, **how))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.process.kill()
        worker.process.communicate()


@pytest.fixture
def complete(
    walk: Callable[..., Walked], agree: Callable[[Walked], Any]
) -> Callable[..., Walked]:
    """Run the night again: all of it must be there then, once; keywords of `walk`."""

    def run(**options: Any) -> Walked:
        walked = walk(**options)
        assert walked.summary.status == "complete"
        agree(walked)
        return walked

    return run


def _once(point: str, do: Callable[[], None]) -> Callable[[str], None]:
    """Do something when a point is passed for the first time."""
    left = [do]

    def at(where: str) -> None:
        if where == point and left:
            left.pop()()

    return at


@pytest.mark.parametrize(
    "point",
    [
        "produce",
        "before commit",
        pytest.param(
            "after commit",
            marks=pytest.mark.skipif(
                KAFKA_VERSION == "4.3.1",
                reason="KAFKA-20734: it restarts without the markers of the commit.",
            ),
        ),
    ],
)
def test_the_broker_is_killed(
    broker: OwnBroker,
    simulated_night: Callable[..., Path],
    walk: Callable[..., Walked],
    complete: Callable[..., Walked],
    point: str,
) -> None:
    """Killed and started again in mid-transaction, it has everything once."""
    simulated_night()

    def kill_and_restart() -> None:
        broker.kill()
        broker.restore()

    walk(filters=[BRIGHT, FAINT], at=_once(point, kill_and_restart))

    complete(filters=[BRIGHT, FAINT])


@pytest.mark.parametrize("point", ["produce", "before commit"])
def test_the_broker_is_away_for_longer_than_a_transaction(
    broker: OwnBroker,
    simulated_night: Callable[..., Path],
    walk: Callable[..., Walked],
    complete: Callable[..., Walked],
    point: str,
) -> None:
    """Whatever it makes of the open transaction, the next run completes the night."""
    simulated_night()
    away_s = 3 * TIMEOUT_MS / 1000

    walk(
        filters=[BRIGHT, FAINT],
        at=_once(point, lambda: broker.suspend(for_s=away_s)),
    )

    complete(filters=[BRIGHT, FAINT])


def test_the_broker_is_gone(
    broker: OwnBroker,
    planned: tuple[Job, Plan],
    complete: Callable[..., Walked],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run ends by itself and says that a later one may do better."""
    for name in ("tasks.distribute_shard.PATIENCE_S", "ledger.read.AWAY_S"):
        monkeypatch.setattr(name, 3.0)
    for name in ("INIT_PATIENCE_S", "COMMIT_PATIENCE_S"):
        monkeypatch.setattr(f"ledger.transaction.{name}", 3.0)

    reports = list(distribute_shards(*planned, at=_once("before commit", broker.kill)))
    with pytest.raises(RetryableError):
        raise_worst(reports)
    broker.restore()

    assert reports[-1].outcome == "unavailable"
    complete()


@pytest.mark.parametrize(
    ("point", "expected"),
    [("produce", set()), ("before commit", {"newer run"})],
)
def test_a_worker_is_suspended(
    work: Callable[..., Worker],
    complete: Callable[..., Walked],
    point: str,
    expected: set[str],
) -> None:
    """For longer than its transaction may take, then resumed: nothing is doubled.

    If the broker had all records, the commit ends it; else it may start again.
    """
    worker = work(point=point)
    worker.wait_until_there()
    time.sleep(DELIVERED_S)

    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.go()
    time.sleep(GIVEN_UP_S)
    os.kill(worker.process.pid, signal.SIGCONT)
    outcomes = worker.outcomes()

    assert expected <= outcomes <= {"done", "newer run"}
    complete()


def test_a_worker_is_too_slow(
    work: Callable[..., Worker],
    complete: Callable[..., Walked],
) -> None:
    """The broker gives it up; it ends as if there were a newer one."""
    worker = work(point="before commit")
    worker.wait_until_there()

    time.sleep(GIVEN_UP_S)
    worker.go()
    outcomes = worker.outcomes()

    assert "newer run" in outcomes
    complete()


@pytest.mark.parametrize("point", ["archived", "produce", "before commit"])
def test_a_task_is_run_twice(
    work: Callable[..., Worker],
    complete: Callable[..., Walked],
    point: str,
) -> None:
    """The second does the work while the first waits; the first then ends."""
    first = work(point=point)
    first.wait_until_there()

    second = work()
    done = second.outcomes()
    first.go()
    overtaken = first.outcomes()

    assert done == {"done"}
    assert "newer run" in overtaken
    assert complete().plan.work == {}


def test_tasks_are_run_together(
    work: Callable[..., Worker],
    complete: Callable[..., Walked],
) -> None:
    """However three of them meet, the night is complete after the next run."""
    workers = [work() for _ in range(3)]

    outcomes = [worker.outcomes() for worker in workers]

    assert set().union(*outcomes) <= {"done", "newer run"}
    complete()
