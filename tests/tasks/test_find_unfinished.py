"""Which nights a sweep runs."""

import datetime as dt
from pathlib import Path

import pytest

from archive.summary import Status, Summary, summary_file, write_summary
from nightmail import NightmailError
from settings.errors import (
    ArchiveUnavailableError,
    NothingThereError,
    SettingsError,
    StoreUnavailableError,
)
from settings.model import Archive, Settings, Store, Sweep
from tasks.find_unfinished import UnfinishedNight, choose_nights, find_unfinished

NIGHTS = ("20260301", "20260302", "20260303", "20260304", "20260305")
"""Nights of a store."""

EVENING = dt.datetime(2026, 3, 5, 22, tzinfo=dt.UTC)
"""At Palomar, the night of the 5th has ended, and that of the 6th has not begun."""


def _chosen(
    statuses: dict[str, Status | None],
    there: tuple[str, ...] = NIGHTS,
    recent: int = 0,
    since: str | None = None,
) -> str:
    """Give the last digits of the nights that are chosen."""
    chosen = choose_nights(there, statuses, recent=recent, since=since)
    return " ".join(one.night[-1] for one in chosen)


def test_what_is_not_complete_is_chosen_oldest_first() -> None:
    """Failed, never summarised or not readable: all are run; `empty` is complete."""
    statuses: dict[str, Status | None] = {
        "20260305": "failed",
        "20260301": "complete",
        "20260303": None,
        "20260302": "empty",
    }

    assert _chosen(statuses, there=NIGHTS[::-1]) == "3 4 5"


def test_the_newest_are_chosen_whatever_their_summary_says() -> None:
    """Files may have come late, to an empty night too."""
    statuses: dict[str, Status | None] = dict.fromkeys(NIGHTS, "complete")
    statuses |= {"20260302": "failed", "20260305": "empty"}

    chosen = choose_nights(NIGHTS, statuses, recent=2)

    assert chosen == (
        UnfinishedNight("20260302", "failed", is_recent=False),
        UnfinishedNight("20260304", "complete", is_recent=True),
        UnfinishedNight("20260305", "empty", is_recent=True),
    )


@pytest.mark.parametrize(
    ("recent", "chosen"), [(0, "3 4 5"), (4, "3 4 5"), (9, "3 4 5")]
)
def test_history_is_left_alone(recent: int, chosen: str) -> None:
    """Nights before the first that has a summary are not run, not even as recent."""
    assert _chosen({"20260303": "failed"}, recent=recent) == chosen


@pytest.mark.parametrize(("recent", "chosen"), [(0, ""), (2, "4 5"), (9, "1 2 3 4 5")])
def test_without_any_summary_only_the_newest_count(recent: int, chosen: str) -> None:
    """A new installation does not send years again."""
    assert _chosen({}, recent=recent) == chosen


def test_since_overrides_both_ways() -> None:
    """It opens history, and closes what has a summary."""
    statuses: dict[str, Status | None] = {"20260303": "failed"}

    assert _chosen({}, since="20260302") == "2 3 4 5"
    assert _chosen(statuses, since="20260302") == "2 3 4 5"
    assert _chosen(statuses, recent=2, since="20260305") == "5"


def test_the_store_decides_which_nights_there_are() -> None:
    """A summary of `no data` is no night, until the store has its folder."""
    statuses: dict[str, Status | None] = {
        "20260301": "complete",
        "20260302": "no data",
        "20260303": "no data",
    }

    assert _chosen(statuses, there=("20260301", "20260303")) == "3"


def test_a_store_without_nights() -> None:
    """There is nothing to run."""
    assert _chosen({}, there=(), recent=3) == ""
    assert _chosen({"20260301": "no data"}, there=(), recent=3) == ""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path,
        store=Store(uri=str(tmp_path / "{survey}")),
        archive=Archive(uri=str(tmp_path / "archive")),
        sweep=Sweep(recent=0),
    )


@pytest.fixture
def store(settings: Settings) -> Path:
    """Make nights of both layouts, one of them twice, and folders that are none."""
    science = settings.store_root("ztf") / "science"
    online = ("20260301", "20260302", "20260303", "20260399")
    for night in online:
        (science / night).mkdir(parents=True)
    for day in ("03", "05", "06"):
        (science / "year=2026" / "month=03" / f"day={day}").mkdir(parents=True)
    return science


def _summarise(settings: Settings, night: str, status: Status) -> None:
    summary = Summary(
        survey="ztf", night=night, day_obs="", status=status, files=0, alerts=0,
        kept=0, generation=0, classes={},
    )  # fmt: skip
    write_summary(settings.archive_root(), summary)


def _nights(settings: Settings, **asked: object) -> list[str]:
    found = find_unfinished(settings, survey="ztf", at=EVENING, **asked)  # type: ignore[arg-type]
    return [one.night for one in found]


@pytest.mark.usefixtures("store")
def test_store_and_archive_are_compared(settings: Settings) -> None:
    """Each night once, dates only, none that has not ended; other files are none."""
    _summarise(settings, "20260301", "complete")
    _summarise(settings, "20260302", "failed")
    summary_file(settings.archive_root(), "ztf", "20260303").write_text("torn")
    summary_file(settings.archive_root(), "ztf", "20260101.slack").write_text("{}")

    found = find_unfinished(settings, survey="ztf", at=EVENING)

    assert found == (
        UnfinishedNight("20260302", "failed", is_recent=False),
        UnfinishedNight("20260303", None, is_recent=False),
        UnfinishedNight("20260305", None, is_recent=False),
    )


@pytest.mark.usefixtures("store")
def test_a_night_that_goes_on_is_left_out(settings: Settings) -> None:
    """Until noon at the observatory, its files are still being written."""
    before_noon = EVENING.replace(hour=19)

    found = find_unfinished(settings, survey="ztf", at=before_noon, recent=1)

    assert [one.night for one in found] == ["20260303"]


@pytest.mark.usefixtures("store")
def test_settings_hold_where_nothing_is_asked(settings: Settings) -> None:
    """What is asked for wins, zero too."""
    mine = settings.model_copy(update={"sweep": Sweep(recent=1, since="20260303")})

    assert _nights(mine) == ["20260303", "20260305"]
    assert _nights(mine, since="20260304") == ["20260305"]
    assert _nights(settings, recent=1) == ["20260305"]
    _summarise(settings, "20260305", "complete")
    assert _nights(mine, recent=0) == ["20260303"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("asked", "kind", "says"),
    [
        ({"survey": "sdss"}, NothingThereError, "ztf and lsst"),
        ({"since": "20260230"}, SettingsError, "20260230 is not a night"),
        ({"survey": "lsst"}, StoreUnavailableError, "store.uri"),
    ],
)
def test_what_cannot_be_is_refused(
    settings: Settings, asked: dict[str, str], kind: type[NightmailError], says: str
) -> None:
    """In one sentence, before anything is started."""
    with pytest.raises(kind, match=says):
        find_unfinished(settings, **({"survey": "ztf", "at": EVENING} | asked))  # type: ignore[arg-type]


@pytest.mark.usefixtures("store")
def test_an_archive_that_cannot_be_read_is_not_an_empty_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its nights would count as history."""
    _summarise(settings, "20260301", "complete")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)

    with pytest.raises(ArchiveUnavailableError, match="permission denied"):
        find_unfinished(settings, survey="ztf", at=EVENING)
