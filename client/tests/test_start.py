"""Where reading starts, in the words of a user."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from nightmail import ConfigError
from nightmail._start import EARLIEST, LATEST, Start, night_of, read_start

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def ms(*moment: int) -> int:
    """Give a time in UTC [ms since 1970]."""
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("earliest", Start(EARLIEST)),
        ("latest", Start(LATEST)),
        ("-2h", Start(ms(2026, 3, 3, 10))),
        ("-1.5d", Start(ms(2026, 3, 2))),
        ("-1w", Start(ms(2026, 2, 24, 12))),
        ("20260301", Start(ms(2026, 2, 28, 12), "20260301")),
        ("2026-03-01", Start(ms(2026, 3, 1))),
        ("2026-03-01T06:30", Start(ms(2026, 3, 1, 6, 30))),
        ("2026-03-01 06:30:00+02:00", Start(ms(2026, 3, 1, 4, 30))),
        (date(2026, 3, 1), Start(ms(2026, 3, 1))),
        (datetime(2026, 3, 1, 1), Start(ms(2026, 3, 1, 1))),  # noqa: DTZ001
        (
            datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=-4))),
            Start(ms(2026, 3, 1, 4)),
        ),
    ],
    ids=str,
)
def test_words_are_times(words: str | date, start: Start) -> None:
    """A time without a zone is in UTC; a night has a name, too."""
    assert read_start(words, NOW) == start


@pytest.mark.parametrize("words", ["", "begin", "2h", "-2x", "2026-13-01", "-h"])
def test_other_words_are_refused(words: str) -> None:
    """The sentence says which there are."""
    with pytest.raises(ConfigError) as caught:
        read_start(words, NOW)

    assert str(caught.value) == (
        f"Reading cannot start at {words!r}: write earliest, latest, a night"
        " (20260301), a date or time in UTC (2026-03-01T06:30) or an age (-2h)."
    )


def test_eight_digits_that_are_no_date_are_no_night() -> None:
    """The sentence shows one."""
    with pytest.raises(ConfigError, match="'20261301' is no night; write the date"):
        read_start("20261301", NOW)


@pytest.mark.parametrize(
    ("topic", "moment", "night"),
    [
        ("fink_sn_ztf", (2026, 3, 1, 19, 59), "20260301"),
        ("fink_sn_ztf", (2026, 3, 1, 20, 0), "20260302"),
        ("fink_sn_lsst", (2026, 3, 1, 15, 59), "20260301"),
        ("fink_sn_lsst", (2026, 3, 1, 16, 0), "20260302"),
        ("other", (2026, 3, 1, 3, 0), "20260301"),
    ],
)
def test_a_night_goes_from_noon_to_noon_at_the_observatory(
    topic: str, moment: tuple[int, ...], night: str
) -> None:
    """It is named by its morning, where a message does not name it."""
    assert night_of(topic, ms(*moment)) == night
