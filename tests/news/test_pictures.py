"""Pictures of a night are made, of real alerts too, and show what they say."""

import io
from pathlib import Path

import numpy as np
import pytest

from archive.totals import Summary
from news import figure
from news.contact_sheet import MAX_PORTRAITS, choose_portraits, draw_contact_sheet
from news.light_curves import read_portraits
from news.pictures import attach
from news.sky_map import draw_sky_map
from news.sky_objects import read_objects
from tests.conftest import REAL_NIGHTS
from tests.news.archived import archive_real_night
from tests.news.conftest import sky_object
from tests.news.test_sky_objects import picks

image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")


def pixels(png: bytes) -> np.ndarray:
    """Read a picture, colours from 0 to 1."""
    return np.asarray(image.imread(io.BytesIO(png), format="png"))[..., :3]


@pytest.mark.parametrize(("survey", "night"), REAL_NIGHTS)
def test_pictures_of_a_real_night(
    shared_data: Path, tmp_path: Path, survey: str, night: str
) -> None:
    """A table, a map and a sheet, each of a sensible size; the same the second time."""
    also = ("everything",)
    summary = archive_real_night(tmp_path, shared_data, survey, night, also=also)
    objects = read_objects(tmp_path, survey, night, picks(summary))

    made = list(attach(tmp_path, summary, objects, b"object\n"))

    names = [f"{survey}_{night}_{what}" for what in ("objects", "sky", "light_curves")]
    assert [one.name for one in made] == names
    assert [one.ending for one in made] == ["csv", "png", "png"]
    for one in made[1:]:
        shown = pixels(one.data)
        assert min(shown.shape[:2]) > 500
        assert len(one.data) < 2_000_000
        assert 0.5 < shown.mean() < 0.995
    assert [one.data for one in attach(tmp_path, summary, objects, b"object\n")] == [
        one.data for one in made
    ]


def test_right_ascension_grows_to_the_left() -> None:
    """An object at 2 h is left of the middle, and one at 22 h right of it."""
    middles = []
    for ra in (30.0, 330.0):
        one = sky_object(1)
        moved = type(one)(**(vars(one) | {"ra": ra, "dec": 45.0}))
        shown = pixels(draw_sky_map([moved], "A night"))
        blue = np.abs(shown[150:650] - (0, 0.45, 0.7)).sum(axis=2) < 0.25
        middles.append(np.flatnonzero(blue.any(axis=0)).mean() / shown.shape[1])

    assert middles[0] < 0.47
    assert middles[1] > 0.53


def test_every_class_has_its_turn() -> None:
    """The sheet has the first of each class before the second of any."""
    many = [sky_object(i, "many") for i in range(40)]
    objects = [
        sky_object(90, "one"),
        sky_object(91, "two"),
        sky_object(92, "two"),
        *many,
    ]

    chosen = choose_portraits(objects)

    labels = [one.label for one in chosen]
    assert labels == ["one", "two", "two", *["many"] * 9]
    assert len(chosen) == MAX_PORTRAITS


def test_an_object_without_a_portrait_is_an_empty_cell() -> None:
    """Nothing but its name is shown."""
    png = draw_contact_sheet([sky_object(1)], {}, "A night", total=1)

    assert pixels(png).min() < 0.3


def test_a_light_curve_has_the_alert_and_what_came_before(
    shared_data: Path, tmp_path: Path
) -> None:
    """Its last point is the alert; limits are no detections."""
    also = ("everything",)
    summary = archive_real_night(tmp_path, shared_data, "ztf", "20260301", also=also)
    objects = read_objects(tmp_path, "ztf", "20260301", picks(summary))

    portraits = read_portraits(
        tmp_path, "ztf", "20260301", [one.alert_id for one in objects]
    )

    assert set(portraits) == {one.alert_id for one in objects}
    for one in objects:
        portrait = portraits[one.alert_id]
        curve = portrait.light_curve
        assert curve.mjd.max() == portrait.mjd == one.mjd
        assert curve.magnitude[-1] == pytest.approx(one.magnitude)
        assert not curve.is_limit[-1]
        assert curve.is_brighter[-1] == one.is_brighter
        assert {curve.band[-1]} == {one.band}
        assert all(stamp is not None for stamp in portrait.stamps)


def test_without_matplotlib_there_is_only_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, summary: Summary
) -> None:
    """It is an extra, and a night does not need it."""
    monkeypatch.setattr(figure, "find_spec", lambda _: None)

    made = list(attach(tmp_path, summary, [sky_object(1)], b"object\n"))

    assert [one.ending for one in made] == ["csv"]
    assert not figure.can_draw()
