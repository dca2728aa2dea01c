"""The steps of a night as Prefect runs them: none cached, none kept, each seen."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed
from prefect.utilities.annotations import quote

from archive.tables import markdown_table
from archive.totals import Summary
from cluster.access import KafkaAccess
from settings import Settings
from tasks.confirm_filter import confirm_filter
from tasks.distribute_night import distribute_night, raise_worst
from tasks.find_night import find_night
from tasks.plan_night import NightPlan, plan_night
from tasks.post_summary import post_summary
from tasks.prepare_topics import prepare_topics
from tasks.read_back import ReadBack, read_back
from tasks.summarise_night import summarise_night

P = ParamSpec("P")
R = TypeVar("R")


def as_is(value: R) -> R:
    """Hand a value to a step without letting Prefect look for futures inside it.

    A plan of a thousand files takes it a second, each time.
    """
    return cast("R", quote(value))


def step(function: Callable[P, R]) -> Task[P, R]:
    """Make a Prefect task of a function, whose arguments and results stay in memory."""
    return task(cache_policy=NO_CACHE, persist_result=False)(function)


find = step(find_night)
prepare = step(prepare_topics)
plan = step(plan_night)
distribute = step(distribute_night)
check_workers = step(raise_worst)
read = step(read_back)
post = step(post_summary)


@step
def confirm(settings: Settings, planned: NightPlan, back: ReadBack, name: str) -> Any:
    """Confirm one filter; where something is missing, fail without a traceback."""
    confirmed = confirm_filter(settings, planned, back, name)
    if confirmed.failures:
        return Failed(message=f"{name}: {' '.join(confirmed.failures)}")
    return len(confirmed.rows)


@step
def check_files(planned: NightPlan) -> Any:
    """Fail where a file could not be read or has changed."""
    return Failed(message=" ".join(planned.failures)) if planned.failures else None


@step
def check_summary(summary: Summary, known: tuple[str, ...]) -> Any:
    """Fail where the night as a whole does not add up, for a reason not yet known."""
    new = [failure for failure in summary.failures if failure not in known]
    return Failed(message=" ".join(new)) if new else None


@step
def summarise(
    settings: Settings,
    access: KafkaAccess,
    planned: NightPlan,
    back: ReadBack,
    *,
    failures: tuple[str, ...],
) -> Summary:
    """Summarise the night, and show it among Prefect's artifacts."""
    summary = summarise_night(settings, access, planned, back, failures=failures)
    create_markdown_artifact(
        key=f"night-{summary.survey}", markdown=markdown_table(summary)
    )
    return summary
