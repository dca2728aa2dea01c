"""Records of ZTF's science store: what the broker adds."""

import numpy as np

from simulator.arrays import Array
from simulator.classes import Kind, uniform_by_kind
from simulator.features import Points, light_curve_features
from simulator.fill import Fields, Ragged, Sparse
from simulator.names import fermi_names, gaia_names, galaxy_names
from simulator.sightings import LIMIT_SIGMA, Sightings, magnitude
from simulator.surroundings import Surroundings

MAG_PER_RATIO = 1.0857
"""Error of a magnitude for a relative error of the flux: 2.5 / ln 10 [mag]."""

SUPERNOVA_SCORES = {
    Kind.SUPERNOVA: (0.15, 0.97),
    Kind.KILONOVA: (0.0, 0.45),
    Kind.SOLAR_SYSTEM: (0.0, 0.0),
}
"""Range of both of SuperNNova's scores."""

EARLY_DAYS = 20.0
"""Age up to which the random forest for early type Ia answers [d]."""

EARLY_DETECTIONS = 20
"""Detections up to which it answers."""

CANDIDATE_SHARE = 0.04
"""Share of bogus alerts that look like solar-system objects."""

GAIA_VARIABLE_SHARE = 0.5
"""Share of the variable stars in Gaia that Gaia found to vary."""

NINETY_PERCENT = 1.645
"""Standard errors to either side that hold nine tenths of a normal distribution."""

LIMIT_ERROR = 0.2
"""Standard error taken for an upper limit [mag]."""


def ztf_added_values(
    sightings: Sightings,
    around: Surroundings,
    candidate: Fields,
    rng: np.random.Generator,
) -> Fields:
    """Draw the columns that the broker adds: matches, scores, rates, features.

    Parameters
    ----------
    sightings
        The alerts.
    around
        What catalogues have there.
    candidate
        Fields of the alerts' `candidate`.
    rng
        Where the draws come from.
    """
    return {
        **_matches(sightings, around, rng),
        **_scores(sightings, candidate, rng),
        **_rates(sightings, candidate),
        **_features(sightings),
    }


def _matches(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Fields:
    in_gaia = around.gaia > 0
    found = rng.random(len(in_gaia))[sightings.first] < GAIA_VARIABLE_SHARE
    flag = in_gaia & found & (sightings.kind == Kind.VARIABLE)
    blazar = np.isin(around.label, ("BLLac", "Blazar"))
    return {
        "cdsxmatch": around.label,
        "tns": around.tns,
        "DR3Name": np.where(in_gaia, gaia_names(around.gaia), "nan"),
        "Plx": np.where(in_gaia, around.parallax, np.nan),
        "e_Plx": np.where(in_gaia, around.parallax_error, np.nan),
        "gaiaVarFlag": flag.astype(int),
        "gaiaClass": np.where(flag, "VARIABLE", "nan"),
        "vsx": np.where(around.vsx == "", "nan", around.vsx),
        "x4lac": np.where(blazar, fermi_names(sightings.ra, sightings.dec), "Unknown"),
        "mangrove": _mangrove(around),
        "blazar_stats": _per_row(("m0", "m1", "m2"), np.full((len(in_gaia), 3), -1.0)),
    }


def _mangrove(around: Surroundings) -> Ragged:
    """Name the nearest galaxy, `None` where there is none; all as texts."""
    texts = np.stack(
        [
            galaxy_names(around.distance),
            np.full(len(around.distance), "None", object),
            around.distance.astype(str).astype(object),
            around.kiloparsec.astype(str).astype(object),
        ],
        axis=1,
    )
    texts = np.where(around.mangrove[:, None], texts, "None")
    return _per_row(("HyperLEDA_name", "2MASS_name", "lum_dist", "ang_dist"), texts)


def _per_row(keys: tuple[str, ...], values: Array) -> Ragged:
    """Build a map with the same keys in every row."""
    rows = len(values)
    return Ragged(np.full(rows, len(keys)), values.ravel(), list(keys) * rows)


def _scores(
    sightings: Sightings, candidate: Fields, rng: np.random.Generator
) -> Fields:
    """Answer as the broker's classifiers would."""
    kind, rows = sightings.kind, len(sightings.kind)
    supernova, kilonova = kind == Kind.SUPERNOVA, kind == Kind.KILONOVA
    young = supernova & (sightings.age < EARLY_DAYS)
    young &= candidate["ndethist"] <= EARLY_DETECTIONS
    lens = (kind == Kind.MICROLENSING) * rng.uniform(0.05, 0.9, rows)
    alone = candidate["ndethist"] == 1
    strange = (kind == Kind.BOGUS) & alone & (rng.random(rows) < CANDIDATE_SHARE)
    known = kind == Kind.SOLAR_SYSTEM
    return {
        "roid": np.select([known, strange, alone], [3, 2, 1], 0),
        "snn_snia_vs_nonia": uniform_by_kind(kind, SUPERNOVA_SCORES, (0, 0.6), rng),
        "snn_sn_vs_all": uniform_by_kind(kind, SUPERNOVA_SCORES, (0, 0.6), rng),
        "rf_snia_vs_nonia": young * rng.uniform(0.1, 0.95, rows),
        "rf_kn_vs_nonkn": np.where(kilonova, rng.uniform(0.4, 1, rows), 0)
        + (alone & ~kilonova) * rng.uniform(0, 0.4, rows),
        "mulens": lens[sightings.first],
        "nalerthist": sightings.sources.sum(axis=1),
        "jd_first_real_det": candidate["jdstarthist"],
        "jdstarthist_dt": np.zeros(rows),
    }


def _rates(sightings: Sightings, candidate: Fields) -> Fields:
    """Tell how fast the magnitude changed since the last look in the same band."""
    same = sightings.earlier & (sightings.band == sightings.band[:, -1:])
    rated = same.any(axis=1)
    rows = np.arange(len(rated))
    last = same.shape[1] - 1 - np.argmax(same[:, ::-1], axis=1)
    where = rows, last
    seen = sightings.detected[where]
    flux, error = sightings.flux[where], sightings.error[where]
    before = magnitude(np.where(seen, flux, LIMIT_SIGMA * error))
    days = np.maximum(sightings.mjd[:, -1] - sightings.mjd[where], 1e-5)
    spread = np.where(seen, MAG_PER_RATIO * error / np.abs(flux), LIMIT_ERROR)
    rate = (candidate["magpsf"] - before) / days
    sigma = np.hypot(candidate["sigmapsf"], spread) / days
    return {
        "rated": rated,
        "mag_rate": rate,
        "sigma_rate": sigma,
        "lower_rate": rate - NINETY_PERCENT * sigma,
        "upper_rate": rate + NINETY_PERCENT * sigma,
        "delta_time": days,
        "from_upper": rated & ~seen,
    }


def _features(sightings: Sightings) -> Fields:
    """Features of the magnitudes in g and r; a band without points has none."""
    mag = magnitude(sightings.flux)
    spread = MAG_PER_RATIO * sightings.error / np.abs(sightings.flux)
    found = {}
    for index, band in enumerate("gr"):
        points = Points(
            sightings.mjd, mag, spread, sightings.sources & (sightings.band == index)
        )
        found[f"lc_features_{band}"] = Sparse(
            light_curve_features(points), points.count > 0
        )
    return found
