"""Where the telescope points, and where on the sky that is."""

import numpy as np

from simulator.arrays import Floats
from simulator.times import JD_OF_MJD, Site

OBLIQUITY = np.radians(23.4393)
"""Tilt of the ecliptic, J2000 [rad]."""

GALACTIC_POLE = np.radians((192.85948, 27.12825))
"""Right ascension and declination of the Galaxy's north pole, ICRS [rad]."""

POLE_LONGITUDE = np.radians(122.93192)
"""Galactic longitude of the celestial north pole [rad]."""

FAR_LATITUDE = 25.0
"""How far from the Galaxy's plane most pointings are [deg]."""

TRIES = 16
"""How often a pointing is drawn to find one far from the Milky Way."""

PLANE_SHARE = 0.15
"""Share of the pointings that may lie in the Milky Way."""


def draw_pointings(
    site: Site, mjd: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the centres of the fields that a telescope visits.

    Every fourth, from the first, lies near the ecliptic; most others more than 25
    degrees from the Galaxy's plane.

    Parameters
    ----------
    site
        Where it stands.
    mjd
        When it points there, shape (n,) [d, UTC].
    rng
        Where the draws come from.

    Returns
    -------
    ra, dec
        Centres, ICRS, shape (n,) [deg].
    """
    size = (TRIES, len(mjd))
    sidereal = 280.46062 + 360.98564737 * (mjd + JD_OF_MJD - 2451545) + site.longitude
    ra = (sidereal + rng.uniform(-45, 45, size)) % 360
    low, high = np.sin(np.radians(site.declinations))
    dec = np.degrees(np.arcsin(rng.uniform(low, high, size)))
    far = np.abs(galactic(ra, dec)[1]) > FAR_LATITUDE
    far[0] |= rng.random(len(mjd)) < PLANE_SHARE
    chosen = np.argmax(far, axis=0), np.arange(len(mjd))
    ra, dec = ra[chosen], dec[chosen]
    ecliptic = np.degrees(np.arctan(np.tan(OBLIQUITY) * np.sin(np.radians(ra))))
    near = ecliptic + rng.uniform(-8, 8, len(mjd))
    dec = np.where(np.arange(len(mjd)) % 4 == 0, near, dec)
    return ra, np.clip(dec, *site.declinations)


def draw_positions(
    ra: Floats, dec: Floats, radius: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw places in the fields around the given centres.

    Parameters
    ----------
    ra, dec
        Centres, ICRS, shape (n,) [deg].
    radius
        How far from the centre they may lie [deg].
    rng
        Where the draws come from.

    Returns
    -------
    ra, dec
        Places, ICRS [deg]; right ascension from 0 to below 360.
    """
    distance = radius * np.sqrt(rng.random(len(ra)))
    angle = rng.uniform(0, 2 * np.pi, len(ra))
    there = np.clip(dec + distance * np.sin(angle), -89, 89)
    return (ra + distance * np.cos(angle) / np.cos(np.radians(there))) % 360, there


def galactic(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    """Galactic longitude and latitude [deg] of ICRS coordinates [deg]."""
    pole_ra, pole_dec = GALACTIC_POLE
    hour, height = np.radians(ra) - pole_ra, np.radians(dec)
    sine = np.sin(height) * np.sin(pole_dec)
    sine += np.cos(height) * np.cos(pole_dec) * np.cos(hour)
    east = np.cos(height) * np.sin(hour)
    north = np.sin(height) * np.cos(pole_dec)
    north -= np.cos(height) * np.sin(pole_dec) * np.cos(hour)
    longitude = np.degrees(POLE_LONGITUDE - np.arctan2(east, north)) % 360
    return longitude, np.degrees(np.arcsin(sine))


def ecliptic(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    """Ecliptic longitude and latitude, J2000 [deg], of ICRS coordinates [deg]."""
    alpha, delta = np.radians(ra), np.radians(dec)
    sine = np.sin(delta) * np.cos(OBLIQUITY)
    sine -= np.cos(delta) * np.sin(OBLIQUITY) * np.sin(alpha)
    along = np.sin(alpha) * np.cos(OBLIQUITY) + np.tan(delta) * np.sin(OBLIQUITY)
    longitude = np.degrees(np.arctan2(along, np.cos(alpha))) % 360
    return longitude, np.degrees(np.arcsin(sine))
