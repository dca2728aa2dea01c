"""The files of a night in the science store."""

import re
from collections.abc import Iterator

from settings.errors import NothingThereError, StoreUnavailableError
from store.path import StorePath

SPARK_LOG = "_spark_metadata"
"""Folder in which a streaming Spark writer says which files count."""

ONLINE_NIGHT = re.compile(r"\d{8}")
"""Name of a night's folder in the online layout."""


def find_folder(root: StorePath, night: str) -> StorePath:
    """Find the folder of a night, in the online or in the aggregated layout.

    Parameters
    ----------
    root
        The science store of one survey.
    night
        Name of the night, YYYYMMDD.

    Raises
    ------
    NothingThereError
        The store has no such night.
    StoreUnavailableError
        The store itself is not there.
    """
    science = root / "science"
    online = science / night
    aggregated = (
        science / f"year={night[:4]}" / f"month={night[4:6]}" / f"day={night[6:]}"
    )
    for folder in (online, aggregated):
        if folder.is_folder():
            return folder
    check_store(root)
    nights = sorted(list_nights(root))
    there = f"it has {nights[0]} to {nights[-1]}" if nights else "it has no night"
    raise NothingThereError(f"There is no night {night} in {root}: {there}.")


def check_store(root: StorePath) -> None:
    """Check that there is a store.

    Raises
    ------
    StoreUnavailableError
        There is none, or its file system does not answer.
    """
    if not root.is_folder():
        raise StoreUnavailableError(
            f"There is no science store at {root}; set store.uri to the folder that"
            " holds science/<night>."
        )


def list_nights(root: StorePath) -> Iterator[str]:
    """Yield the names of the nights that a store has, in no order."""
    science = root / "science"
    years = []
    for name in science.folders():
        if ONLINE_NIGHT.fullmatch(name):
            yield name
        elif name.startswith("year="):
            years.append(name)
    for year in years:
        for month in _parts(science / year, "month="):
            for day in _parts(science / year / month, "day="):
                yield "".join(p.partition("=")[2] for p in (year, month, day))


def list_files(folder: StorePath, kind: str = "parquet") -> tuple[str, ...]:
    """List the files of a night's folder.

    Files and folders that begin with `_` or `.` do not count, as everywhere in the
    field.

    Parameters
    ----------
    kind
        Ending of their names.

    Returns
    -------
    tuple of str
        Paths relative to the folder, sorted.
    """
    return tuple(
        name
        for name in folder.files()
        if name.endswith(f".{kind}") and _is_visible(name)
    )


def is_streamed(folder: StorePath) -> bool:
    """Tell whether a streaming Spark job wrote this folder."""
    return (folder / SPARK_LOG).is_folder()


def _parts(folder: StorePath, beginning: str) -> list[str]:
    return [name for name in folder.folders() if name.startswith(beginning)]


def _is_visible(name: str) -> bool:
    return not any(part.startswith(("_", ".")) for part in name.split("/"))
