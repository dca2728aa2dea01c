"""Records of LSST's science store: what the survey itself measures."""

import numpy as np
import pyarrow as pa

from simulator.arrays import Bools, Ints, Where
from simulator.classes import Kind, uniform_by_kind
from simulator.cutouts import Stars, draw_stamps, plain_files, write_fits
from simulator.features import Points, light_curve_features
from simulator.fill import Fields, Ragged, Sparse, fill_batch
from simulator.lsst_added import lsst_added_values
from simulator.minor_planets import minor_planets
from simulator.sightings import Sightings, flux_of
from simulator.surroundings import Surroundings, draw_surroundings
from simulator.times import TAI_MINUS_UTC, calendar_day, instants
from simulator.visits import INSTRUMENTS

ID_DAY_ZERO = 22429
"""MJD of day 0 in LSST's ids; the evening of 2026-03-09 is day 38679 in real ones."""

DAY_SHIFT, VISIT_SHIFT, DETECTOR_SHIFT = 42, 27, 19
"""At which bit of an id day, visit and detector begin; below is a counter."""

VISIT_DIGITS = 100_000
"""A visit is named by the evening's date and five digits."""

DAY_BEGINS = 0.5
"""When the evening's date changes [d, UTC]: at noon."""

CENTROID_ERROR = 0.13 / 3600
"""Error of a position at a signal-to-noise ratio of 1 [deg]."""

PROCESSING = 2 / 1440
"""From the exposure to its processing [d]."""

STAMP_SIZE = 31
"""Pixels along a side of a stamp."""

PIXEL_ARCSEC = 0.2
"""Size of a pixel [arcsec]."""

RELIABILITIES = {Kind.BOGUS: (0.02, 0.4)}
"""Range of `reliability`."""

WIDTHS = {Kind.BOGUS: (0.5, 0.8)}
"""Standard deviation of an image [pixel]; cosmic rays are narrower than stars."""

FLAGS = ("centroid_flag", "shape_flag", "psfFlux_flag", "apFlux_flag")
"""Flags that a bad measurement sets together."""

BANDS = np.array(INSTRUMENTS["lsst"].bands)
"""In the order of `diaObject`."""


def lsst_records(
    sightings: Sightings, first_serial: int, rng: np.random.Generator
) -> pa.RecordBatch:
    """Write alerts as records of LSST's science store.

    Parameters
    ----------
    sightings
        The alerts.
    first_serial
        Not used: ids hold visit and detector, which files do not share.
    rng
        Draws what is not determined by the light curve.
    """
    del first_serial
    rows = len(sightings.kind)
    around = draw_surroundings("lsst", sightings, rng)
    now = np.arange(rows), np.full(rows, sightings.mjd.shape[1] - 1)
    source = _source(sightings, around, now, rng)
    moving = sightings.kind == Kind.SOLAR_SYSTEM
    planets = minor_planets(source, moving, rng)
    source["ssObjectId"] = planets["ssSource"].fields["ssObjectId"] * moving
    values = {
        "diaSourceId": source["diaSourceId"],
        "observation_reason": np.array([f"field_{n}" for n in sightings.field]),
        "target_name": np.array(["lowdust"] * rows),
        "diaSource": source,
        "prvDiaSources": _earlier_sources(sightings, around, rng),
        "prvDiaForcedSources": _forced_sources(sightings, around),
        "diaObject": Sparse(_object(sightings, source), ~moving),
        **planets,
        **_cutouts(sightings, around, rng),
        **_broker_times(sightings, rng),
        **lsst_added_values(sightings, around, rng),
    }
    return fill_batch("lsst", values, rows, rng)


def _identifiers(sightings: Sightings, where: Where) -> tuple[Ints, Ints]:
    """Ids and visits at the given rows and epochs."""
    mjd, number = sightings.mjd[where], sightings.number[where]
    day = np.floor(mjd - DAY_BEGINS).astype(np.int64)
    ids = (day - ID_DAY_ZERO) << DAY_SHIFT
    ids |= number.astype(np.int64) << VISIT_SHIFT
    ids |= sightings.detector[where[0]].astype(np.int64) << DETECTOR_SHIFT
    visits = calendar_day(day.astype(float)) * VISIT_DIGITS + number
    return ids | sightings.counter[where], visits


def _object_ids(sightings: Sightings) -> Ints:
    """Name objects by their first source; what moves is 0, it belongs to none."""
    sources = sightings.sources
    first = np.arange(len(sources)), np.argmax(sources, axis=1)
    ids: Ints = _identifiers(sightings, first)[0]
    return np.where(sightings.kind == Kind.SOLAR_SYSTEM, 0, ids)


def _source(
    sightings: Sightings,
    around: Surroundings,
    where: Where,
    rng: np.random.Generator,
) -> Fields:
    """Fields of a DiaSource, at the given rows and epochs."""
    row, _ = where
    ids, visits = _identifiers(sightings, where)
    count = len(row)
    error = CENTROID_ERROR * sightings.error[where] / np.abs(sightings.flux[where])
    ra = (sightings.ra[row] + error * rng.standard_normal(count)) % 360
    dec = sightings.dec[row] + error * rng.standard_normal(count)
    mjd = sightings.mjd[where] + TAI_MINUS_UTC
    return {
        "diaSourceId": ids,
        "visit": visits,
        "detector": sightings.detector[row],
        "diaObjectId": _object_ids(sightings)[row],
        "midpointMjdTai": mjd,
        "ra": ra,
        "raErr": error,
        "dec": dec,
        "decErr": error,
        "band": BANDS[sightings.band[where]],
        "timeProcessedMjdTai": mjd + PROCESSING * rng.uniform(0.5, 1.5, count),
        **_fluxes(sightings, around, where, rng),
        **_quality(sightings.kind[row], rng),
        "trailRa": ra,
        "trailDec": dec,
    }


def _fluxes(
    sightings: Sightings,
    around: Surroundings,
    where: Where,
    rng: np.random.Generator,
) -> Fields:
    flux, error = sightings.flux[where], sightings.error[where]
    template = flux_of(around.mag[where[0]])
    aperture = error * rng.uniform(1.5, 2, len(flux))
    return {
        "psfFlux": flux,
        "psfFluxErr": error,
        "snr": np.abs(flux) / error,
        "isNegative": flux < 0,
        "apFlux": flux + aperture * rng.standard_normal(len(flux)),
        "apFluxErr": aperture,
        "trailFlux": flux * rng.uniform(1, 1.1, len(flux)),
        "scienceFlux": template + flux,
        "scienceFluxErr": error,
        "templateFlux": template,
        "templateFluxErr": 0.2 * error,
    }


def _quality(kind: Ints, rng: np.random.Generator) -> Fields:
    """Reliability and flags; what is bogus has a low one, and some flag."""
    bogus = kind == Kind.BOGUS
    cause = np.where(bogus, rng.integers(0, 4, len(kind)), -1)
    dipole, unmeasured, bad, patched = (cause == number for number in range(4))
    return {
        "reliability": uniform_by_kind(kind, RELIABILITIES, (0.6, 1), rng),
        "isDipole": dipole,
        "dipoleFitAttempted": dipole,
        "pixelFlags_bad": bad,
        "pixelFlags_interpolated": bad | patched,
        "forced_PsfFlux_flag": unmeasured,
        **dict.fromkeys(FLAGS, unmeasured),
        "trailed": ~unmeasured,
        "shaped": ~unmeasured,
    }


def _earlier_sources(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Ragged:
    where = np.nonzero(sightings.history)
    source = _source(sightings, around, where, rng)
    source["ssObjectId"] = pa.nulls(len(where[0]), pa.int64())
    return Ragged(sightings.history.sum(axis=1), source)


def _forced_sources(sightings: Sightings, around: Surroundings) -> Ragged:
    """Fluxes at the object's place in every earlier visit, detected or not."""
    looked = sightings.earlier & (sightings.kind != Kind.SOLAR_SYSTEM)[:, None]
    looked &= np.cumsum(sightings.history, axis=1) > 0
    where = np.nonzero(looked)
    row, mjd = where[0], sightings.mjd[where] + TAI_MINUS_UTC
    ids, visits = _identifiers(sightings, where)
    return Ragged(
        looked.sum(axis=1),
        {
            "diaForcedSourceId": ids,
            "diaObjectId": _object_ids(sightings)[row],
            "ra": sightings.ra[row],
            "dec": sightings.dec[row],
            "visit": visits,
            "detector": sightings.detector[row],
            "psfFlux": sightings.flux[where],
            "psfFluxErr": sightings.error[where],
            "midpointMjdTai": mjd,
            "scienceFlux": sightings.flux[where] + flux_of(around.mag[row]),
            "scienceFluxErr": sightings.error[where],
            "band": BANDS[sightings.band[where]],
            "timeProcessedMjdTai": mjd + PROCESSING,
        },
    )


def _object(sightings: Sightings, source: Fields) -> Fields:
    """Fields of a DiaObject: as in real records, statistics of one band only."""
    same = sightings.sources & (sightings.band == sightings.band[:, -1:])
    fields = {
        "diaObjectId": source["diaObjectId"],
        "validityStartMjdTai": source["timeProcessedMjdTai"] + 5e-5,
        "ra": sightings.ra,
        "raErr": source["raErr"],
        "dec": sightings.dec,
        "decErr": source["decErr"],
        "nDiaSources": sightings.sources.sum(axis=1),
    }
    statistics = _statistics(sightings, source, same)
    count = same.sum(axis=1)
    for index, band in enumerate(BANDS.tolist()):
        here = sightings.band[:, -1] == index
        fields |= {f"{band}_{name}": values for name, values in statistics.items()}
        fields[f"{band}_psfFluxNdata"] = count * here
        fields[band] = here
        fields[f"{band}_several"] = here & (count > 1)
    return fields


def _statistics(sightings: Sightings, source: Fields, same: Bools) -> Fields:
    """Statistics of the fluxes of the chosen epochs, one row an object."""
    flux, error, count = sightings.flux, sightings.error, same.sum(axis=1)
    points = Points(sightings.mjd, flux, error, same)
    weight = points.total(error**-2.0)
    mean = points.total(flux * error**-2.0) / weight
    spread = points.total((flux - mean[:, None]) ** 2)
    template = source["scienceFlux"] - source["psfFlux"]
    return {
        "psfFluxMean": mean,
        "psfFluxMeanErr": weight**-0.5,
        "psfFluxSigma": np.sqrt(spread / np.maximum(count - 1, 1)),
        "psfFluxMin": np.where(same, flux, np.inf).min(axis=1),
        "psfFluxMax": np.where(same, flux, -np.inf).max(axis=1),
        "psfFluxErrMean": points.total(error) / count,
        "psfFluxMaxSlope": np.nan_to_num(light_curve_features(points)["maximum_slope"]),
        "scienceFluxMean": mean + template,
        "scienceFluxMeanErr": weight**-0.5,
    }


def _cutouts(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Fields:
    width = uniform_by_kind(sightings.kind, WIDTHS, (1.4, 2.2), rng)
    stars = Stars(
        flux=sightings.flux[:, -1],
        width=width,
        host_flux=flux_of(around.mag),
        host_width=np.where(around.galaxy, 2.5, 1) * width,
        host_offset=around.offsets / PIXEL_ARCSEC,
        noise=sightings.error[:, -1] / (np.sqrt(4 * np.pi) * width),
    )
    return {
        f"cutout{name}": plain_files(write_fits(image, "nJy"))
        for name, image in draw_stamps(stars, STAMP_SIZE, rng).items()
    }


def _broker_times(sightings: Sightings, rng: np.random.Generator) -> Fields:
    """When the broker had each alert: some minutes after the exposure."""
    minutes = np.cumsum(rng.uniform(0.5, 3, (3, len(sightings.kind))), axis=0) + 2
    ingest, start, end = sightings.mjd[:, -1] + minutes / 1440
    return {
        "brokerIngestMjd": ingest,
        "brokerStartProcessTimestamp": instants(start),
        "brokerEndProcessTimestamp": instants(end),
    }
