"""One night: find, plan, distribute, confirm, summarise, post."""

import logging
from typing import Any

from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from archive.tables import markdown_table
from archive.totals import Summary
from cluster.access import KafkaAccess
from cluster.local import running
from flows.temporary_server import note_server
from settings import Settings
from settings.load import load
from settings.nights import check_survey, last_night
from tasks.confirm_filter import confirm_filter
from tasks.distribute_night import distribute_night, raise_worst
from tasks.find_night import find_night
from tasks.plan_night import NightPlan, plan_night
from tasks.post_summary import post_summary
from tasks.prepare_topics import prepare_topics
from tasks.read_back import ReadBack, read_back
from tasks.report import Report
from tasks.summarise_night import summarise_night

log = logging.getLogger("nightmail")


def run_name() -> str:
    """Name of a flow run: survey and night, whether given or scheduled."""
    given = runtime.flow_run.parameters
    survey = given["survey"]
    return f"{survey}-{given.get('night') or _scheduled_night(survey)}"


@flow(name="nightly", flow_run_name=run_name, persist_result=False)
def nightly(
    survey: str, night: str | None = None, filters: list[str] | None = None
) -> Any:
    """Redistribute one night: run it again as often as you like.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    night
        The date of the morning on which it ends, YYYYMMDD; by default the night that
        had last ended when the run was due.
    filters
        Filters to run; by default all.

    Returns
    -------
    list of prefect.futures.PrefectFuture
        One per filter and a few of the steps, so that a night with a failing filter
        ends failed and says which.
    """
    settings = load()
    note_server(settings.state_dir)
    check_survey(survey)
    found = find(
        settings,
        survey=survey,
        night=night or _scheduled_night(survey),
        names=filters,
        must_exist=night is not None,
    )
    with running(settings) as access:
        prepare(settings, access, found)
        planned = plan(settings, access, found)
        reports = _distribute(settings, access, planned)
        checked = check.submit(reports)
        back = read(settings, access, planned)
        confirmed = [
            confirm.with_options(task_run_name=f"confirm-{name}").submit(
                settings, planned, back, name
            )
            for name in sorted({*planned.filters, *planned.broken})
        ]
        failures = (*planned.failures, *(r.message for r in reports if r.message))
        summary = summarise(settings, access, planned, back, failures=failures)
        posted = post.submit(summary, settings)
        if planned.folder is None:
            return Completed(name="NoData", message=f"No night {planned.night}.")
        return [checked, *confirmed, posted, whole.submit(planned)]


def _scheduled_night(survey: str) -> str:
    return last_night(survey, runtime.flow_run.scheduled_start_time)


def _distribute(
    settings: Settings, access: KafkaAccess, planned: NightPlan
) -> list[Report]:
    """Reports of the Spark job; a job that died is one more of them."""
    if not planned.work:
        log.info(
            "Nothing to send: %s files are done for %s filters.",
            len({u.path for u in planned.units}),
            len(planned.filters),
        )
        return []
    state = distribute(settings, access, planned, return_state=True)
    answer = state.result(raise_on_failure=False)
    if isinstance(answer, Exception):
        return [Report("failed", -1, message=f"{type(answer).__name__}: {answer}")]
    return list(answer)


def _confirm(settings: Settings, planned: NightPlan, back: ReadBack, name: str) -> Any:
    confirmed = confirm_filter(settings, planned, back, name)
    if confirmed.failures:
        return Failed(message=f"{name}: {' '.join(confirmed.failures)}")
    return len(confirmed.rows)


def _summarise(
    settings: Settings,
    access: KafkaAccess,
    planned: NightPlan,
    back: ReadBack,
    *,
    failures: tuple[str, ...],
) -> Summary:
    summary = summarise_night(settings, access, planned, back, failures=failures)
    create_markdown_artifact(
        key=f"night-{summary.survey}", markdown=markdown_table(summary)
    )
    return summary


def _whole(planned: NightPlan) -> Any:
    """Fail where a file could not be read or has changed."""
    return Failed(message=" ".join(planned.failures)) if planned.failures else None


_STEP: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}

find = task(find_night, **_STEP)
prepare = task(prepare_topics, **_STEP)
plan = task(plan_night, **_STEP)
distribute = task(distribute_night, **_STEP)
check = task(raise_worst, name="check_workers", **_STEP)
read = task(read_back, **_STEP)
confirm = task(_confirm, name="confirm_filter", **_STEP)
summarise = task(_summarise, name="summarise_night", **_STEP)
post = task(post_summary, **_STEP)
whole = task(_whole, name="check_files", **_STEP)


if __name__ == "__main__":
    from flows.by_hand import run_command

    run_command()
