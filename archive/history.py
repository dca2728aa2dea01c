"""The nights before one, as their summaries tell of them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from archive.disk import refusals_explained
from archive.summary import Summary, read_summary, summary_file
from settings.errors import NightError

NIGHTS = 14
"""Nights that one is compared with: half a lunation, so that there are enough of
them and the sky is still much the same."""

LOOK_BACK = 60
"""Nights that are looked at for so many that count."""


def read_history(
    root: Path, survey: str, night: str, *, most: int = NIGHTS
) -> tuple[Summary, ...]:
    """Read the summaries of the complete nights before one.

    Parameters
    ----------
    root
        Folder of the archive, of all surveys.
    survey
        `ztf` or `lsst`.
    night
        The night before which they are, YYYYMMDD.
    most
        How many at most.

    Returns
    -------
    tuple of Summary
        Newest first. A night that failed, is partial, had no alerts or has a summary
        that cannot be read says nothing of what is usual, and is passed over.

    Raises
    ------
    ArchiveUnavailableError
        The folder cannot be read.
    """
    folder = summary_file(root, survey, night).parent
    with refusals_explained(folder):
        names = [file.stem for file in folder.glob(f"{'[0-9]' * 8}.json")]
        before = sorted((name for name in names if name < night), reverse=True)
        return tuple(islice(_complete(root, survey, before[:LOOK_BACK]), most))


def _complete(root: Path, survey: str, nights: list[str]) -> Iterator[Summary]:
    for night in nights:
        try:
            summary = read_summary(root, survey, night)
        except NightError:
            continue
        if summary and summary.status == "complete" and summary.alerts:
            yield summary
