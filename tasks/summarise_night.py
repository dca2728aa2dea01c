"""Summarise a night: one value that adds up, kept beside the archive and published."""

import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import fastavro

import schemas
from archive.summary import (
    Partition,
    Status,
    Summary,
    TopicSummary,
    night_record,
    read_summary,
    write_summary,
)
from cluster.access import KafkaAccess
from ledger.record import Record, send_record
from ledger.row import PartitionRange
from nightmail.avro import compact, fingerprint
from settings import Settings
from settings.names import nights_topic, topic
from tasks.confirm_filter import Confirmation, confirm_filter, find_undone
from tasks.plan_night import NightPlan
from tasks.read_back import ReadBack


def summarise_night(
    settings: Settings,
    access: KafkaAccess,
    plan: NightPlan,
    back: ReadBack,
    *,
    failures: Sequence[str] = (),
) -> Summary:
    """Add up a night, publish its record and keep it, if anything changed.

    Parameters
    ----------
    failures
        What went wrong outside of single filters, one sentence each.

    Returns
    -------
    Summary
        The night. What does not add up is among its failures.
    """
    summary = add_up(settings, plan, back, failures)
    problems = summary.problems()
    if back.doubled:
        problems.append(f"The archive has {back.doubled} alerts more than once.")
    if summary.status != "failed" and problems:
        summary = replace(summary, status="failed", failures=tuple(problems))
    if summary != read_summary(settings.archive_root(), plan.survey, plan.night):
        publish_night(settings, access, summary)
        write_summary(settings.archive_root(), summary)
    return summary


def add_up(
    settings: Settings, plan: NightPlan, back: ReadBack, failures: Sequence[str]
) -> Summary:
    """Make the summary from what the ledger and the archive have."""
    topics = tuple(_topics(settings, plan, back))
    failed = bool(failures) or any(t.failures for t in topics)
    return Summary(
        survey=plan.survey,
        night=plan.night,
        day_obs=day_obs(plan.night),
        status=_status(plan, failed=failed, partial=_is_partial(settings, plan, back)),
        files=len({unit.path for unit in plan.units}),
        alerts=plan.rows,
        kept=back.kept,
        generation=max(back.generations.values(), default=0),
        failures=tuple(dict.fromkeys(failures)),
        classes=dict(sorted(back.classes.items())),
        topics=topics,
    )


def day_obs(night: str) -> str:
    """Rubin's name of a night: the date of the evening before, YYYYMMDD.

    Examples
    --------
    >>> day_obs("20260301")
    '20260228'
    """
    morning = dt.datetime.strptime(night, "%Y%m%d").replace(tzinfo=dt.UTC)
    return f"{morning - dt.timedelta(days=1):%Y%m%d}"


def publish_night(settings: Settings, access: KafkaAccess, summary: Summary) -> None:
    """Send the night's record to the survey's topic of nights.

    It is made like any alert, so that no client breaks: the key is the schema, the
    value schemaless Avro. Readers take the last one of a night.
    """
    schema = schemas.load("night")
    value = io.BytesIO()
    fastavro.schemaless_writer(
        value, fastavro.parse_schema(schema), night_record(summary)
    )
    headers = [
        ("night", summary.night.encode()),
        ("generation", str(summary.generation).encode()),
        ("fingerprint", fingerprint(schema).encode()),
    ]
    name = nights_topic(settings.topics.prefix, summary.survey)
    record = Record(name, 0, compact(schema), value.getvalue(), headers)
    send_record(access.publisher, record)


def _is_partial(settings: Settings, plan: NightPlan, back: ReadBack) -> bool:
    """Tell whether filters that were not asked for have yet to run."""
    for name in {*plan.catalogue} - {*plan.filters}:
        where = topic(settings.topics.prefix, name, plan.survey)
        rows = {unit: row for (unit, w), row in back.entries.items() if w == where}
        if find_undone(plan, rows, name):
            return True
    return False


def _status(plan: NightPlan, *, failed: bool, partial: bool) -> Status:
    if failed:
        return "failed"
    if plan.folder is None:
        return "no data"
    if partial:
        return "partial"
    return "complete" if plan.rows else "empty"


def _topics(
    settings: Settings, plan: NightPlan, back: ReadBack
) -> Iterator[TopicSummary]:
    """One for each filter that runs or has run, though it may have left since."""
    prefix, survey = settings.topics.prefix, plan.survey
    sent = {where for _, where in back.entries}
    left = {w.removeprefix(prefix).removesuffix(f"_{survey}") for w in sent}
    asked = {*plan.filters, *plan.broken}
    for name in sorted(asked | left):
        confirmed = confirm_filter(settings, plan, back, name)
        yield _topic(topic(prefix, name, survey), plan, confirmed, back)


def _topic(
    where: str, plan: NightPlan, confirmed: Confirmation, back: ReadBack
) -> TopicSummary:
    made = plan.catalogue.get(confirmed.filter)
    rows = confirmed.rows
    archived = back.archived.get(where)
    return TopicSummary(
        topic=where,
        filter=confirmed.filter,
        summary=made.summary if made else "",
        owner=made.owner if made else "",
        kept=sum(r.rows + r.set_aside for r in rows),
        delivered=sum(p.count for r in rows for p in r.partitions),
        archived=confirmed.archived,
        set_aside=sum(r.set_aside for r in rows),
        bytes=sum(r.size for r in rows),
        seconds=round(sum(r.seconds for r in rows), 3),
        classes=dict(sorted(archived.classes.items())) if archived else {},
        failures=confirmed.failures,
        partitions=tuple(_partitions([p for r in rows for p in r.partitions])),
    )


def _partitions(ranges: Sequence[PartitionRange]) -> Iterator[Partition]:
    counts: Counter[int] = Counter()
    for one in ranges:
        counts[one.partition] += one.count
    for number, count in sorted(counts.items()):
        mine = [r for r in ranges if r.partition == number]
        yield Partition(
            partition=number,
            first_offset=min(r.first_offset for r in mine),
            last_offset=max(r.last_offset for r in mine),
            count=count,
        )
