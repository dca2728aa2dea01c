"""Which night a moment belongs to: nights run from noon to noon at the observatory."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from settings.errors import NothingThereError, SettingsError
from settings.names import SURVEYS, TIME_ZONE

NOON = dt.time(12)
"""Local time at which one night ends and the next begins."""


def last_night(survey: str, at: dt.datetime) -> str:
    """Name the newest night that has ended at a moment.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    at
        A moment, with its time zone.

    Returns
    -------
    str
        The date of the morning on which it ended, YYYYMMDD.

    Examples
    --------
    At 12:30 in Chile on the 10th, the night of the 10th has just ended.

    >>> last_night("lsst", dt.datetime.fromisoformat("2026-03-10T12:30-03:00"))
    '20260310'
    """
    local = at.astimezone(ZoneInfo(TIME_ZONE[survey]))
    ended = local.date() - dt.timedelta(days=0 if local.time() >= NOON else 1)
    return f"{ended:%Y%m%d}"


def check_survey(survey: str) -> None:
    """Refuse a survey that nightmail does not know."""
    if survey not in SURVEYS:
        raise NothingThereError(
            f"There is no survey {survey}; there are {' and '.join(SURVEYS)}."
        )


def check_night(night: str) -> None:
    """Refuse what is not a date of the form YYYYMMDD."""
    try:
        if not re.fullmatch(r"\d{8}", night):
            raise ValueError(night)  # noqa: TRY301 - said once, below
        dt.datetime.strptime(night, "%Y%m%d").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise SettingsError(
            f"{night} is not a night: write the date of the morning on which it ends,"
            " as 20260301."
        ) from error
