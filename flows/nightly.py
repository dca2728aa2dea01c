"""One night: find, prepare, plan, distribute, confirm, summarise, post."""

import logging
from typing import Any

from prefect import flow, runtime
from prefect.states import Completed

from cluster.access import KafkaAccess
from cluster.local import running
from flows.notices import tell_crashed, tell_failed
from flows.steps import (
    as_is,
    check_files,
    check_summary,
    check_workers,
    confirm,
    distribute,
    find,
    plan,
    post,
    prepare,
    read,
    summarise,
)
from nightmail import NightmailError
from settings import Settings
from settings.errors import NewerRunError
from settings.load import load
from settings.nights import check_survey, last_night
from tasks.plan_night import NightPlan, needs_another_pass
from tasks.read_store import reading
from tasks.report import Report

log = logging.getLogger("nightmail")


def run_name() -> str:
    """Name of a flow run: survey and night, whether given or scheduled."""
    given = runtime.flow_run.parameters
    survey = given["survey"]
    return f"{survey}-{given.get('night') or _scheduled_night(survey)}"


@flow(
    name="nightly",
    flow_run_name=run_name,
    persist_result=False,
    on_failure=[tell_failed],
    on_crashed=[tell_crashed],
)
def nightly(
    survey: str,
    night: str | None = None,
    filters: list[str] | None = None,
    generation: int | None = None,
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
    generation
        Number under which to send again what was sent; by default nothing is.

    Returns
    -------
    list of prefect.futures.PrefectFuture
        One per filter, and one for each other thing that can fail, so that a night
        with a failing filter ends failed and says which.
    """
    settings = load()
    check_survey(survey)
    found = find(
        settings,
        survey=survey,
        night=night or _scheduled_night(survey),
        names=filters,
        generation=generation,
        must_exist=night is not None,
    )
    with running(settings) as access, reading(settings):
        prepare(settings, access, found)
        planned = plan(settings, access, found)
        reports = _distribute(settings, access, planned)
        while needs_another_pass(planned, reports):
            planned = plan(settings, access, found, after=as_is(planned))
            reports += _distribute(settings, access, planned)
        _stop_for_newer(planned, reports)
        workers = check_workers.submit(reports)
        files = check_files.submit(as_is(planned))
        back = read(settings, access, as_is(planned))
        confirmed = [
            confirm.with_options(task_run_name=f"confirm-{name}").submit(
                settings, as_is(planned), as_is(back), name
            )
            for name in sorted({*planned.filters, *planned.broken})
        ]
        failures = (*planned.failures, *(r.message for r in reports if r.message))
        summary = summarise(
            settings, access, as_is(planned), as_is(back), failures=failures
        )
        posted = post.submit(summary, settings)
        if planned.folder is None:
            return Completed(name="NoData", message=f"There is no night {found.night}.")
        return [
            workers,
            files,
            *confirmed,
            check_summary.submit(summary, failures),
            posted,
        ]


def _scheduled_night(survey: str) -> str:
    return last_night(survey, runtime.flow_run.scheduled_start_time)


def _distribute(
    settings: Settings, access: KafkaAccess, planned: NightPlan
) -> list[Report]:
    """Run the Spark job, if there is work; a job that died is one more report."""
    if not planned.work:
        log.info(
            "Nothing to send: the ledger has all files (%s) of all filters (%s).",
            len({unit.path for unit in planned.units}),
            len(planned.filters),
        )
        return []
    state = distribute(settings, access, as_is(planned), return_state=True)
    if state.is_crashed():
        # Prefect takes a step that was told to end for one that ended by itself.
        raise KeyboardInterrupt
    answer = state.result(raise_on_failure=False)
    if isinstance(answer, NightmailError):
        raise answer
    if isinstance(answer, Exception):
        # A Java trace is hundreds of lines: its first says it.
        first = str(answer).strip().splitlines()[0][:400]
        return [Report("failed", f"The Spark job ended: {first}")]
    return list(answer)


def _stop_for_newer(planned: NightPlan, reports: list[Report]) -> None:
    """Leave a night to the newer run that works on it, its summary too."""
    if any(report.outcome == "newer run" for report in reports):
        raise NewerRunError(
            f"A newer run works on the night {planned.night} of {planned.survey}, or"
            " this one slept for longer than Kafka waits: if no other is at work, run"
            " the night again."
        )


if __name__ == "__main__":
    from flows.by_hand import run_command

    run_command()
