"""Kills through Spark and Prefect: Python worker, executor, driver, and its Java."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyspark

from tests.chaos import gate
from tests.chaos.conditions import write_plugin
from tests.chaos.nights import Night
from tests.chaos.plain import LONGEST_COMMIT_S, OFTEN, change
from tests.chaos.processes import Process, ancestors, find_process, in_session
from tests.chaos.stage import Stage
from tests.chaos.tally import DRIVER, EXECUTOR, JVM, RANDOM, WORKER

ROOT = Path(__file__).parents[2]
"""The checkout."""

CLUSTER, LOCAL = "local-cluster[2,1,1024]", "local[2]"
"""Spark's masters: only the first has executors of their own."""

SESSIONS = (
    (CLUSTER, (EXECUTOR, WORKER, EXECUTOR, WORKER, EXECUTOR, DRIVER)),
    (LOCAL, (WORKER, WORKER, WORKER, WORKER, WORKER, DRIVER)),
    (CLUSTER, (WORKER, EXECUTOR, WORKER, EXECUTOR, WORKER, JVM)),
    (LOCAL, (WORKER, WORKER, WORKER, WORKER, WORKER, JVM)),
)
"""Whom each session loses; the last of them ends it."""

POINTS = ("owned", "begin", "produce", "before commit", "during commit", "after commit")
"""Where a worker can be stopped, beside a random moment."""

PRODUCED = 10
"""A kill while producing comes within so many records of a worker."""

MARKS = {EXECUTOR: "CoarseGrainedExecutorBackend", JVM: "SparkSubmit"}
"""What the command of such a process holds."""

PATIENCE_S = 240.0
"""How long a night may take [s], the start of Spark and Prefect included."""

PAUSE_S = 0.005
"""Time between two looks [s]."""

LATER_S = 0.5
"""How long after a worker's first point a random moment comes, at most [s]."""

TRIES = 10
"""Nights that are run for one kill, at most."""


class SparkError(Exception):
    """A driver ended by itself, or could not be hit."""


@dataclass(frozen=True)
class Driver:
    """A driver at work, and the gate at which its workers stop."""

    process: subprocess.Popen[bytes]
    gate: Path
    said: Path

    def ask(self, night: Night) -> Path:
        """Ask it to run a night; gives the file that the result will be in."""
        result = self.gate / f"{night.name}.result"
        wish = {"night": night.name, "names": night.names, "result": str(result)}
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(wish)}\n".encode())
        self.process.stdin.flush()
        return result

    def everybody(self) -> list[Process]:
        """List the processes that belong to it, while it lives and after."""
        return [one for one in in_session(self.process.pid) if one.is_alive()]

    def is_alive(self) -> bool:
        """Tell whether it lives."""
        return self.process.poll() is None

    def wait_for(self, result: Path) -> list[str]:
        """Wait for the result of a night: what failed."""
        deadline = time.monotonic() + PATIENCE_S
        while not result.exists():
            if not self.is_alive() or time.monotonic() > deadline:
                raise SparkError(f"{result.stem}: {self.said.read_text()[-2000:]}")
            time.sleep(PAUSE_S)
        code, *failures = json.loads(result.read_text())
        return [*failures, f"exit code {code}"] if code else []


@dataclass(frozen=True)
class Order:
    """Where a worker is to stop, and when the kill comes."""

    point: str
    nth: int = 1
    delay_s: float | None = None
    """How long after the worker went on [s]; None while it stands there."""

    def give(self, folder: Path, night: str) -> None:
        """Put it where the gate finds it."""
        pending = folder / f"{night}.pending"
        pending.write_text(f"{self.point}:{self.nth}")
        pending.rename(folder / f"{night}.order")


def draw_order(rng: Random) -> Order:
    """Draw where to kill: at a point, during the commit, or at any moment."""
    point = rng.choice([*POINTS, RANDOM])
    if point == RANDOM:
        return Order("owned", delay_s=rng.uniform(0, LATER_S))
    if point == "during commit":
        return Order("before commit", delay_s=rng.uniform(0, LONGEST_COMMIT_S))
    return Order(point, rng.randint(1, PRODUCED) if point == "produce" else 1)


def kill_in_spark(stage: Stage, count: int) -> None:
    """Kill so many processes, session after session."""
    for master, kinds in plan_sessions(count):
        started = time.monotonic()
        with run_driver(stage, master) as driver:
            for kind in kinds:
                _kill_one(stage, driver, kind)
        stage.tally.spend(master, time.monotonic() - started)


def plan_sessions(count: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Plan the sessions in which so many are killed."""
    turn = 0
    while count > 0:
        master, kinds = SESSIONS[turn % len(SESSIONS)]
        yield master, kinds[-count:]
        count -= len(kinds)
        turn += 1


def _kill_one(stage: Stage, driver: Driver, kind: str) -> None:
    """Run nights until one is hit."""
    for _ in range(TRIES):
        night, since = stage.next_night()
        order = draw_order(stage.rng)
        order.give(driver.gate, night.name)
        result = driver.ask(night)
        claim = _await_claim(driver, night, result)
        killed = claim is not None and _kill(driver, kind, claim, order)
        if killed:
            stage.tally.kill(kind, night.name)
            stage.tally.row(kind).open += stage.checker.count_open() > 0
            night.story.append(f"killed: {kind}, {order}")
        if not killed or kind in {WORKER, EXECUTOR}:
            if claim is not None and stage.rng.random() < OFTEN:
                claim.unlink(missing_ok=True)
            if failures := driver.wait_for(result):
                stage.tally.fail(kind, f"{night.name}: {' '.join(failures)}")
        _leave(stage, driver, night, kind)
        stage.finish(night, since, kind)
        if killed:
            return
    raise SparkError(f"{TRIES} nights passed without a kill of {kind}.")


def _leave(stage: Stage, driver: Driver, night: Night, kind: str) -> None:
    """Leave a dead driver's workers alive sometimes; else let something happen."""
    if stage.rng.random() > OFTEN:
        return
    if kind in {DRIVER, JVM}:
        _end(driver)
    if kind != EXECUTOR:
        change(night, stage.rng)


def _await_claim(driver: Driver, night: Night, result: Path) -> Path | None:
    """Wait until a worker stands at the gate; None where the night has ended."""
    while driver.is_alive() and not result.exists():
        for file in driver.gate.glob(f"{night.name}.[0-9]*"):
            return file
        time.sleep(PAUSE_S)
    return None


def _kill(driver: Driver, kind: str, claim: Path, order: Order) -> bool:
    """Kill whom it is about, and tell whether it lived until then."""
    worker = find_process(int(claim.suffix[1:]))
    target = worker and _find_target(driver, kind, worker)
    if order.delay_s is not None:
        claim.unlink()
        time.sleep(order.delay_s)
    return target is not None and target.kill()


def _find_target(driver: Driver, kind: str, worker: Process) -> Process | None:
    if kind == WORKER:
        return worker
    if kind == DRIVER:
        return find_process(driver.process.pid)
    found = ancestors(worker) if kind == EXECUTOR else iter(driver.everybody())
    return next((one for one in found if MARKS[kind] in one.command()), None)


def _end(driver: Driver) -> None:
    for one in driver.everybody():
        one.kill()
    driver.process.wait()


@contextmanager
def run_driver(stage: Stage, master: str) -> Iterator[Driver]:
    """Have a driver at hand; with it end all that it began."""
    folder = Path(stage.root / "drivers" / f"{time.monotonic_ns()}")
    (folder / "gate").mkdir(parents=True)
    site = folder / "site"
    before = f"import chaos_gate\nchaos_gate.install({str(folder / 'gate')!r})\n"
    write_plugin(site, edition=0, before=before)
    shutil.copy(gate.__file__, site / "chaos_gate.py")
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.driver"],
            cwd=ROOT,
            env=_environment(stage, master, folder),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    driver = Driver(process, folder / "gate", said)
    try:
        with _no_work_left():
            yield driver
    finally:
        _end(driver)


def _environment(stage: Stage, master: str, folder: Path) -> dict[str, str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NIGHTMAIL_", "PREFECT_"))
    }
    settings = stage.settings
    return clean | {
        "PYTHONPATH": os.pathsep.join(
            [str(folder / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        ),
        "TMPDIR": str(folder),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "NIGHTMAIL_STATE_DIR": str(settings.state_dir),
        "NIGHTMAIL_STORE__URI": settings.store.uri,
        "NIGHTMAIL_ARCHIVE__URI": settings.archive.uri,
        "NIGHTMAIL_TOPICS__PREFIX": settings.topics.prefix,
        "NIGHTMAIL_TOPICS__PARTITIONS": str(settings.topics.partitions),
        "NIGHTMAIL_SPARK__MASTER": master,
    }


@contextmanager
def _no_work_left() -> Iterator[None]:
    """Remove the folders in which a local cluster's executors stood."""
    work = Path(pyspark.__file__).parent / "work"
    before = set(work.glob("*"))
    was_there = work.is_dir()
    try:
        yield
    finally:
        for folder in set(work.glob("*")) - before:
            shutil.rmtree(folder, ignore_errors=True)
        if not was_there and work.is_dir():
            work.rmdir()
