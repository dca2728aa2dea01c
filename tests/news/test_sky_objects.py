"""Objects of a night come from the archive, each once, the rarest classes first."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from archive.totals import Summary
from news.sky_objects import CSV_HEAD, read_objects, to_csv
from settings.errors import NightError
from tests.conftest import REAL_NIGHTS
from tests.news.archived import archive_real_night


def picks(summary: Summary) -> dict[str, frozenset[str]]:
    """Pick everything that a night has."""
    return {topic.filter: frozenset(topic.classes) for topic in summary.topics}


@pytest.mark.parametrize(("survey", "night"), REAL_NIGHTS)
def test_objects_of_a_real_night(
    shared_data: Path, tmp_path: Path, survey: str, night: str
) -> None:
    """As many alerts as were kept, in the sky, the classes by their size."""
    also = ("everything",)
    summary = archive_real_night(tmp_path, shared_data, survey, night, also=also)

    objects = read_objects(tmp_path, survey, night, picks(summary))

    assert sum(one.alerts for one in objects) == summary.kept
    assert len({one.name for one in objects}) == len(objects)
    assert all(0 <= one.ra < 360 and -90 <= one.dec <= 90 for one in objects)
    assert all(one.magnitude is None or 10 < one.magnitude < 28 for one in objects)
    assert {one.band for one in objects} <= set("ugrizy")
    sizes = Counter(one.label for one in objects)
    order = [sizes[one.label] for one in objects]
    assert order == sorted(order)
    is_solar_system = [one.label == "Solar System" for one in objects]
    assert [one.page is None for one in objects] == is_solar_system


def test_only_what_is_picked(shared_data: Path, tmp_path: Path) -> None:
    """Of one filter, one class."""
    summary = archive_real_night(tmp_path, shared_data, "ztf", "20260301")
    wanted = {"sn_candidates": frozenset({"SN candidate"})}

    objects = read_objects(tmp_path, "ztf", "20260301", wanted)

    sn = next(t for t in summary.topics if t.filter == "sn_candidates")
    assert sum(one.alerts for one in objects) == sn.classes["SN candidate"]
    assert {one.filters for one in objects} == {("sn_candidates",)}


def test_the_table_has_them_all(shared_data: Path, tmp_path: Path) -> None:
    """A row an object, with its page; of one without, the cell is empty."""
    summary = archive_real_night(tmp_path, shared_data, "lsst", "20260310")
    objects = read_objects(tmp_path, "lsst", "20260310", picks(summary))

    table = to_csv(objects, "https://lsst.example.org/{object}").decode()

    head, *rows = csv.reader(io.StringIO(table))
    assert tuple(head) == CSV_HEAD
    assert [row[0] for row in rows] == [one.name for one in objects]
    assert rows[0][-1] == f"https://lsst.example.org/{objects[0].name}"
    assert rows[-1][-1] == ""


def test_no_archive_has_no_objects(tmp_path: Path) -> None:
    """Before the first night there is nothing, and nothing is wrong."""
    with pytest.raises(NightError, match="cannot be read from the archive"):
        read_objects(tmp_path, "ztf", "20260301", {"a": frozenset({"b"})})
