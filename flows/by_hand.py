"""A flow run by hand: no server beforehand, and an exit code at the end."""

import atexit
import datetime as dt
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from cluster.access import connect
from flows.temporary_server import start_server
from nightmail import NightmailError, cli
from settings import Settings
from settings.errors import IncompleteNightError, PrefectUnavailableError
from settings.nights import check_survey, last_night
from tasks.find_night import find_night

log = logging.getLogger("nightmail")

FAILED = IncompleteNightError.exit_code
"""Exit code of a night that ended, with failures."""


@dataclass(frozen=True)
class Ending:
    """How a run by hand ended."""

    exit_code: int
    night: str
    """Its name."""

    failures: tuple[str, ...] = ()
    """One sentence each."""

    summarised: bool = False
    """Whether the night has a summary that this run has written or confirmed."""


def run_night(
    settings: Settings,
    *,
    survey: str,
    night: str | None,
    filters: Sequence[str] | None = None,
) -> Ending:
    """Run the nightly flow in this process.

    Without PREFECT_API_URL, Prefect's temporary server is started, keeps its database
    in the state folder, and ends with the process.
    """
    check_survey(survey)
    name = night or last_night(survey, dt.datetime.now(dt.UTC))
    # What can be refused is refused before a server is started for it.
    find_night(settings, survey=survey, night=name, names=filters)
    if settings.kafka.bootstrap_servers:
        connect(settings)
    prepare_prefect(settings)
    from flows.nightly import nightly  # noqa: PLC0415 - after Prefect's environment

    try:
        if "PREFECT_API_URL" not in os.environ:
            log.info("Starting Prefect's temporary server.")
            start_server(settings.state_dir)
        state = nightly(survey, name, list(filters or ()) or None, return_state=True)
    except RuntimeError as error:
        # A step's own error is in the state: this one is of the server.
        raise PrefectUnavailableError(
            f"Prefect's server cannot be used ({str(error).strip().splitlines()[0]}):"
            " try again, or unset PREFECT_API_URL for a temporary one."
        ) from error
    return _ending(state, name)


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


def _ending(state: Any, night: str) -> Ending:
    if state.is_completed():
        return Ending(0, night, summarised=True)
    answer = state.result(raise_on_failure=False)
    parts = answer if isinstance(answer, list | tuple) else [state]
    failed = [part for part in parts if not part.is_completed()]
    errors = [part.result(raise_on_failure=False) for part in failed]
    codes = [e.exit_code for e in errors if isinstance(e, NightmailError)]
    return Ending(
        max([FAILED, *codes]),
        night,
        tuple(dict.fromkeys(_sentences(failed, errors))),
        summarised=parts is answer,
    )


def _sentences(failed: Sequence[Any], errors: Sequence[Any]) -> list[str]:
    return [
        str(error) if isinstance(error, NightmailError) else str(part.message)
        for part, error in zip(failed, errors, strict=True)
    ]
