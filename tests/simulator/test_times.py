"""Nights are named by their morning, and instants written as surveys do."""

import numpy as np
import pytest
from astropy.time import Time

from nightmail import ConfigError
from simulator.times import calendar_day, instants, observing_hours, parse_night


@pytest.mark.parametrize("night", ["2026031", "20260332", "2026-3-1", "x", " 2026031"])
def test_what_is_no_date_is_refused(night: str) -> None:
    """The sentence shows what was given, and what is wanted."""
    with pytest.raises(ConfigError, match="YYYYMMDD"):
        parse_night(night)


@pytest.mark.parametrize(
    ("survey", "opens", "closes"),
    [
        ("ztf", "2026-03-01T05:00", "2026-03-01T12:00"),
        ("lsst", "2026-03-01T00:30", "2026-03-01T08:00"),
    ],
)
def test_a_night_ends_on_the_morning_it_is_named_by(
    survey: str, opens: str, closes: str
) -> None:
    """The night of 1 March is the evening of 28 February and the hours after it."""
    expected = [Time(opens, scale="utc").mjd, Time(closes, scale="utc").mjd]

    assert observing_hours(survey, "20260301") == pytest.approx(expected)


def test_days_and_instants_are_those_of_the_calendar() -> None:
    """MJDs around new year and a leap day fall on the right dates."""
    dates = ["2025-12-31T23:59:59", "2026-01-01T00:00:01", "2028-02-29T12:00:00"]
    mjd = np.array([Time(date, scale="utc").mjd for date in dates])

    assert calendar_day(mjd).tolist() == [20251231, 20260101, 20280229]
    assert np.abs(instants(mjd) - np.array(dates, "datetime64[us]")).max() < 100
