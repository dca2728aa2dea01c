"""The visits of one file: when, where, and in which band the telescope looked."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Floats, Ints
from simulator.sky import draw_pointings
from simulator.times import SITES, observing_hours

SPACING = 40 / 86400
"""Shortest time from one visit to the next [d]."""

MOST_VISITS = 24
"""How many visits a file has at most, so that alerts come in groups."""


@dataclass(frozen=True)
class Instrument:
    """How a survey looks at the sky."""

    bands: tuple[str, ...]
    """Names of its bands, as its alerts write them."""

    shares: tuple[float, ...]
    """How often each is used."""

    depths: tuple[float, ...]
    """5σ limit of one visit in each band [AB mag]."""

    colours: tuple[float, ...]
    """Where each stands: −1 bluest, 1 reddest."""

    history: float
    """How far back an alert's history goes [d]."""

    returns: int
    """In how many nights of that time a place is looked at, at most."""

    radius: float
    """Of its field of view [deg]."""

    detectors: int
    """How many the camera has."""

    brightness: float
    """How much brighter than the limit alerts are on average [mag]."""

    youth: float
    """Share of its supernovae that are at most twelve days old."""


INSTRUMENTS = {
    "ztf": Instrument(
        bands=("g", "r"),
        shares=(0.45, 0.55),
        depths=(20.4, 20.3),
        colours=(-0.5, 0.5),
        history=30,
        returns=12,
        radius=3.4,
        detectors=64,
        brightness=0.9,
        youth=0.5,
    ),
    "lsst": Instrument(
        bands=("u", "g", "r", "i", "z", "y"),
        shares=(0.05, 0.18, 0.27, 0.25, 0.17, 0.08),
        depths=(23.2, 24.1, 23.8, 23.3, 22.7, 21.9),
        colours=(-1, -0.6, -0.2, 0.2, 0.6, 1),
        history=60,
        returns=14,
        radius=1.7,
        detectors=189,
        brightness=1.5,
        youth=0.7,
    ),
}
"""ZTF (Bellm et al. 2019, PASP 131, 018002), LSST (Ivezić et al. 2019, ApJ 873, 111).

Depths are a little less than theirs, as those of difference images are.
"""


@dataclass(frozen=True)
class Visits:
    """The visits of one file, in the order of time.

    The second half repeats the pointings of the first.
    """

    mjd: Floats
    """Middle of each [d, UTC], shape (n,)."""

    number: Ints
    """Its number within the night, from 1; different in every file."""

    ra: Floats
    """Centre of the field, ICRS [deg]."""

    dec: Floats
    """Centre of the field, ICRS [deg]."""

    band: Ints
    """Index into the instrument's bands."""

    field: Ints
    """Number of the field."""

    pointings: int
    """How many different ones there are: the first so many visits."""


def plan_visits(
    survey: str, night: str, share: tuple[int, int], rng: np.random.Generator
) -> Visits:
    """Draw the visits of one file of a night.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    night
        Its name, YYYYMMDD.
    share
        Which file it is, from 0, of how many; each covers its part of the night.
    rng
        Where the draws come from.
    """
    instrument = INSTRUMENTS[survey]
    part, parts = share
    opens, closes = observing_hours(survey, night)
    length = (closes - opens) / parts
    count = count_visits(length)
    mjd = opens + length * (part + (np.arange(count) + 0.5) / count)
    pointings = max(1, count // 2)
    ra, dec = draw_pointings(SITES[survey], mjd[:pointings], rng)
    field = rng.integers(246, 880, pointings)
    repeat = np.arange(count) % pointings
    band = rng.choice(len(instrument.bands), size=count, p=instrument.shares)
    number = part * count + np.arange(count) + 1
    return Visits(mjd, number, ra[repeat], dec[repeat], band, field[repeat], pointings)


def count_visits(length: float) -> int:
    """How many visits a file has that covers so much of a night [d]: one, or even."""
    return max(1, min(MOST_VISITS, int(length / SPACING)) // 2 * 2)
