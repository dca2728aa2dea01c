"""Science: one filter a file, columns in, one bool per alert out."""

from collections.abc import Collection

from nightmail import Filter
from nightmail.discovery import Catalogue, read_catalogue
from settings.errors import NothingThereError, SettingsError
from settings.names import SURVEYS

__all__ = ["Catalogue", "choose_filters", "load_catalogue", "load_filters"]


def load_catalogue(survey: str) -> Catalogue:
    """Find the filters of a survey: those of its folder here, and those of plug-ins.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.

    Returns
    -------
    Catalogue
        The filters by name, and what could not be read.

    Raises
    ------
    NothingThereError
        There is no such survey.
    """
    if survey not in SURVEYS:
        known = " and ".join(SURVEYS)
        raise NothingThereError(f"There is no survey {survey}; the ones are {known}.")
    return read_catalogue(f"filters.{survey}", survey)


def choose_filters(
    catalogue: Catalogue, *, also: Collection[str] = ()
) -> dict[str, Filter]:
    """Choose the filters that run where none is asked for.

    Parameters
    ----------
    catalogue
        Of one survey.
    also
        Filters that are off by default and shall run; of any survey.

    Raises
    ------
    SettingsError
        One of `also` is no filter of any survey.
    """
    for name in also:
        if name in catalogue.filters or name in catalogue.broken:
            continue
        if not any(name in load_filters(survey) for survey in SURVEYS):
            raise SettingsError(
                f"filters.also names {name}, and there is no such filter:"
                " docs/filters.md lists those that there are."
            )
    return {
        name: one
        for name, one in catalogue.filters.items()
        if one.on_by_default or name in also
    }


def load_filters(survey: str) -> dict[str, Filter]:
    """Find the filters of a survey that can be read, sorted by name, off ones too.

    Raises
    ------
    NothingThereError
        There is no such survey.
    """
    return load_catalogue(survey).filters
