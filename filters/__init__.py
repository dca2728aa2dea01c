"""Science: one filter a file, columns in, one bool per alert out."""

from nightmail import Filter
from nightmail.discovery import Catalogue, read_catalogue
from settings.errors import NothingThereError
from settings.names import SURVEYS

__all__ = ["Catalogue", "load_catalogue", "load_filters"]


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


def load_filters(survey: str) -> dict[str, Filter]:
    """Find the filters of a survey that can be read, sorted by name.

    Raises
    ------
    NothingThereError
        There is no such survey.
    """
    return load_catalogue(survey).filters
