"""Distribute a night: one Spark job, one task per core, each doing its shards.

Where Spark reads the rows too, it is a job for each schema, and a task for each shard.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from threading import Event, Thread
from typing import Any

import pyarrow as pa

from cluster.access import KafkaAccess
from ledger.follow import LedgerFollower
from nightmail import RetryableError
from runtime.shipping import code_digest
from runtime.spark import first_cause, spark_session
from settings import Settings
from settings.errors import NewerRunError, NightError, SettingsError
from tasks.job import Job
from tasks.plan_night import NightPlan
from tasks.report import Report
from tasks.spark_store import SparkReader
from tasks.spark_task import Shards, make_rows_task, make_task
from tasks.work import Work

REPORT_TYPE = "report string"
"""Spark's type of what a task gives back."""

TICK_S = 5.0
"""How often a running job says how long it has been at it [s]."""

log = logging.getLogger("nightmail")


def distribute_night(
    settings: Settings, access: KafkaAccess, plan: NightPlan
) -> list[Report]:
    """Run what remains of a night in Spark.

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
        without_cutouts=frozenset(settings.topics.without_cutouts),
    )
    with spark_session(settings) as spark:
        if settings.store.format == "parquet":
            jobs = [_make_job(spark, job, plan.work)]
        else:
            jobs = _make_rows_jobs(spark, job, plan, settings.store.format)
        units = [work.unit for works in plan.work.values() for work in works]
        log.info(
            "Distributing %s alerts (files: %s, tasks: %s).",
            f"{sum(unit.rows for unit in units):,}",
            len({unit.path for unit in units}),
            sum(one.tasks for one in jobs),
        )
        with _progress_shown(job, plan):
            reports = _run(jobs)
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


def split_by_schema(
    work: Mapping[int, Sequence[Work]], schemas: Mapping[str, pa.Schema]
) -> dict[pa.Schema, Shards]:
    """Take work apart by the schema of its files.

    Parameters
    ----------
    work
        What remains of each shard.
    schemas
        Schema of each file, by its name.

    Returns
    -------
    dict
        For each schema, in the order in which it is met, the shards that have files of
        it, and their work on these.
    """
    apart: dict[pa.Schema, dict[int, list[Work]]] = {}
    for shard, works in work.items():
        for one in works:
            of_schema = apart.setdefault(schemas[one.unit.name], {})
            of_schema.setdefault(shard, []).append(one)
    return {schema: tuple(shards.items()) for schema, shards in apart.items()}


@dataclass(frozen=True)
class _SparkJob:
    """A job that is ready to run."""

    frame: Any
    """What it computes: a row for each report."""

    tasks: int


def _make_job(spark: Any, job: Job, work: Mapping[int, Sequence[Work]]) -> _SparkJob:
    """Make the job of a store that its tasks read by themselves."""
    tasks = share_out(work, spark.sparkContext.defaultParallelism)
    numbers = spark.range(0, len(tasks), 1, len(tasks))
    task = make_task(job, tasks, code_digest())
    return _SparkJob(numbers.mapInArrow(task, REPORT_TYPE), len(tasks))


def _make_rows_jobs(
    spark: Any, job: Job, plan: NightPlan, kind: str
) -> list[_SparkJob]:
    """Make a job for each schema: of two in one, Spark would leave out columns.

    A shard is one partition of one frame, since two tasks of it would fence each other.
    """
    reader, jobs = SparkReader(spark, kind), []
    idle: dict[int, Sequence[Work]] = {s: () for s, ws in plan.work.items() if not ws}
    if idle:
        jobs.append(_make_job(spark, job, idle))
    for schema, shards in split_by_schema(plan.work, plan.schemas).items():
        files = [[work.unit.path for work in works] for _, works in shards]
        frames = [reader.load(paths, schema).coalesce(1) for paths in files]
        task = make_rows_task(job, shards, schema, kind, code_digest())
        rows = reduce(type(frames[0]).union, frames)
        jobs.append(_SparkJob(rows.mapInArrow(task, REPORT_TYPE), len(shards)))
    return jobs


def _run(jobs: Sequence[_SparkJob]) -> list[Report]:
    """Run jobs one after the other, until one says that the next would wait as well."""
    reports: list[Report] = []
    for job in jobs:
        try:
            rows = job.frame.collect()
        except Exception as error:  # noqa: BLE001 - pyspark's and py4j's, of many kinds
            # Its text is asked of the JVM, which ends with the session: so here.
            ended = f"The Spark job ended: {first_cause(error)}."
            reports.append(Report("failed", ended))
        else:
            reports += [Report.decode(row.report) for row in rows]
        if any(report.outcome not in {"done", "failed"} for report in reports):
            break
    return reports


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
