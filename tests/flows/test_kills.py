"""Killed at the worst moment: the next run finds it out, and all agree."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archive.slices import NightFolder
from archive.summary import read_summary
from archive.views import open_archive
from cluster.access import KafkaAccess
from cluster.count import count_topics
from flows.temporary_server import NOTE
from runtime.spark import TASK_FAILURES
from settings.model import Settings
from tests.tasks.conftest import Walked, access, walk

__all__ = ["access", "walk"]

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

PATIENCE_S = 120.0
"""How long something may take that happens within seconds [s]."""

WAITING = """
import os
import sys
import time
from pathlib import Path

from ledger import transaction

GATE = Path({gate!r})
# The next run waits until the broker aborts what the dead one has begun.
transaction.TRANSACTION_TIMEOUT_MS = 2_000

class Waiting(transaction.Transactor):
    def send(self, records, remember, *, at):
        def wait(where):
            while where == {point!r} and not (GATE / "open").exists():
                (GATE / str(os.getpid())).touch()
                time.sleep(0.02)
            at(where)
        return super().send(records, remember, at=wait)

if "tasks.distribute_shard" in sys.modules:
    sys.modules["tasks.distribute_shard"].Transactor = Waiting
"""
"""Plug-in that stops the worker which imports it where a kill hurts."""

FILTER = """
from nightmail import alert_filter

@alert_filter(owner="someone@example.org", survey="ztf")
def edited(candidate_magpsf):
    "Brighter than so many magnitudes."
    return candidate_magpsf < {limit}
"""
"""The filter that is edited between the runs."""

DECOY = 'raise ImportError("this folder is not ours")\n'
"""A package `filters` of someone else, in the folder where the command is typed."""


def _wait_for(what: Callable[[], Any]) -> Any:
    """Wait until something is true, and give it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise TimeoutError


def _ancestors(pid: int) -> Iterator[int]:
    """Yield a process, its parent, and so on."""
    while pid > 1:
        yield pid
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        pid = int(stat.rpartition(")")[2].split()[1])


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def _descendants(pid: int) -> set[int]:
    everyone = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return {one for one in everyone if pid in _ancestors(one)} - {pid}


@dataclass(frozen=True)
class Run:
    """One `nightmail night`."""

    process: subprocess.Popen[bytes]
    errors: Path

    def wait(self) -> str:
        """Wait for the end, and give what was said."""
        self.process.wait(PATIENCE_S)
        return self.errors.read_text()

    def end(self) -> None:
        """Kill it and what it started, if it still runs."""
        if self.process.poll() is None:
            for pid in _descendants(self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait()


class Gate:
    """Where workers stop before their commit."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def at(self, point: str) -> str:
        """Give code that stops workers at a point of the transaction."""
        return WAITING.format(gate=str(self.folder), point=point)

    def wait_for_worker(self, run: Run) -> int:
        """Wait until a worker of a run stands at the gate, and give its pid."""
        return int(_wait_for(lambda: self._waiting(run)))

    def kill_worker(self, run: Run) -> int:
        """Kill the worker that stands at the gate, and give the pid that it had."""
        pid = self.wait_for_worker(run)
        os.kill(pid, signal.SIGKILL)
        _wait_for(lambda: not _is_alive(pid))
        return pid

    def _waiting(self, run: Run) -> int | None:
        assert run.process.poll() is None, run.errors.read_text()
        for file in self.folder.glob("[0-9]*"):
            pid = int(file.name)
            if _is_alive(pid) and run.process.pid in _ancestors(pid):
                return pid
        return None

    def open(self) -> None:
        """Let everybody pass."""
        (self.folder / "open").touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "a gate")


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start `nightmail night` beside a folder `filters` of somebody else."""
    stand = tmp_path / "a folder of work"
    (stand / "filters").mkdir(parents=True)
    (stand / "filters" / "__init__.py").write_text(DECOY)
    started: list[Run] = []

    def begin(**variables: str) -> Run:
        command = Path(sys.executable).with_name("nightmail")
        words = ["night", "--survey", "ztf", "--night", "20260301"]
        # What outlives a killed run would keep a pipe open.
        errors = tmp_path / f"errors of run {len(started)}"
        with errors.open("wb") as file:
            process = subprocess.Popen(
                [command, *words],
                cwd=stand,
                env=environment | variables,
                stdout=file,
                stderr=file,
            )
        started.append(Run(process, errors))
        return started[-1]

    yield begin
    for run in started:
        run.end()


def _on_topics(settings: Settings, access: KafkaAccess) -> Counter[tuple[str, int]]:
    """Count what an anonymous reader finds, by filter and id."""
    names = [t.topic for t in _summary(settings).topics]
    public = {"bootstrap.servers": access.public_servers}
    since = datetime.now(UTC) - timedelta(hours=1)
    found = count_topics(public, names, night="20260301", since=since)
    prefix = settings.topics.prefix
    return Counter(
        {
            (topic.removeprefix(prefix).removesuffix("_ztf"), one): count
            for (topic, one), count in found.items()
        }
    )


def _summary(settings: Settings) -> Any:
    summary = read_summary(settings.archive_root(), "ztf", "20260301")
    assert summary is not None
    return summary


def agree_on_all(settings: Settings, access: KafkaAccess, brighter_than: float) -> None:
    """Topics, ledger, archive and store say the same, each alert once."""
    on_topics = _on_topics(settings, access)
    root = settings.archive_root()
    with open_archive(root, "ztf") as archive:
        matches = archive.execute("select filter, id from matches").fetchall()
        alerts = archive.execute("select candid from alerts").fetchall()
        store = settings.store_root("ztf") / "science" / "20260301" / "*.parquet"
        kept = archive.execute(
            "select candid from read_parquet($1) where candidate.magpsf < $2",
            [str(store), brighter_than],
        ).fetchall()
    assert set(on_topics.values()) == {1}
    assert Counter(matches) == on_topics
    assert Counter(alerts) == Counter({(i,) for _, i in on_topics})
    assert {i for name, i in on_topics if name == "edited"} == {i for (i,) in kept}
    delivered = {t.filter: t.delivered for t in _summary(settings).topics}
    assert delivered == dict(Counter(name for name, _ in on_topics)) | {
        name: 0 for name, count in delivered.items() if not count
    }
    assert NightFolder(root, "ztf", "20260301", settings.topics.prefix).pending() == []
    assert _summary(settings).status == "complete"


def test_killed_before_the_commit(  # noqa: PLR0913, PLR0917
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    plugin: Callable[[str], str],
    start: Callable[..., Run],
    gate: Gate,
    walk: Callable[..., Walked],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Worker, driver, every worker; a filter edited each time; then all once."""
    simulated_night(alerts=100, rows_per_file=100)
    night = NightFolder(
        settings.archive_root(), "ztf", "20260301", settings.topics.prefix
    )

    # A worker: Spark tries again, and the next one clears its slice away.
    path = plugin(gate.at("before commit") + FILTER.format(limit=19))
    first = start(PYTHONPATH=path)
    killed = gate.kill_worker(first)
    worker = gate.wait_for_worker(first)
    assert worker != killed
    assert len(night.pending()) == 1

    # The driver.
    everyone = _descendants(first.process.pid)
    server = int((settings.state_dir / NOTE).read_text().split()[0])
    assert {worker, server} <= everyone
    first.process.kill()
    first.process.wait()

    # Each worker that Spark tries: the run ends, and says so.
    plugin(gate.at("produce") + FILTER.format(limit=20))
    second = start(PYTHONPATH=path)
    for _ in range(TASK_FAILURES):
        gate.kill_worker(second)
    errors = second.wait()
    assert second.process.returncode == 1, errors
    assert "Error: The Spark job ended: Python worker exited" in errors
    assert "Traceback" not in errors
    assert night.visible() == set()
    assert _on_topics(settings, access) == Counter()

    monkeypatch.syspath_prepend(plugin(FILTER.format(limit=18)))
    walked = walk()
    # A worker that outlived its run would commit now, and finds a newer owner.
    gate.open()
    _wait_for(lambda: not any(_is_alive(pid) for pid in everyone))

    assert walked.summary.status == "complete"
    agree_on_all(settings, access, 18)
