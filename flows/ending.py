"""How a nightly run ended, read from what Prefect knows of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nightmail import NightmailError, RetryableError
from settings.errors import IncompleteNightError, SlackUnavailableError

FAILED = IncompleteNightError.exit_code
"""Exit code of a night that ended, with failures."""


@dataclass(frozen=True)
class Ending:
    """How a night's run ended."""

    exit_code: int
    night: str
    """Its name."""

    failures: tuple[str, ...] = ()
    """One sentence each."""

    summarised: bool = False
    """Whether the night has a summary that this run has written or confirmed."""

    unreachable: bool = False
    """Whether something that every night needs was not reachable; Slack is not."""


def read_ending(state: Any, night: str) -> Ending:
    """Read how a nightly run ended.

    Parameters
    ----------
    state
        The final state of the flow's run.
    night
        Its name.
    """
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
        unreachable=any(map(_is_of_every_night, errors)),
    )


def _is_of_every_night(error: Any) -> bool:
    return isinstance(error, RetryableError) and not isinstance(
        error, SlackUnavailableError
    )


def _sentences(failed: Sequence[Any], errors: Sequence[Any]) -> list[str]:
    return [
        str(error) if isinstance(error, NightmailError) else str(part.message)
        for part, error in zip(failed, errors, strict=True)
    ]
