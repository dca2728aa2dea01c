"""Find the nights that a sweep runs: the unfinished ones, and the newest again."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archive.disk import refusals_explained
from archive.summary import Status, Summary, read_summary, summary_file
from settings import Settings
from settings.errors import NightError, SettingsError
from settings.nights import check_night, check_survey, last_night
from store.night import check_store, list_nights
from store.path import StorePath

FINISHED: frozenset[Status] = frozenset({"complete", "empty"})
"""What the summary of a night says that needs no further run."""

Statuses = Mapping[str, Status | None]
"""What the summary of each night says; None where it cannot be read."""


@dataclass(frozen=True)
class UnfinishedNight:
    """A night that a sweep runs."""

    night: str
    """Its name."""

    status: Status | None
    """What its summary says; None without one."""

    is_recent: bool
    """Whether it is run whatever its summary says: files may have come late."""

    @property
    def is_finished(self) -> bool:
        """Whether the night was complete when it was last run."""
        return self.status in FINISHED


def find_unfinished(
    settings: Settings,
    *,
    survey: str,
    at: dt.datetime,
    recent: int | None = None,
    since: str | None = None,
) -> tuple[UnfinishedNight, ...]:
    """Compare the nights of the store with the summaries of the archive.

    Parameters
    ----------
    at
        A moment, with its time zone; nights that had not ended by then are left out.
    recent
        Newest nights to run again; by default `sweep.recent`.
    since
        Night before which all is history; by default `sweep.since`.

    Returns
    -------
    tuple of UnfinishedNight
        Oldest first, see `choose_nights`.

    Raises
    ------
    NothingThereError
        There is no such survey.
    SettingsError
        `since` is not a night.
    StoreUnavailableError
        There is no store.
    ArchiveUnavailableError
        The summaries cannot be read.
    """
    check_survey(survey)
    since = since or settings.sweep.since
    if since:
        check_night(since)
    return choose_nights(
        _ended_nights(settings, survey, at),
        _read_statuses(settings, survey),
        recent=settings.sweep.recent if recent is None else recent,
        since=since,
    )


def choose_nights(
    there: Iterable[str], statuses: Statuses, *, recent: int, since: str | None = None
) -> tuple[UnfinishedNight, ...]:
    """Choose among the nights of the store.

    A store may hold years that were redistributed before nightmail came, and must not
    be sent again. So the first night that has a summary is the first that counts, and
    where none has one, only the recent ones do.

    Parameters
    ----------
    there
        Nights of the store, in any order.
    statuses
        What the summaries say; a night whose folder came after its summary of `no data`
        counts as one without.
    recent
        Newest nights that are chosen whatever their summary says.
    since
        First night that counts, instead.

    Returns
    -------
    tuple of UnfinishedNight
        Oldest first.
    """
    nights = sorted({*there})
    newest = set(nights[max(len(nights) - recent, 0) :])
    first = since or min(statuses, default=min(newest, default=None))
    chosen = (
        UnfinishedNight(night, statuses.get(night), night in newest)
        for night in nights
        if first and night >= first
    )
    return tuple(one for one in chosen if one.is_recent or not one.is_finished)


def find_summary(settings: Settings, survey: str, night: str) -> Summary | None:
    """Summary of a night; None where there is none, or none that can be read."""
    try:
        return read_summary(settings.archive_root(), survey, night)
    except NightError:
        return None


def _ended_nights(settings: Settings, survey: str, at: dt.datetime) -> list[str]:
    root = StorePath(settings.store_uri(survey))
    check_store(root)
    last = last_night(survey, at)
    return [night for night in list_nights(root) if night <= last and _is_date(night)]


def _is_date(name: str) -> bool:
    try:
        check_night(name)
    except SettingsError:
        return False
    return True


def _read_statuses(settings: Settings, survey: str) -> dict[str, Status | None]:
    folder = summary_file(settings.archive_root(), survey, "").parent
    statuses: dict[str, Status | None] = {}
    with refusals_explained(folder):
        for file in folder.glob(f"{'[0-9]' * 8}.json"):
            summary = find_summary(settings, survey, file.stem)
            statuses[file.stem] = summary.status if summary else None
    return statuses
