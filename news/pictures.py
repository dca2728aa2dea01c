"""The files of a night's thread: its table, and its pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.totals import Summary
from news.contact_sheet import choose_portraits, draw_contact_sheet
from news.figure import can_draw
from news.light_curves import read_portraits
from news.sky_map import draw_sky_map
from news.sky_objects import SkyObject

NO_PICTURES = (
    "No pictures: matplotlib is not installed; pip install 'nightmail[plot]' brings it."
)
"""What is said where nothing can be drawn."""


@dataclass(frozen=True)
class Attachment:
    """A file of the thread."""

    name: str
    """Without its ending, the same for the same thing of the same night."""

    ending: str
    """`csv` or `png`."""

    title: str
    """Shown above it."""

    data: bytes
    """Its content."""


def attach(
    root: Path, summary: Summary, objects: Sequence[SkyObject], table: bytes
) -> Iterator[Attachment]:
    """Make the table's file, the sky map, and the sheet of light curves and stamps.

    Parameters
    ----------
    root
        Folder of the archive, of all surveys.
    summary
        The night.
    objects
        What to draw, in the order of the table.
    table
        Complete table as CSV; empty for none.

    Raises
    ------
    NightError
        The archive cannot be read.
    """
    night = f"{summary.survey.upper()} night {summary.night}"
    name = f"{summary.survey}_{summary.night}"
    if table:
        yield Attachment(f"{name}_objects", "csv", f"{night}: objects", table)
    if not objects or not can_draw():
        return
    picture = draw_sky_map(objects, night)
    yield Attachment(f"{name}_sky", "png", f"{night}: sky map", picture)
    chosen = choose_portraits(objects)
    ids = [one.alert_id for one in chosen]
    portraits = read_portraits(root, summary.survey, summary.night, ids)
    sheet = draw_contact_sheet(chosen, portraits, night, total=len(objects))
    title = f"{night}: light curves and stamps"
    yield Attachment(f"{name}_light_curves", "png", title, sheet)
