"""Several nights of a survey, one after the other: what was missed, what came late."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from prefect import flow, runtime
from prefect.states import Completed, Failed

from archive.summary import Summary
from cluster.local import running
from flows.ending import Ending, read_ending
from flows.nightly import nightly
from flows.notices import tell_not_run, tell_sweep_failed
from flows.steps import step
from runtime.spark import spark_session
from settings import Settings
from settings.errors import NewerRunError
from settings.load import load
from tasks.find_unfinished import UnfinishedNight, find_summary, find_unfinished

log = logging.getLogger("nightmail")

find = step(find_unfinished)


@dataclass(frozen=True)
class SweptNight:
    """What a sweep did with one night."""

    night: str
    """Its name."""

    status: str
    """What its summary says, or `failed` or `newer run` where it has no new one."""

    kept: int
    """Alerts that some filter kept, each counted once."""

    delivered: int
    """Alerts on topics that the night's last summary did not count."""

    changed: bool
    """Whether its summary has other numbers than before."""

    exit_code: int
    """What `nightmail night` would have ended with."""

    failures: tuple[str, ...]
    """One sentence each."""

    unreachable: bool
    """Whether something that every night needs was not reachable."""


def run_name() -> str:
    """Name of a flow run: the survey, and the day on which it was due."""
    run = runtime.flow_run
    return f"{run.parameters['survey']}-sweep-{run.scheduled_start_time:%Y%m%d}"


@flow(
    name="sweep",
    flow_run_name=run_name,
    persist_result=False,
    on_failure=[tell_sweep_failed],
)
def sweep(
    survey: str,
    limit: int | None = None,
    recent: int | None = None,
    since: str | None = None,
) -> Any:
    """Run the nights that are not complete, and the newest again, oldest first.

    A night that fails for a reason of its own is tried by each sweep, which costs a
    plan: what failed stands in the ledger. So that such nights cannot keep a sweep from
    the others, the limit counts only nights in which something changed. The recent ones
    are always run: the sweep after the next would not look for their late files any
    more.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    limit
        Nights before the recent ones in which something may change; by default
        `sweep.limit`.
    recent
        Newest nights of the store, run whatever their summary says; by default
        `sweep.recent`.
    since
        Night before which all is history; by default `sweep.since`, or else the first
        night that has a summary.

    Returns
    -------
    prefect.states.State
        Failed if some night failed; its result is a tuple of `SweptNight`.
    """
    settings = load()
    due = runtime.flow_run.scheduled_start_time
    nights = find(settings, survey=survey, at=due, recent=recent, since=since)
    missed = [n.night for n in nights if n.is_recent and n.status is None]
    tell_not_run(settings, survey, missed)
    if not nights:
        return Completed(message=f"No night of {survey} is unfinished.", data=())
    most = settings.sweep.limit if limit is None else limit
    with running(settings):
        swept = tuple(_run_nights(settings, survey, nights, most))
    failed = [one.night for one in swept if one.exit_code]
    if failed:
        return Failed(message=f"Failed nights: {', '.join(failed)}.", data=swept)
    return Completed(message=f"Nights: {len(swept)}.", data=swept)


def _run_nights(
    settings: Settings, survey: str, nights: Sequence[UnfinishedNight], limit: int
) -> Iterator[SweptNight]:
    """Run the nights, and stop where something that all need is not reachable."""
    changed = left = 0
    with ExitStack() as spark:
        for number, one in enumerate(nights, 1):
            if changed >= limit and not one.is_recent:
                left += 1
                continue
            if changed and not one.is_finished:
                # One night needed Spark, and this one will: from here on it stays.
                spark.enter_context(spark_session(settings))
            log.info("Sweep: %s, %s of %s.", one.night, number, len(nights))
            swept = _run_night(settings, survey, one.night)
            changed += swept.changed
            yield swept
            if swept.exit_code:
                # It may be Spark's fault: the next night starts its own.
                spark.close()
            if swept.unreachable:
                log.warning("The sweep ends here: the next night would wait as well.")
                break
    if left:
        log.info("Nights left for the next sweep: %s.", left)


def _run_night(settings: Settings, survey: str, night: str) -> SweptNight:
    before = find_summary(settings, survey, night)
    ending = read_ending(nightly(survey, night, return_state=True), night)
    after = find_summary(settings, survey, night)
    return SweptNight(
        night=night,
        status=_status(ending, after),
        kept=after.kept if after else 0,
        delivered=_delivered(after) - _delivered(before),
        changed=_numbers(before) != _numbers(after),
        exit_code=ending.exit_code,
        failures=ending.failures,
        unreachable=ending.unreachable,
    )


def _status(ending: Ending, summary: Summary | None) -> str:
    if summary and ending.summarised:
        return summary.status
    return "newer run" if ending.exit_code == NewerRunError.exit_code else "failed"


def _numbers(summary: Summary | None) -> Any:
    """Tell what of a summary is a change; a failure in other words is none."""
    if summary is None:
        return None
    topics = [(t.topic, t.kept, t.delivered, t.archived) for t in summary.topics]
    return summary.status, summary.files, summary.alerts, topics


def _delivered(summary: Summary | None) -> int:
    return sum(topic.delivered for topic in summary.topics) if summary else 0
