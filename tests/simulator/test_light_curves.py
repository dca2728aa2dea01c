"""Light curves go as those of their kind do."""

import numpy as np
import pytest

from simulator.arrays import Floats
from simulator.classes import Kind
from simulator.light_curves import Curves, draw_curves, relative_flux

DAYS = np.arange(-60.0, 61.0)[None, :]
"""Two months before and after the reference epoch."""


def curve(kind: Kind, age: float = 60.0, seed: int = 7) -> Floats:
    """Flux of one object in a middle band, by day."""
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = draw_curves(np.array([kind]), 0.5, rng)
    curves = Curves(**(vars(drawn) | {"age": np.array([age])}))
    flux: Floats = relative_flux(curves, DAYS, np.zeros_like(DAYS), rng)[0]
    return flux


def test_a_supernova_rises_in_weeks_and_falls_in_months() -> None:
    """It is dark before the explosion, peaks 2 to 3 weeks later, then only fades."""
    flux = curve(Kind.SUPERNOVA, age=60)

    peak = int(np.argmax(flux))
    assert 15 <= peak <= 22
    assert (np.diff(flux[1:peak]) > 0).all()
    assert (np.diff(flux[peak:]) < 0).all()
    assert flux[0] == 0


def test_a_kilonova_fades_by_most_of_a_magnitude_a_day() -> None:
    """After its first day it fades by 0.5 to 1 mag/d."""
    flux = curve(Kind.KILONOVA, age=1)

    rates = -2.5 * np.diff(np.log10(flux[61:70]))
    assert rates.min() > 0.5
    assert rates.max() < 1


def test_a_variable_star_repeats() -> None:
    """A period later its flux is the same."""
    rng = np.random.Generator(np.random.PCG64(7))
    curves = draw_curves(np.full(50, Kind.VARIABLE), 0.5, rng)
    days = np.concatenate([-curves.period[:, None], np.zeros((50, 1))], axis=1)

    flux = relative_flux(curves, days, np.zeros_like(days), rng)

    assert flux == pytest.approx(np.ones_like(flux))


def test_an_active_galaxy_wanders_the_farther_the_longer() -> None:
    """Its scatter grows with the time before the alert."""
    fluxes = np.stack([curve(Kind.AGN, seed=seed) for seed in range(200)])

    month, day = fluxes[:, 30].std(), fluxes[:, -2].std()
    assert month > 3 * day > 0


def test_a_lens_is_symmetric_and_achromatic() -> None:
    """A lensed star is brightest at one time, in blue and red alike."""
    rng = np.random.Generator(np.random.PCG64(7))
    curves = draw_curves(np.array([Kind.MICROLENSING]), 0.5, rng)
    blue, red = (
        relative_flux(curves, DAYS, np.full_like(DAYS, colour), rng)[0]
        for colour in (-1, 1)
    )

    assert blue == pytest.approx(red)
    assert blue == pytest.approx(blue[::-1])
    assert np.argmax(blue) == 60


@pytest.mark.parametrize("kind", Kind)
def test_the_reference_epoch_is_one(kind: Kind) -> None:
    """Every kind has a flux of 1 at the reference epoch."""
    assert curve(kind)[60 if kind != Kind.AGN else -1] == pytest.approx(1)
