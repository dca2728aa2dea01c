"""Distribute a night: one Spark job, one task per core, each doing its shards."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from cluster.access import KafkaAccess
from ledger.follow import LedgerFollower
from nightmail import RetryableError
from runtime.shipping import code_digest
from runtime.spark import spark_session
from settings import Settings
from settings.errors import NewerRunError, NightError, SettingsError
from tasks.job import Job
from tasks.plan_night import NightPlan
from tasks.report import Report
from tasks.spark_task import Shards, make_task
from tasks.work import Work

REPORT_TYPE = "report string"
"""Spark's type of what a task gives back."""

LONGEST_CAUSE = 400
"""Where the cause of a job's end is cut [character]."""

TICK_S = 5.0
"""How often a running job says how long it has been at it [s]."""

log = logging.getLogger("nightmail")


def distribute_night(
    settings: Settings, access: KafkaAccess, plan: NightPlan
) -> list[Report]:
    """Run what remains of a night as one Spark job.

    Returns
    -------
    list of Report
        What the workers say; what was sent is the ledger's to say.
    """
    job = Job(
        survey=plan.survey,
        night=plan.night,
        prefix=settings.topics.prefix,
        partitions=plan.partitions,
        archive=settings.archive_root(),
        kafka=access.publisher,
        types=plan.types,
        run=plan.run,
        generations=plan.generations,
    )
    with spark_session(settings) as spark:
        cores = spark.sparkContext.defaultParallelism
        tasks = share_out(plan.work, cores)
        units = [w.unit for shards in tasks for _, works in shards for w in works]
        log.info(
            "Distributing %s alerts (files: %s, tasks: %s).",
            f"{sum(unit.rows for unit in units):,}",
            len({unit.path for unit in units}),
            len(tasks),
        )
        with _progress_shown(job, plan):
            reports = _run(spark, job, tasks)
    if duplicates := sum(report.duplicates for report in reports):
        log.info(
            "%s rows were left out: their alerts stand elsewhere or were sent before.",
            f"{duplicates:,}",
        )
    return reports


def raise_worst(reports: Sequence[Report]) -> None:
    """Raise what a caller must know beyond the filters' own failures.

    Raises
    ------
    NewerRunError
        A newer run works on this night.
    SettingsError
        The publisher lacks a right.
    RetryableError
        The broker or the archive was not reachable.
    NightError
        A file could not be read, or a topic refused.
    """
    for outcome, kind in (
        ("newer run", NewerRunError),
        ("denied", SettingsError),
        ("unavailable", RetryableError),
        ("failed", NightError),
    ):
        messages = {r.message: None for r in reports if r.outcome == outcome}
        if messages:
            raise kind(" ".join(messages))


def share_out(work: Mapping[int, Sequence[Work]], tasks: int) -> list[Shards]:
    """Give whole shards to so many tasks or fewer, evenly by bytes, largest first."""
    sizes = {s: sum(w.unit.bytes for w in works) for s, works in work.items()}
    loads: list[list[int]] = [[] for _ in range(min(tasks, len(work)))]
    for shard in sorted(sizes, key=lambda s: -sizes[s]):
        min(loads, key=lambda load: sum(sizes[s] for s in load)).append(shard)
    return [[(s, work[s]) for s in sorted(load)] for load in loads]


def _run(spark: Any, job: Job, tasks: Sequence[Shards]) -> list[Report]:
    frame = spark.range(0, len(tasks), 1, len(tasks))
    work = frame.mapInArrow(make_task(job, tasks, code_digest()), REPORT_TYPE)
    try:
        rows = work.collect()
    except Exception as error:  # noqa: BLE001 - pyspark's and py4j's, of many kinds
        # Its text is asked of the JVM, which ends with the session: so here.
        return [Report("failed", f"The Spark job ended: {_first_cause(str(error))}.")]
    return [Report.decode(row.report) for row in rows]


def _first_cause(text: str) -> str:
    """Take the sentence that matters out of hundreds of lines of a Java trace."""
    cause = re.search(r".*Exception: ([^\n]+?)(?:\. |\.?\n|\.?$)", text)
    return cause[1] if cause else text.strip().partition("\n")[0][:LONGEST_CAUSE]


@contextmanager
def _progress_shown(job: Job, plan: NightPlan) -> Iterator[None]:
    """Say every few seconds what was committed meanwhile, as the ledger has it."""
    stop = Event()
    night = (job.prefix, job.survey, job.night)
    with LedgerFollower(job.kafka, plan.shards, night=night) as follower:
        thread = Thread(target=_tick, args=(follower, plan, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _tick(follower: LedgerFollower, plan: NightPlan, stop: Event) -> None:
    units = {work.unit.name for works in plan.work.values() for work in works}
    done: set[str] = set()
    records, seconds = 0, 0.0
    while not stop.wait(TICK_S):
        for key, row in follower.read_new():
            done.add(key.unit)
            records += row.rows
        seconds += TICK_S
        log.info(
            "Distributing: %s of %s files, %s records sent, %.0f s.",
            len(done & units),
            len(units),
            f"{records:,}",
            seconds,
        )
