"""Which night a moment belongs to."""

from datetime import datetime

import pytest

from settings.errors import NothingThereError, SettingsError
from settings.nights import check_night, check_survey, last_night


@pytest.mark.parametrize(
    ("survey", "moment", "night"),
    [
        ("lsst", "2026-03-10T12:30-03:00", "20260310"),
        ("lsst", "2026-03-10T11:59-03:00", "20260309"),
        ("ztf", "2026-03-01T12:30-08:00", "20260301"),
        # Summer time begins on 2026-03-08 in California, and ends on 2026-11-01.
        ("ztf", "2026-03-08T12:30-07:00", "20260308"),
        ("ztf", "2026-11-01T12:30-08:00", "20261101"),
        ("lsst", "2026-04-05T12:30-04:00", "20260405"),
        ("lsst", "2026-09-06T12:30-03:00", "20260906"),
    ],
)
def test_the_night_that_ended_at_noon(survey: str, moment: str, night: str) -> None:
    """At 12:30 local the night of that morning has just ended."""
    assert last_night(survey, datetime.fromisoformat(moment)) == night


@pytest.mark.parametrize("night", ["2026-03-01", "20260230", "tonight", ""])
def test_what_is_no_date_is_refused(night: str) -> None:
    """The refusal shows how a night is written."""
    with pytest.raises(SettingsError, match="20260301"):
        check_night(night)


def test_an_unknown_survey_is_refused() -> None:
    """The refusal names the surveys that there are, with exit code 3."""
    with pytest.raises(NothingThereError, match="ztf and lsst") as caught:
        check_survey("sdss")

    assert caught.value.exit_code == 3
