"""Where reading starts: the words of a user, as a time of Kafka's or a night."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from nightmail._errors import ConfigError

__all__ = ["EARLIEST", "LATEST", "Start", "night_of", "read_night", "read_start"]

EARLIEST, LATEST = -2, -1
"""Times by which Kafka is asked for the first offset, and for the one after the last.
"""

_AGE = re.compile(r"-(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NIGHT = re.compile(r"\d{8}")

_NOON = {"_ztf": 20, "_lsst": 16}
"""Hour at which it is about noon at the observatory, by the topic's end [h, UTC]."""

_ANY_NOON = 16


@dataclass(frozen=True)
class Start:
    """Where to start in every partition."""

    moment_ms: int
    """Time of the first message [ms since 1970, UTC], or `EARLIEST`, or `LATEST`."""

    night: str | None = None
    """The first night that is wished, `YYYYMMDD`; what stands before it is passed."""


def read_start(words: str | date, now: datetime) -> Start:
    """Read where to start.

    Parameters
    ----------
    words
        `earliest`; `latest`; a night `20260301`, named by the date of its morning; a
        date or time as `2026-03-01`, `2026-03-01T06:30`, in UTC unless it says another
        zone; or an age as `-2h`, with the units s, m, h, d, w. A datetime without a
        zone is in UTC.
    now
        The time from which an age counts.

    Raises
    ------
    ConfigError
        The words are none of these.
    """
    if isinstance(words, date):
        return Start(_milliseconds(_moment(words)))
    text = words.strip()
    if text in ("earliest", "latest"):
        return Start(EARLIEST if text == "earliest" else LATEST)
    if found := _AGE.fullmatch(text):
        age = timedelta(**{_UNITS[found[2]]: float(found[1])})
        return Start(_milliseconds(now - age))
    if _NIGHT.fullmatch(text):
        night = read_night(text)
        return Start(_milliseconds(_first_moment(night)), night)
    try:
        return Start(_milliseconds(_moment(datetime.fromisoformat(text))))
    except ValueError as error:
        raise ConfigError(
            f"Reading cannot start at {words!r}: write earliest, latest, a night"
            " (20260301), a date or time in UTC (2026-03-01T06:30) or an age (-2h)."
        ) from error


def read_night(text: str) -> str:
    """Check a night's name, `YYYYMMDD`.

    Raises
    ------
    ConfigError
        It is no date.
    """
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).strftime("%Y%m%d")
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no night; write the date of its morning, as 20260301."
        ) from error


def night_of(topic: str, moment_ms: int) -> str:
    """Tell the night of a message that does not say it, by the time it was sent.

    Parameters
    ----------
    topic
        Its end tells the survey, and so when it is noon there.
    moment_ms
        When it was sent [ms since 1970, UTC].
    """
    noon = next((h for end, h in _NOON.items() if topic.endswith(end)), _ANY_NOON)
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return (moment + timedelta(hours=24 - noon)).strftime("%Y%m%d")


def _first_moment(night: str) -> datetime:
    """Give a time before which no alert of a night was sent, wherever it was taken."""
    morning = datetime.strptime(night, "%Y%m%d").replace(tzinfo=UTC)
    return morning - timedelta(hours=12)


def _moment(words: date) -> datetime:
    moment = words if isinstance(words, datetime) else datetime.combine(words, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
