"""Records of ZTF's science store: what the survey itself measures."""

import numpy as np
import pyarrow as pa

from simulator.arrays import Floats, Ints, Texts, Where
from simulator.classes import Kind, uniform_by_kind
from simulator.cutouts import Stars, draw_stamps, gzipped_files, write_fits
from simulator.fill import Fields, Ragged, fill_batch
from simulator.names import letters
from simulator.sightings import LIMIT_SIGMA, Sightings, flux_of, magnitude
from simulator.surroundings import Surroundings, draw_surroundings
from simulator.times import JD_OF_MJD, calendar_day, instants
from simulator.ztf_added import MAG_PER_RATIO, ztf_added_values

NIGHT_ZERO = 57754
"""MJD of ZTF's night 0, 2017-01-01."""

PASS_NUMBER = 15
"""Last digits of every processing id: the science pipeline."""

LETTERS = 7
"""Of an object's name, after the year."""

NAMES_PER_NIGHT = 800_000
"""Objects that a night can name without names of another night."""

ZERO_POINT_MAG = 26.25
"""AB magnitude of 1 DN in a stamp."""

STAMP_SIZE = 63
"""Pixels along a side of a stamp; a pixel is 1 arcsec, about."""

SIGMA_PER_FWHM = 1 / 2.3548
"""Standard deviation of a Gaussian whose full width at half maximum is 1."""

HISTORY_DAYS = 30.0
"""How far back `prv_candidates` go [d]."""

DAYS_PER_DETECTION = 3.0
"""How often an object was detected before that: once in so many days."""

REAL_BOGUS = {Kind.BOGUS: (0.55, 0.64)}
"""Range of `rb`; the store holds no alert below 0.55."""

DEEP_REAL_BOGUS = {Kind.BOGUS: (0.0, 0.3)}
"""Range of `drb`."""

STAR_LIKE = {Kind.BOGUS: (0.02, 0.5), Kind.SOLAR_SYSTEM: (0.5, 1.0)}
"""Range of `classtar`."""

WIDTHS = {Kind.BOGUS: (1.06, 1.3)}
"""Full width at half maximum [pixel]; cosmic rays are narrower than stars."""


def ztf_records(
    sightings: Sightings, first_serial: int, rng: np.random.Generator
) -> pa.RecordBatch:
    """Write alerts as records of ZTF's science store.

    Parameters
    ----------
    sightings
        The alerts.
    first_serial
        How many alerts of the night other files hold before these; objects are named
        by it.
    rng
        Draws what is not determined by the light curve.
    """
    rows = len(sightings.kind)
    around = draw_surroundings("ztf", sightings, rng)
    now = np.arange(rows), np.full(rows, sightings.mjd.shape[1] - 1)
    candidate = _measurement(sightings, around, now, rng)
    candidate |= _alert_only(sightings, candidate, rng)
    ids = candidate["candid"]
    values = {
        "candid": ids,
        "objectId": _object_names(sightings, candidate["jdstarthist"], first_serial),
        "candidate": candidate,
        "prv_candidates": _history(sightings, around, rng),
        **_cutouts(sightings, around, candidate, rng),
        **_broker_times(sightings, rng),
        **ztf_added_values(sightings, around, candidate, rng),
    }
    return fill_batch("ztf", values, rows, rng)


def _measurement(
    sightings: Sightings,
    around: Surroundings,
    where: Where,
    rng: np.random.Generator,
) -> Fields:
    """Fields that alerts and their histories share, at the given rows and epochs."""
    row, _ = where
    mjd, flux, error = (
        a[where] for a in (sightings.mjd, sightings.flux, sightings.error)
    )
    mag, spread = magnitude(flux), MAG_PER_RATIO * error / np.abs(flux)
    limit = magnitude(LIMIT_SIGMA * error)
    ids = _identifiers(mjd, sightings.detector[row], sightings.counter[where])
    kind, count = sightings.kind[row], len(row)
    jitter = rng.normal(0, 0.08 / 3600, (2, count))
    return {
        **ids,
        "jd": mjd + JD_OF_MJD,
        "fid": sightings.band[where] + 1,
        "diffmaglim": limit,
        "pdiffimfilename": _image_names(sightings, where),
        "isdiffpos": np.where(flux > 0, "t", "f"),
        "rcid": sightings.detector[row],
        "field": sightings.field[row],
        "ra": (sightings.ra[row] + jitter[0]) % 360,
        "dec": sightings.dec[row] + jitter[1],
        "magpsf": mag,
        "sigmapsf": spread,
        "magap": mag + rng.normal(0.03, 0.08, count),
        "sigmagap": 1.3 * spread,
        "magapbig": mag + rng.normal(0, 0.12, count),
        "sigmagapbig": 1.7 * spread,
        "magfromlim": limit - mag,
        "distnr": around.separation[row],
        "magnr": around.mag[row],
        "ranr": (sightings.ra + around.offsets[:, 1] / 3600)[row] % 360,
        "decnr": (sightings.dec + around.offsets[:, 0] / 3600)[row],
        "rb": uniform_by_kind(kind, REAL_BOGUS, (0.66, 0.97), rng),
        "classtar": uniform_by_kind(kind, STAR_LIKE, (0.75, 1.0), rng),
        "fwhm": uniform_by_kind(kind, WIDTHS, (1.6, 3.0), rng),
        "scorr": np.abs(flux) / error,
    }


def _identifiers(mjd: Floats, detector: Ints, counter: Ints) -> Fields:
    """ZTF's ids: night, 1e-5 of a day, readout channel, and for `candid` a counter."""
    night = np.floor(mjd).astype(np.int64) - NIGHT_ZERO
    part = np.floor(mjd % 1 * 1e5).astype(np.int64)
    pid = ((night * 10**5 + part) * 100 + detector) * 100 + PASS_NUMBER
    candid = pid * 10**6 + PASS_NUMBER * 1000 + counter
    return {"nid": night, "pid": pid, "candid": candid, "tblid": counter}


def _image_names(sightings: Sightings, where: Where) -> list[str]:
    mjd = sightings.mjd[where]
    micro = np.floor(mjd % 1 * 1e6).astype(np.int64)
    stamp = calendar_day(mjd) * 10**6 + micro
    row = where[0]
    parts = zip(
        stamp.tolist(),
        sightings.field[row].tolist(),
        sightings.band[where].tolist(),
        sightings.detector[row].tolist(),
        strict=True,
    )
    return [
        f"ztf_{when}_{field:06d}_z{'gr'[band]}_c{channel // 4 + 1:02d}_o"
        f"_q{channel % 4 + 1}_scimrefdiffimg.fits"
        for when, field, band, channel in parts
    ]


def _alert_only(
    sightings: Sightings, candidate: Fields, rng: np.random.Generator
) -> Fields:
    """Fields of `candidate` that histories do not have, or have otherwise."""
    rows = len(sightings.kind)
    known = sightings.kind == Kind.SOLAR_SYSTEM
    names = rng.integers(1000, 600_000, rows)
    start = _first_detection(sightings, rng)
    kind, detections = sightings.kind, _detections(sightings, start)
    return {
        "drb": uniform_by_kind(kind, DEEP_REAL_BOGUS, (0.86, 1.0), rng),
        "ssdistnr": np.where(known, rng.uniform(0, 1.5, rows), -999),
        "ssmagnr": np.where(
            known, candidate["magpsf"] + rng.normal(0, 0.2, rows), -999
        ),
        "ssnamenr": np.where(known, names.astype(str), "null"),
        "ndethist": detections,
        "ncovhist": detections + rng.integers(300, 4000, rows),
        "jdstarthist": start + JD_OF_MJD,
        "jdendhist": candidate["jd"],
        "rfid": candidate["field"] * 10**6 + 120_000 + candidate["rcid"] * 100,
    }


def _first_detection(sightings: Sightings, rng: np.random.Generator) -> Floats:
    """When each object was first detected [MJD]; stars long before the history."""
    now = sightings.mjd[:, -1]
    old = np.isin(sightings.kind, (Kind.VARIABLE, Kind.AGN))
    long_ago = rng.uniform(300, 2500, len(now))[sightings.first]
    start = np.where(
        old, sightings.mjd[sightings.first, -1] - long_ago, sightings.first_source
    )
    late = (sightings.kind == Kind.SUPERNOVA) & (sightings.age > HISTORY_DAYS)
    return np.where(late, now - sightings.age + 4, start)


def _detections(sightings: Sightings, start: Floats) -> Ints:
    """How often each object was detected, before the history too."""
    before = sightings.mjd[sightings.first, -1] - HISTORY_DAYS - start
    unseen = np.maximum(before, 0) / DAYS_PER_DETECTION
    detections: Ints = sightings.sources.sum(axis=1) + unseen.astype(np.int64)
    return detections


def _history(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Ragged:
    where = np.nonzero(sightings.earlier)
    fields = _measurement(sightings, around, where, rng)
    return Ragged(
        sightings.earlier.sum(axis=1),
        {**fields, "detected": sightings.detected[where]},
    )


def _object_names(sightings: Sightings, start: Floats, first_serial: int) -> Texts:
    """ZTF's names: two digits of the year of discovery, and seven letters."""
    night = np.floor(sightings.mjd[:, -1]).astype(np.int64) - NIGHT_ZERO
    number = night * NAMES_PER_NIGHT
    number += (first_serial + sightings.serial) % NAMES_PER_NIGHT
    words = letters(number, LETTERS)
    year = calendar_day(start[sightings.first] - JD_OF_MJD) // 10000 % 100
    return np.array(
        [f"ZTF{y:02d}{word}" for y, word in zip(year, words, strict=True)], object
    )


def _cutouts(
    sightings: Sightings,
    around: Surroundings,
    candidate: Fields,
    rng: np.random.Generator,
) -> Fields:
    unit = flux_of(np.array(ZERO_POINT_MAG))
    width = candidate["fwhm"] * SIGMA_PER_FWHM
    stars = Stars(
        flux=sightings.flux[:, -1] / unit,
        width=width,
        host_flux=flux_of(around.mag) / unit,
        host_width=np.where(around.galaxy, 2.5, 1) * width,
        host_offset=around.offsets,
        noise=sightings.error[:, -1] / unit / (np.sqrt(4 * np.pi) * width),
    )
    stamps = draw_stamps(stars, STAMP_SIZE, rng)
    names = _stamp_names(candidate)
    return {
        f"cutout{name}": {
            "fileName": names[name],
            "stampData": gzipped_files(write_fits(image, "DN")),
        }
        for name, image in stamps.items()
    }


def _stamp_names(candidate: Fields) -> dict[str, list[str]]:
    ids = [
        (f"candid{candid}", f"pid{pid}_targ")
        for candid, pid in zip(candidate["candid"], candidate["pid"], strict=True)
    ]
    return {
        "Science": [f"{candid}_{pid}_sci.fits.gz" for candid, pid in ids],
        "Template": [f"{candid}_ref.fits.gz" for candid, _ in ids],
        "Difference": [f"{candid}_{pid}_scimref.fits.gz" for candid, pid in ids],
    }


def _broker_times(sightings: Sightings, rng: np.random.Generator) -> Fields:
    """When the broker had each alert: some ten minutes after the exposure."""
    minutes = np.cumsum(rng.uniform(0.5, 6, (3, len(sightings.kind))), axis=0) + 6
    mjd = sightings.mjd[:, -1] + minutes / 1440
    names = ("Ingest", "StartProcess", "EndProcess")
    return {
        f"broker{name}Timestamp": instants(when)
        for name, when in zip(names, mjd, strict=True)
    }
