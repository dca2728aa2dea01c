"""A night in a plain process, from plan to summary; forked, so that it starts fast."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from cluster.access import connect
from flows import verify as verifying
from settings.errors import NewerRunError
from settings.model import Settings
from tasks import distribute_night as one_job
from tasks import spark_task
from tasks.distribute_shard import distribute_shards
from tasks.find_night import find_night
from tasks.plan_night import needs_another_pass, plan_night
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.summarise_night import summarise_night

PRELOAD = (
    "tests.chaos.worker",
    "duckdb",
    "awkward",
    "filters.ztf.early_sn_candidates",
    "filters.ztf.kn_candidates",
    "filters.ztf.microlensing_candidates",
    "filters.ztf.sn_candidates",
)
"""What the server imports from which workers are forked; none of it starts threads."""

DURING_COMMIT = "during commit"
"""Not a point that is passed: a moment after `before commit`."""


@dataclass(frozen=True)
class Errand:
    """What one process is to do, and where it is to die."""

    settings: Settings
    night: str
    names: tuple[str, ...]
    """Filters."""

    plugin: Path
    """Folder in which the filters are installed."""

    notes: Path
    """Folder of what is left of it: `points`, `result` and `said`."""

    point: str | None = None
    """Where it kills itself; None for nowhere."""

    nth: int = 1
    """At which passing of the point."""

    after_s: float = 0.0
    """How long after `before commit`, for DURING_COMMIT [s]."""

    is_run: bool = True
    """Whether it runs the night."""

    is_verified: bool = False
    """Whether it verifies the night, at its end."""

    def points(self) -> list[str]:
        """Points that it has passed."""
        file = self.notes / "points"
        return file.read_text().splitlines() if file.exists() else []

    def result(self) -> dict[str, Any] | None:
        """How it ended by itself; None where it did not."""
        file = self.notes / "result"
        return json.loads(file.read_text()) if file.exists() else None


def begin(errand: Errand) -> Any:
    """Begin a process that does an errand, and give it."""
    errand.notes.mkdir(parents=True)
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    process = context.Process(target=run, args=(errand,), daemon=True)
    process.start()
    return process


def run(errand: Errand) -> None:
    """Do an errand, in a process of its own."""
    said = os.open(errand.notes / "said", os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.path.insert(0, str(errand.plugin))
    file = os.open(errand.notes / "points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    at = partial(_pass, errand, file, {})
    _replace_spark(at)
    result = _run(errand, at) if errand.is_run else {}
    if errand.is_verified:
        result |= _verify(errand)
    pending = errand.notes / "_result"
    pending.write_text(json.dumps(result))
    pending.rename(errand.notes / "result")


def _run(errand: Errand, at: Callable[[str], None]) -> dict[str, Any]:
    """Run the night, or leave it to a newer run, as the flow does."""
    try:
        return _walk(errand, at)
    except NewerRunError as error:
        return {"status": "newer run", "messages": [str(error)]}


def _walk(errand: Errand, at: Callable[[str], None]) -> dict[str, Any]:
    settings = errand.settings
    found = find_night(
        settings, survey="ztf", night=errand.night, names=list(errand.names)
    )
    access = connect(settings)
    prepare_topics(settings, access, found)
    plan, reports = None, []
    while plan is None or needs_another_pass(plan, reports):
        plan = plan_night(settings, access, found, after=plan, at=at)
        reports += one_job.distribute_night(settings, access, plan)
    outcomes = sorted({report.outcome for report in reports} - {"done"})
    messages = [report.message for report in reports if report.message]
    if "newer run" in outcomes:
        return {"status": "newer run", "messages": messages}
    back = read_back(settings, access, plan)
    failures = [*plan.failures, *messages]
    summary = summarise_night(settings, access, plan, back, failures=failures)
    failures += [f for topic in summary.topics for f in topic.failures]
    return {"status": summary.status, "messages": failures}


def _verify(errand: Errand) -> dict[str, Any]:
    """Ask what `nightmail verify` says, of the filters that were asked for."""
    started = time.monotonic()
    vars(verifying)["find_night"] = partial(find_night, names=list(errand.names))
    found = verifying.verify(errand.settings, survey="ztf", night=errand.night)
    problems = [problem.text for problem in found.problems]
    seconds = time.monotonic() - started
    return {"agrees": found.agrees, "problems": problems, "verified_s": seconds}


def _pass(errand: Errand, file: int, passed: dict[str, int], point: str) -> None:
    """Note a point that is passed, and die there if it is the one."""
    os.write(file, f"{point}\n".encode())
    passed[point] = passed.get(point, 0) + 1
    fatal = "before commit" if errand.point == DURING_COMMIT else errand.point
    if point != fatal or passed[point] != errand.nth:
        return
    if errand.point == DURING_COMMIT:
        threading.Timer(errand.after_s, _die).start()
    else:
        _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _replace_spark(at: Callable[[str], None]) -> None:
    """Have the night's job run here: the same task, on an engine of one thread."""
    vars(one_job)["spark_session"] = _engine
    vars(spark_task)["distribute_shards"] = partial(distribute_shards, at=at)


@contextmanager
def _engine(_: Settings) -> Iterator[Any]:
    context = SimpleNamespace(defaultParallelism=1)
    yield SimpleNamespace(sparkContext=context, range=_Frame)


class _Frame:
    """What the job needs of a Spark data frame, under Spark's names."""

    def __init__(self, first: int, last: int, *_: int) -> None:
        numbers = pa.array(range(first, last), pa.int64())
        self._batches: Iterable[Any] = [pa.record_batch({"id": numbers})]

    def mapInArrow(self, function: Any, _: str) -> "_Frame":
        self._batches = function(iter(self._batches))
        return self

    def collect(self) -> list[Any]:
        rows = (row for batch in self._batches for row in batch.to_pylist())
        return [SimpleNamespace(**row) for row in rows]
