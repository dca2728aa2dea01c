"""The files of a night in the science store."""

from collections.abc import Iterator
from pathlib import Path

from settings.errors import NothingThereError, StoreUnavailableError

SPARK_LOG = "_spark_metadata"
"""Folder in which a streaming Spark writer says which files count."""


def find_folder(root: Path, night: str) -> Path:
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
        if folder.is_dir():
            return folder
    if not root.is_dir():
        raise StoreUnavailableError(
            f"There is no science store at {root}; set store.uri to the folder that"
            " holds science/<night>."
        )
    nights = sorted(list_nights(root))
    there = f"it has {nights[0]} to {nights[-1]}" if nights else "it has no night"
    raise NothingThereError(f"There is no night {night} in {root}: {there}.")


def list_nights(root: Path) -> Iterator[str]:
    """Yield the names of the nights that a store has, in no order."""
    science = root / "science"
    for folder in science.glob("[0-9]" * 8):
        yield folder.name
    for folder in science.glob("year=*/month=*/day=*"):
        year, month, day = (p.partition("=")[2] for p in folder.parts[-3:])
        yield f"{year}{month}{day}"


def list_files(folder: Path) -> tuple[str, ...]:
    """List the Parquet files of a night's folder.

    Files and folders that begin with `_` or `.` do not count, as everywhere in the
    field.

    Returns
    -------
    tuple of str
        Paths relative to the folder, sorted.
    """
    return tuple(
        sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*.parquet")
            if path.is_file() and _is_visible(path.relative_to(folder))
        )
    )


def is_streamed(folder: Path) -> bool:
    """Tell whether a streaming Spark job wrote this folder."""
    return (folder / SPARK_LOG).is_dir()


def _is_visible(path: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.parts)
