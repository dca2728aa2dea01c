"""What Prefect calls when a night failed or crashed: the operators are told."""

import datetime as dt
import logging
from typing import Any

from flows.ending import read_ending
from news.notice import Notice, run_again
from nightmail import NightmailError
from settings import Settings
from settings.errors import NewerRunError
from settings.load import load
from settings.nights import last_night
from tasks.post_notice import post_notice

log = logging.getLogger("nightmail")


def tell_failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a nightly run failed; a newer run that took over is no failure.

    Parameters
    ----------
    flow
        The nightly flow; Prefect gives it by this name.
    flow_run
        The run that failed.
    state
        Its final state.
    """
    del flow
    night = night_of(flow_run)
    ending = read_ending(state, night)
    if ending.exit_code != NewerRunError.exit_code:
        _tell(flow_run.parameters["survey"], night, "failed", ending.failures)


def tell_crashed(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a nightly run crashed: its process or its machine ended it."""
    del flow
    night = night_of(flow_run)
    _tell(flow_run.parameters["survey"], night, "crashed", (str(state.message or ""),))


def tell_sweep_failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a sweep could not be done; of its nights, each tells by itself."""
    del flow
    error = state.result(raise_on_failure=False)
    if isinstance(error, NightmailError):
        survey = flow_run.parameters["survey"]
        again = f"By hand: nightmail sweep --survey {survey}"
        _tell(survey, night_of(flow_run), "not swept", (str(error),), again)


def night_of(run: Any) -> str:
    """Name the night of a nightly run, whether given or scheduled.

    Parameters
    ----------
    run
        Prefect's flow run.
    """
    given = run.parameters.get("night")
    due = run.expected_start_time or dt.datetime.now(dt.UTC)
    return str(given or last_night(run.parameters["survey"], due))


def tell(settings: Settings, survey: str, night: str, error: NightmailError) -> None:
    """Tell that a night could not even be begun.

    Parameters
    ----------
    error
        Why.
    """
    notice = Notice(
        survey=survey,
        night=night,
        kind="failed",
        sentences=(str(error),),
        again=run_again(survey, night),
    )
    post_notice(notice, settings)


def tell_not_run(settings: Settings, survey: str, nights: list[str]) -> None:
    """Tell that nights of the store have no summary, though they should.

    Parameters
    ----------
    nights
        Which, oldest first; none is nothing to tell.
    """
    if not nights:
        return
    names = ", ".join(nights)
    notice = Notice(
        survey=survey,
        night=nights[-1],
        kind="did not run",
        sentences=(f"There is no summary of {names}: the nightly run was missed.",),
        again="The sweep runs what was missed now.",
    )
    post_notice(notice, settings)


def _tell(
    survey: str, night: str, kind: str, sentences: tuple[str, ...], again: str = ""
) -> None:
    notice = Notice(
        survey=survey,
        night=night,
        kind=kind,
        sentences=tuple(filter(None, sentences)),
        again=again or run_again(survey, night),
    )
    try:
        post_notice(notice, load())
    except NightmailError as error:
        log.warning("The operators were not told: %s", error)
