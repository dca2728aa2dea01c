"""The objects of one file, and each one's epochs until its alert."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from simulator.arrays import Array, Bools, Floats, Ints
from simulator.classes import Kind, draw_kinds
from simulator.light_curves import Curves, draw_curves, relative_flux
from simulator.sky import draw_positions
from simulator.visits import INSTRUMENTS, Instrument, Visits

ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""

LIMIT_SIGMA = 5.0
"""What is fainter than so many standard errors is not detected."""

DEPTH_SCATTER = 0.25
"""How much the depth differs from visit to visit [mag]."""

FAINTEST_MARGIN = 0.3
"""How much brighter than the limit the faintest alert is [mag]."""

BRIGHTEST_MARGIN = 5.0
"""How much brighter than the limit the brightest alert is [mag]."""

SECOND_SHARE = 0.12
"""Share of the alerts whose object has an earlier alert of the same night."""

NEGATIVE_SHARE = 0.35
"""Share of variable objects that are fainter than in the reference image."""

SKIPPED_SHARE = 0.2
"""Share of the past epochs that weather took."""

CROWDING = 2.0
"""Exponent by which past epochs crowd towards the night; 1 spreads them evenly."""

UNSEEN_SHARE = 0.06
"""Share of the objects in places where the telescope did not look before."""


@dataclass(frozen=True)
class Sightings:
    """The n alerts of one file in the order of time, each with m epochs.

    The last epoch is the alert; the one before it is the object's first alert of the
    night, where there is one.
    """

    kind: Ints
    """Members of `Kind`, shape (n,)."""

    serial: Ints
    """Number of the object within the file, shape (n,)."""

    age: Floats
    """Time since the explosion [d], shape (n,); of transients only."""

    ra: Floats
    """ICRS [deg], shape (n,)."""

    dec: Floats
    """ICRS [deg], shape (n,)."""

    field: Ints
    """Number of the field, shape (n,)."""

    detector: Ints
    """On which the object lies, shape (n,)."""

    mjd: Floats
    """Middle of each epoch [d, UTC], shape (n, m), increasing."""

    number: Ints
    """Number of the visit within its night, shape (n, m)."""

    counter: Ints
    """Number of the detection within visit and detector, shape (n, m)."""

    band: Ints
    """Index into the instrument's bands, shape (n, m)."""

    flux: Floats
    """Measured flux above the reference image [nJy], shape (n, m); may be negative."""

    error: Floats
    """Standard error of the flux [nJy], shape (n, m)."""

    earlier: Bools
    """bool, shape (n, m): the epoch was observed and lies before the alert."""

    @property
    def detected(self) -> Bools:
        """bool, shape (n, m): the object is in the image."""
        return np.abs(self.flux) >= LIMIT_SIGMA * self.error

    @property
    def first(self) -> Ints:
        """Index of the first alert of the same object, shape (n,); mostly its own."""
        _, first, back = np.unique(self.serial, return_index=True, return_inverse=True)
        return first[back]

    @property
    def history(self) -> Bools:
        """bool, shape (n, m): an earlier detection."""
        return self.earlier & self.detected

    @property
    def sources(self) -> Bools:
        """bool, shape (n, m): a detection, the alert's own among them."""
        sources = self.history
        sources[:, -1] = True
        return sources

    @property
    def first_source(self) -> Floats:
        """When each object was first detected [MJD], as far as the history goes."""
        first: Floats = np.where(self.sources, self.mjd, np.inf).min(axis=1)
        return first


Record = TypeVar("Record", Curves, Sightings)
"""A frozen dataclass of arrays with one row an object."""


def magnitude(flux: Floats) -> Floats:
    """AB magnitude of a flux's absolute value [nJy]; infinite where there is none."""
    with np.errstate(divide="ignore"):
        return ZERO_POINT - 2.5 * np.log10(np.abs(flux))


def flux_of(mag: Floats) -> Floats:
    """Flux [nJy] of an AB magnitude."""
    return 10 ** (0.4 * (ZERO_POINT - mag))


def draw_sightings(
    survey: str, visits: Visits, rows: int, rng: np.random.Generator
) -> Sightings:
    """Draw the alerts of one file.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    visits
        When and where the telescope looked.
    rows
        How many alerts there are.
    rng
        Where the draws come from.
    """
    instrument = INSTRUMENTS[survey]
    objects = _draw_objects(survey, visits, rows, rng)
    epochs = _draw_epochs(instrument, visits, objects, rng)
    curves = _taken(draw_curves(objects.kind, instrument.youth, rng), objects.owner)
    flux, error = _measure(instrument, curves, epochs, objects.owner, rng)
    measured = {"flux": flux, "error": error, **vars(epochs)}
    shared = {
        name: _with_shared_past(drawn, objects.owner)
        for name, drawn in measured.items()
        if name not in ("mjd", "earlier")
    }
    sightings = Sightings(
        kind=objects.kind,
        serial=objects.owner,
        age=curves.age + epochs.mjd[:, -1] - epochs.mjd[:, -2],
        ra=objects.ra,
        dec=objects.dec,
        field=visits.field[objects.visit],
        detector=objects.detector,
        mjd=epochs.mjd,
        earlier=epochs.earlier,
        **shared,
    )
    order = np.lexsort((epochs.counter[:, -1], objects.detector, objects.visit))
    return _taken(sightings, order)


@dataclass(frozen=True)
class _Objects:
    """What is the same at all epochs of each alert's object."""

    kind: Ints
    visit: Ints
    """Index of the visit of the alert."""
    owner: Ints
    """Index of the object's first alert of the night."""
    detector: Ints
    ra: Floats
    dec: Floats


@dataclass(frozen=True)
class _Epochs:
    """When and how each alert's object was looked at, as in `Sightings`."""

    mjd: Floats
    number: Ints
    counter: Ints
    band: Ints
    earlier: Bools


def _draw_objects(
    survey: str, visits: Visits, rows: int, rng: np.random.Generator
) -> _Objects:
    instrument = INSTRUMENTS[survey]
    kind = draw_kinds(survey, rows, rng)
    visit = rng.integers(0, len(visits.mjd), rows)
    on_ecliptic = np.flatnonzero(np.arange(visits.pointings) % 4 == 0)
    moving = kind == Kind.SOLAR_SYSTEM
    visit = np.where(moving, rng.choice(on_ecliptic, rows), visit)
    owner = _draw_owners(kind, visit, visits, rng)
    again = owner != np.arange(rows)
    visit = np.where(again, visit[owner] + visits.pointings, visit)
    ra, dec = draw_positions(
        visits.ra[visit], visits.dec[visit], instrument.radius, rng
    )
    detector = rng.integers(0, instrument.detectors, rows)
    return _Objects(kind[owner], visit, owner, detector[owner], ra[owner], dec[owner])


def _draw_owners(
    kind: Ints, visit: Ints, visits: Visits, rng: np.random.Generator
) -> Ints:
    """Index of the alert whose object each alert shows; mostly its own."""
    rows = len(kind)
    owner = np.arange(rows)
    if len(visits.mjd) == visits.pointings:
        return owner
    shuffled = rng.permutation(rows)
    wanted = int(SECOND_SHARE * rows)
    later, others = shuffled[:wanted], shuffled[wanted:]
    seen_once = np.isin(kind[others], (Kind.SOLAR_SYSTEM, Kind.BOGUS))
    first = others[~seen_once & (visit[others] < visits.pointings)][:wanted]
    owner[later[: len(first)]] = first
    return owner


def _draw_epochs(
    instrument: Instrument, visits: Visits, objects: _Objects, rng: np.random.Generator
) -> _Epochs:
    rows, owner = len(objects.kind), objects.owner
    first, last = objects.visit[owner], objects.visit
    past = _draw_past(instrument, visits.mjd[first], rng)[owner]
    shape = (rows, past.shape[1] + 2)
    mjd = np.column_stack([past, visits.mjd[first], visits.mjd[last]])
    chance = np.where(rng.random(rows) < UNSEEN_SHARE, 1, SKIPPED_SHARE)
    seen = (rng.random(shape) >= chance[:, None])[owner]
    seen[:, -2], seen[:, -1] = owner != np.arange(rows), False
    band = rng.choice(len(instrument.bands), size=shape, p=instrument.shares)
    band[:, -2], band[:, -1] = visits.band[first], visits.band[last]
    number = rng.integers(1, 800, shape)
    number[:, -2], number[:, -1] = visits.number[first], visits.number[last]
    counter = rng.integers(0, 150, shape)
    counter[:, -1] = _count(last * instrument.detectors + objects.detector)
    return _Epochs(mjd, number, counter, band, seen)


def _draw_past(
    instrument: Instrument, tonight: Floats, rng: np.random.Generator
) -> Floats:
    """Draw pairs of epochs in nights before, closer together towards this one."""
    size = (len(tonight), instrument.returns)
    back = 1 + np.floor(instrument.history * rng.random(size) ** CROWDING)
    first = tonight[:, None] - back + rng.uniform(-0.03, 0.03, size)
    second = first + rng.uniform(0.02, 0.04, size)
    return np.sort(np.concatenate([first, second], axis=1), axis=1)


def _measure(
    instrument: Instrument,
    curves: Curves,
    epochs: _Epochs,
    owner: Ints,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Flux and its standard error [nJy], shape (n, m); the alert's is above 5σ."""
    rows, band = len(curves.kind), epochs.band
    depth = np.array(instrument.depths)[band]
    limit = depth + DEPTH_SCATTER * rng.standard_normal(band.shape)
    error = flux_of(limit) / LIMIT_SIGMA
    margin = FAINTEST_MARGIN + rng.exponential(instrument.brightness, rows)
    peak = flux_of(limit[:, -1] - np.minimum(margin, BRIGHTEST_MARGIN))
    dims = np.isin(curves.kind, (Kind.VARIABLE, Kind.AGN, Kind.BOGUS))
    sign = np.where(dims & (rng.random(rows) < NEGATIVE_SHARE), -1, 1)
    days = epochs.mjd - epochs.mjd[:, -2:-1]
    colour = np.array(instrument.colours)[band]
    true = (peak * sign)[owner, None] * relative_flux(curves, days, colour, rng)
    flux = true + error * rng.standard_normal(band.shape)
    least = 1.05 * LIMIT_SIGMA * error[:, -1]
    flux[:, -1] = np.where(flux[:, -1] < 0, -1, 1) * np.maximum(abs(flux[:, -1]), least)
    return flux, error


def _with_shared_past(drawn: Array, owner: Ints) -> Array:
    """Give every later alert of an object the epochs of its first."""
    later = (owner != np.arange(len(owner)))[:, None]
    before = np.where(later, drawn[owner, -1:], drawn[:, -2:-1])
    return np.concatenate([drawn[owner, :-2], before, drawn[:, -1:]], axis=1)


def _count(groups: Ints) -> Ints:
    """Give the occurrences of each value the numbers 0, 1 and on, as they stand."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(groups)])
    sizes = np.diff(np.r_[starts, len(groups)])
    count = np.empty(len(groups), dtype=np.int64)
    count[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return count


def _taken(record: Record, order: Ints) -> Record:
    """Rows of every array of a record, in the given order."""
    arrays = {name: array[order] for name, array in vars(record).items()}
    return replace(record, **arrays)
