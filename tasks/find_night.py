"""Find a night and the filters that run on it: every refusal that needs no Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filters import choose_filters, load_catalogue
from nightmail import Filter
from settings import Settings
from settings.errors import NothingThereError, SettingsError
from settings.names import SURVEYS
from settings.nights import check_night, check_survey
from store.night import find_folder
from store.path import StorePath


@dataclass(frozen=True)
class FoundNight:
    """A night that was asked for."""

    survey: str
    night: str
    folder: StorePath | None
    """None where the store has no such night."""

    filters: Mapping[str, Filter]
    """Filters that run."""

    catalogue: Mapping[str, Filter]
    """All filters of the survey that are on, or were asked for."""

    broken: Mapping[str, str]
    """Filters that were to run and cannot be loaded, and why."""

    generation: int | None = None
    """Generation that was asked for; by default each topic keeps its own."""


def find_night(  # noqa: PLR0913 - what a run can ask for
    settings: Settings,
    *,
    survey: str,
    night: str,
    names: Sequence[str] | None = None,
    generation: int | None = None,
    must_exist: bool = True,
) -> FoundNight:
    """Find the folder of a night, and the filters by their names.

    Parameters
    ----------
    night
        The date of the morning on which it ends, YYYYMMDD.
    names
        Filters to run, also those that are off; by default all of the survey that are
        on.
    generation
        Number under which to send again what was sent; by default nothing is.
    must_exist
        Whether a night without a folder is an error. By schedule it is not: clouds are
        no failure.

    Raises
    ------
    NothingThereError
        The store has no such night, or the survey no such filter.
    StoreUnavailableError
        There is no store.
    SettingsError
        What was given is not a night, or a setting names a filter that is none.
    """
    check_survey(survey)
    check_night(night)
    _check_columns(settings)
    catalogue = load_catalogue(survey)
    for name in names or ():
        if name not in catalogue.filters and name not in catalogue.broken:
            raise NothingThereError(
                f"There is no filter {name} of {survey}; there are"
                f" {', '.join(catalogue.filters)}."
            )
    also = {*settings.filters.also, *(names or ())}
    running = choose_filters(catalogue, also=also)
    return FoundNight(
        survey=survey,
        night=night,
        folder=_folder(settings, survey, night, must_exist=must_exist),
        filters={n: f for n, f in running.items() if not names or n in names},
        catalogue=running,
        broken={n: w for n, w in catalogue.broken.items() if not names or n in names},
        generation=generation,
    )


def _check_columns(settings: Settings) -> None:
    """Refuse to send cutouts because a name was mistyped."""
    wanted = settings.topics.without_cutouts
    if not wanted:
        return
    catalogues = [load_catalogue(survey) for survey in SURVEYS]
    known = {name for one in catalogues for name in (*one.filters, *one.broken)}
    for name in wanted:
        if name not in known:
            raise SettingsError(
                f"topics.without_cutouts: there is no filter {name}; there are"
                f" {', '.join(sorted(known))}."
            )


def _folder(
    settings: Settings, survey: str, night: str, *, must_exist: bool
) -> StorePath | None:
    try:
        return find_folder(StorePath(settings.store_uri(survey)), night)
    except NothingThereError:
        if must_exist:
            raise
        return None
