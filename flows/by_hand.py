"""A flow run by hand: no server beforehand, and an exit code at the end."""

import atexit
import datetime as dt
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from cluster.access import connect
from flows.ending import Ending, read_ending
from flows.notices import tell
from flows.temporary_server import start_server
from nightmail import RetryableError, cli
from settings import Settings
from settings.errors import PrefectUnavailableError
from settings.nights import check_survey, last_night
from tasks.find_night import find_night
from tasks.find_unfinished import find_unfinished

if TYPE_CHECKING:
    from flows.sweep import SweptNight

log = logging.getLogger("nightmail")


def run_night(
    settings: Settings,
    *,
    survey: str,
    night: str | None,
    filters: Sequence[str] | None = None,
    generation: int | None = None,
) -> Ending:
    """Run the nightly flow in this process.

    Without PREFECT_API_URL, Prefect's temporary server is started, keeps its database
    in the state folder, and ends with the process.
    """
    check_survey(survey)
    name = night or last_night(survey, dt.datetime.now(dt.UTC))
    # What can be refused is refused before a server is started for it.
    find_night(settings, survey=survey, night=name, names=filters)

    def run() -> Any:
        from flows.nightly import nightly  # noqa: PLC0415 - after Prefect's environment

        names = list(filters or ()) or None
        return nightly(survey, name, names, generation, return_state=True)

    try:
        _check_kafka(settings)
        state = run_flow(settings, run)
    except RetryableError as error:
        # Once the flow runs, it tells of its failures itself.
        tell(settings, survey, name, error)
        raise
    return read_ending(state, name)


def run_sweep(
    settings: Settings,
    *,
    survey: str,
    limit: int | None = None,
    recent: int | None = None,
    since: str | None = None,
) -> "tuple[SweptNight, ...]":
    """Run the sweep's flow in this process, as `run_night` the nightly one.

    Returns
    -------
    tuple of SweptNight
        The nights that were run, oldest first.
    """
    now = dt.datetime.now(dt.UTC)
    # What can be refused is refused before a server is started for it.
    if not find_unfinished(settings, survey=survey, at=now, recent=recent, since=since):
        return ()
    _check_kafka(settings)

    def run() -> Any:
        from flows.sweep import sweep  # noqa: PLC0415 - after Prefect's environment

        return sweep(survey, limit, recent, since, return_state=True)

    answer = run_flow(settings, run).result(raise_on_failure=False)
    if isinstance(answer, BaseException):
        raise answer
    swept: tuple[SweptNight, ...] = answer
    return swept


def run_flow(settings: Settings, run: Callable[[], Any]) -> Any:
    """Run a flow in this process, and give its final state.

    Parameters
    ----------
    run
        Imports the flow, and calls it for its state.

    Raises
    ------
    PrefectUnavailableError
        Its server cannot be used.
    """
    prepare_prefect(settings)
    try:
        if "PREFECT_API_URL" not in os.environ:
            log.info("Starting Prefect's temporary server.")
            start_server(settings.state_dir)
        return run()
    except RuntimeError as error:
        # A step's own error is in the state: this one is of the server.
        raise PrefectUnavailableError(
            f"Prefect's server cannot be used ({str(error).strip().splitlines()[0]}):"
            " try again, or unset PREFECT_API_URL for a temporary one."
        ) from error


def run_command(words: Sequence[str] | None = None) -> NoReturn:
    """Run `nightmail night` with `SURVEY [NIGHT [FILTER ...]]` of the command line.

    Examples
    --------
    ``python -m flows.nightly ztf 20260301`` is
    ``nightmail night --survey ztf --night 20260301``.
    """
    given = sys.argv[1:] if words is None else words
    names = ["--survey", "--night", *["--filter"] * len(given)]
    options = [word for pair in zip(names, given, strict=False) for word in pair]
    cli.main(["night", *(given if given[:1] == ["--help"] else options)])


def prepare_prefect(settings: Settings) -> None:
    """Set what Prefect reads when it is imported."""
    _hush_the_end()
    if "PREFECT_API_URL" in os.environ:
        return
    os.environ.setdefault("PREFECT_HOME", str(settings.state_dir / "prefect"))


@cache
def _hush_the_end() -> None:
    """Say nothing while the interpreter itself ends.

    Prefect's threads keep frames of ours past the end, and DuckDB's binding then prints
    forty lines about the types in them. What is registered first runs last.
    """
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


def _check_kafka(settings: Settings) -> None:
    if settings.kafka.bootstrap_servers:
        connect(settings)
