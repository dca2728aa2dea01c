"""When a night is, and its instants as the surveys write them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from nightmail import ConfigError
from simulator.arrays import Array, Floats, Ints

MJD_OF_UNIX = 40587.0
"""MJD of the Unix epoch [d]."""

JD_OF_MJD = 2400000.5
"""JD of MJD 0 [d]."""

TAI_MINUS_UTC = 37 / 86400
"""Since 2017 [d]; nights before are not simulated to the second."""


@dataclass(frozen=True)
class Site:
    """Where a survey's telescope stands."""

    time_zone: str
    """IANA name; nights run from noon to noon there."""

    longitude: float
    """East of Greenwich [deg]."""

    declinations: tuple[float, float]
    """Southern and northern limit of what it observes [deg]."""

    opens: time
    """Local time in the evening when it begins to observe."""

    closes: time
    """Local time in the morning when it ends."""


SITES = {
    "ztf": Site("America/Los_Angeles", -116.86, (-25, 75), time(21), time(4)),
    "lsst": Site("America/Santiago", -70.75, (-70, 12), time(21, 30), time(5)),
}
"""Palomar and Cerro Pachón."""


def parse_night(night: str) -> date:
    """Read the name of a night: the date, YYYYMMDD, of the morning on which it ends.

    Raises
    ------
    ConfigError
        It is no date.
    """
    try:
        parsed = datetime.strptime(night, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ConfigError(_no_date(night)) from error
    if f"{parsed:%Y%m%d}" != night:
        raise ConfigError(_no_date(night))
    return parsed


def observing_hours(survey: str, night: str) -> tuple[float, float]:
    """First and last instant at which a night's alerts may lie [MJD, UTC].

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    night
        Its name, YYYYMMDD.
    """
    site, morning = SITES[survey], parse_night(night)
    zone = ZoneInfo(site.time_zone)
    evening = morning - timedelta(days=1)
    opens = datetime.combine(evening, site.opens, zone)
    closes = datetime.combine(morning, site.closes, zone)
    return _mjd(opens), _mjd(closes)


def instants(mjd: Floats) -> Array:
    """UTC instants of MJDs, as datetime64 in microseconds."""
    micro = np.round((mjd - MJD_OF_UNIX) * 86400e6).astype(np.int64)
    return micro.astype("datetime64[us]")


def calendar_day(mjd: Floats) -> Ints:
    """Dates of MJDs as integers, YYYYMMDD."""
    day = np.floor(mjd - MJD_OF_UNIX).astype(np.int64).astype("datetime64[D]")
    year = day.astype("datetime64[Y]")
    month = day.astype("datetime64[M]")
    months = (month - year.astype("datetime64[M]")).astype(np.int64) + 1
    days = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    written: Ints = (year.astype(np.int64) + 1970) * 10000 + months * 100 + days
    return written


def _mjd(instant: datetime) -> float:
    return instant.timestamp() / 86400 + MJD_OF_UNIX


def _no_date(night: str) -> str:
    return f"{night!r} is not the name of a night: write the morning's date, YYYYMMDD."
