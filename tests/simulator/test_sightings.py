"""Alerts of one object tell one story."""

from collections.abc import Callable

import numpy as np
import pytest

from simulator.classes import SHARES, Kind
from simulator.sightings import Sightings, flux_of, magnitude

Sight = Callable[..., Sightings]


@pytest.mark.parametrize("survey", SHARES)
def test_kinds_are_as_frequent_as_they_should_be(survey: str, sight: Sight) -> None:
    """Each kind has its share of the night, to a percent of the alerts."""
    kinds = sight(survey, 4000).kind

    shares = np.bincount(kinds, minlength=len(Kind)) / len(kinds)
    assert shares == pytest.approx(SHARES[survey], abs=0.02)


@pytest.mark.parametrize("survey", SHARES)
def test_every_alert_is_detected(survey: str, sight: Sight) -> None:
    """An alert is brighter than five standard errors; histories go back in time."""
    drawn = sight(survey)

    assert drawn.detected[:, -1].all()
    assert (np.diff(drawn.mjd, axis=1) >= 0).all()
    assert (
        drawn.mjd[drawn.earlier]
        < np.repeat(drawn.mjd[:, -1], drawn.earlier.sum(axis=1))
    ).all()


def test_a_second_alert_has_the_first_in_its_history(sight: Sight) -> None:
    """Of two alerts of a night, the later one's history is the earlier one's and it."""
    drawn = sight()
    later = np.flatnonzero(drawn.earlier[:, -2])

    first = drawn.first[later]
    assert len(later) > 100
    assert (drawn.serial[first] == drawn.serial[later]).all()
    assert np.array_equal(drawn.flux[later, -2], drawn.flux[first, -1])
    assert np.array_equal(drawn.counter[later, -2], drawn.counter[first, -1])
    assert np.array_equal(drawn.flux[later, :-2], drawn.flux[first, :-2])
    assert np.array_equal(drawn.earlier[later, :-2], drawn.earlier[first, :-2])
    assert np.array_equal(drawn.ra[later], drawn.ra[first])
    assert (drawn.mjd[later, -1] > drawn.mjd[first, -1]).all()


def test_what_moves_was_not_there_before(sight: Sight) -> None:
    """A solar-system object has no earlier detection."""
    drawn = sight("lsst")

    assert not drawn.history[drawn.kind == Kind.SOLAR_SYSTEM].any()


def test_alerts_of_a_visit_and_detector_are_numbered(sight: Sight) -> None:
    """No two alerts share visit, detector and counter."""
    drawn = sight("lsst", 6000)

    seen = np.stack([drawn.number[:, -1], drawn.detector, drawn.counter[:, -1]])
    assert len(np.unique(seen, axis=1).T) == 6000


def test_some_objects_are_new(sight: Sight) -> None:
    """A few objects lie where the telescope never looked before."""
    unseen = (~sight().earlier.any(axis=1)).mean()

    assert 0.02 < unseen < 0.1


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_alerts_can_be_drawn(rows: int, sight: Sight) -> None:
    """A night of one alert is a night."""
    assert len(sight("ztf", rows).kind) == rows


def test_magnitudes_and_fluxes_are_ab() -> None:
    """3631 Jy have magnitude 0, and a flux comes back from its magnitude."""
    assert magnitude(np.array([3631e9])) == pytest.approx([0], abs=1e-3)
    assert flux_of(magnitude(np.array([250.0]))) == pytest.approx([250])
