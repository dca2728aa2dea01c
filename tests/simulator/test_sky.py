"""Coordinates are those that others compute."""

import numpy as np
from astropy import units as u
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord

from simulator.sky import draw_pointings, draw_positions, ecliptic, galactic
from simulator.times import SITES


def test_galactic_and_ecliptic_agree_with_astropy(rng: np.random.Generator) -> None:
    """Longitudes and latitudes differ by less than 10 arcsec from astropy's."""
    ra, dec = rng.uniform(0, 360, 200), rng.uniform(-85, 85, 200)
    place = SkyCoord(ra, dec, unit="deg")
    on_ecliptic = place.transform_to(BarycentricMeanEcliptic(equinox="J2000"))

    ours = SkyCoord(*galactic(ra, dec), unit="deg", frame="galactic")
    longitude, latitude = ecliptic(ra, dec)

    assert ours.separation(place).max() < 10 * u.arcsec
    assert np.abs(latitude - on_ecliptic.lat.deg).max() < 10 / 3600
    turn = (longitude - on_ecliptic.lon.deg + 180) % 360 - 180
    assert np.abs(turn * np.cos(np.radians(latitude))).max() < 10 / 3600


def test_most_fields_are_off_the_milky_way(rng: np.random.Generator) -> None:
    """Every fourth field lies near the ecliptic, most others off the Galaxy's plane."""
    ra, dec = draw_pointings(SITES["ztf"], np.linspace(61100, 61160, 400), rng)

    near = np.abs(ecliptic(ra[::4], dec[::4])[1])
    others = np.arange(len(ra)) % 4 != 0

    assert (near < 15).mean() > 0.9
    assert (np.abs(galactic(ra, dec)[1][others]) > 20).mean() > 0.8
    assert dec.min() >= -25
    assert dec.max() <= 75


def test_right_ascension_wraps(rng: np.random.Generator) -> None:
    """Places around a field at 0° have right ascensions from 0 to below 360."""
    ra, dec = draw_positions(np.zeros(500), np.full(500, 70.0), 3, rng)

    centre = SkyCoord(0, 70, unit="deg")
    assert ra.min() >= 0
    assert ra.max() < 360
    assert SkyCoord(ra, dec, unit="deg").separation(centre).max() < 3.6 * u.deg
