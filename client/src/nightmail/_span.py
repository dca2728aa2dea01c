"""Which messages of the past are wished: by time or by night."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nightmail._errors import ConfigError
from nightmail._messages import night_of_message
from nightmail._start import EARLIEST, LATEST, Start, read_night, read_start

__all__ = ["Span", "read_span"]


@dataclass(frozen=True)
class Span:
    """Which messages are wished, by time or by night."""

    since_ms: int
    """Time of the first, or `EARLIEST` [ms since 1970, UTC]."""

    until_ms: int = LATEST
    """Time of the first that is not wished any more, or `LATEST`: what is there now."""

    first_night: str | None = None
    """Nights before it are passed, `YYYYMMDD`."""

    last_night: str | None = None
    """Nights behind it are passed, `YYYYMMDD`."""

    def has(self, message: Any) -> bool:
        """Tell whether a message is wished."""
        if 0 <= self.until_ms <= message.timestamp()[1]:
            return False
        if self.first_night is None and self.last_night is None:
            return True
        night = night_of_message(message)
        return (self.first_night or "") <= night <= (self.last_night or "99999999")


def read_span(
    night: str | None,
    since: str | date | None,
    until: str | date | None,
    now: datetime,
) -> Span:
    """Read which messages are wished.

    Parameters
    ----------
    night
        One night, `YYYYMMDD`; then the other two are None.
    since, until
        As `read_start` has it; by default everything that is there.
    now
        The time from which an age counts.

    Raises
    ------
    ConfigError
        The words are none of these, or exclude each other.
    """
    if night is not None:
        if since is not None or until is not None:
            raise ConfigError("night and since or until exclude each other.")
        since = until = read_night(night)
    first = Start(EARLIEST) if since is None else read_start(since, now)
    last = Start(LATEST) if until is None else read_start(until, now)
    if last.moment_ms == EARLIEST:
        raise ConfigError("Nothing is before the earliest; write until=latest.")
    # What is sent late has an early night, so that only its header ends a night.
    until_ms = last.moment_ms if last.night is None else LATEST
    return Span(first.moment_ms, until_ms, first.night, last.night)
