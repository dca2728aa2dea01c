"""Records of LSST's science store: what the broker adds."""

import numpy as np

from simulator.arrays import Array, Bools, Ints
from simulator.classes import Kind, uniform_by_kind
from simulator.features import Points, light_curve_features
from simulator.fill import Fields, Ragged
from simulator.names import gaia_names, galaxy_names, letters
from simulator.sightings import Sightings
from simulator.surroundings import Surroundings
from simulator.times import TAI_MINUS_UTC, calendar_day
from simulator.visits import INSTRUMENTS

BANDS = np.array(INSTRUMENTS["lsst"].bands)
"""Keys of `lc_features`."""

CATS_CLASSES = {
    Kind.SUPERNOVA: 11,
    Kind.KILONOVA: 12,
    Kind.MICROLENSING: 13,
    Kind.VARIABLE: 21,
    Kind.AGN: 22,
}
"""What the classifier CATS answers; −1 for all others."""

MIN_CLASSIFIED = 3
"""Fewest sources of what is classified."""

SUPERNOVA_SCORES = {Kind.SUPERNOVA: (0.5, 0.95), Kind.SOLAR_SYSTEM: (0.6, 0.8)}
"""Range of SuperNNova's score; nothing tells it what moves, as in real records."""

EARLY_DAYS = 20.0
"""Age up to which the classifier for early type Ia answers [d]."""

ELEPHANT_SHARE = 0.1
"""Share of the alerts that ELEPHANT looks at and finds a host for."""

LETTERS = 3
"""Of a name in the Transient Name Server, after the year."""


def lsst_added_values(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Fields:
    """Draw the columns that the broker adds: classifiers, matches, labels, features.

    Parameters
    ----------
    sightings
        The alerts.
    around
        What catalogues have there.
    rng
        Where the draws come from.
    """
    kind, count = sightings.kind, sightings.sources.sum(axis=1)
    table = np.array([CATS_CLASSES.get(member, -1) for member in Kind])
    cats = np.where(count >= MIN_CLASSIFIED, table[kind], -1)
    moving = kind == Kind.SOLAR_SYSTEM
    labelled = around.label != ""
    return {
        "clf": _classifiers(sightings, around, cats, rng),
        "xm": _matches(sightings, around, rng),
        "pred": {
            "is_sso": moving,
            "is_first": np.ma.masked_array(count == 1, moving),
            "is_cataloged": labelled | (around.gaia > 0) | around.galaxy,
            "main_label_classifier": cats,
            "main_label_crossmatch": _known(around.label, labelled),
        },
        "misc": {"firstDiaSourceMjdTaiFink": sightings.first_source + TAI_MINUS_UTC},
        "lc_features": _features(sightings),
    }


def _features(sightings: Sightings) -> Ragged:
    """Features of the fluxes, one entry for every band that has points."""
    tables, counts = [], []
    for index in range(len(BANDS)):
        chosen = sightings.sources & (sightings.band == index)
        points = Points(sightings.mjd, sightings.flux, sightings.error, chosen)
        tables.append(light_curve_features(points))
        counts.append(points.count)
    present = np.stack(counts, axis=1) > 0
    values = {
        name: np.stack([table[name] for table in tables], axis=1)[present]
        for name in tables[0]
    }
    return Ragged(present.sum(axis=1), values, BANDS[np.nonzero(present)[1]])


def _classifiers(
    sightings: Sightings,
    around: Surroundings,
    cats: Ints,
    rng: np.random.Generator,
) -> Fields:
    kind, rows = sightings.kind, len(cats)
    early = (kind == Kind.SUPERNOVA) & (sightings.age < EARLY_DAYS) & (cats > 0)
    hostless = np.isin(kind, (Kind.SUPERNOVA, Kind.KILONOVA)) & ~around.galaxy
    low, high = rng.uniform(0.3, 0.97, rows), rng.uniform(0.955, 1, rows)
    unchecked = ~hostless & (rng.random(rows) > ELEPHANT_SHARE)
    return {
        "snnSnVsOthers_score": uniform_by_kind(kind, SUPERNOVA_SCORES, (0, 0.6), rng),
        "cats_class": cats,
        "cats_score": np.where(cats > 0, rng.uniform(0.8, 1, rows), 0),
        "earlySNIa_score": np.where(early, rng.uniform(0, 0.9, rows), -1),
        "elephant_kstest_science": np.ma.masked_array(
            rng.uniform(0, 0.6, rows), unchecked
        ),
        "elephant_kstest_template": np.ma.masked_array(
            np.where(hostless, low, high), unchecked
        ),
    }


def _matches(
    sightings: Sightings, around: Surroundings, rng: np.random.Generator
) -> Fields:
    in_gaia, in_tns = around.gaia > 0, around.tns != ""
    year = calendar_day(sightings.mjd[sightings.first, -1]) // 10000
    words = letters(rng.integers(0, 26**LETTERS, len(year)), LETTERS)[sightings.first]
    named = np.array([f"SN {y}{w}" for y, w in zip(year, words, strict=True)], object)
    varies = (sightings.kind == Kind.VARIABLE) & in_gaia
    return {
        "simbad_otype": _known(around.label, around.label != ""),
        "gaiadr3_DR3Name": _known(gaia_names(around.gaia), in_gaia),
        "gaiadr3_Plx": np.ma.masked_array(around.parallax, ~in_gaia),
        "gaiadr3_e_Plx": np.ma.masked_array(around.parallax_error, ~in_gaia),
        "gaiadr3_VarFlag": varies.astype(int),
        "legacydr8_zphot": around.redshift,
        "zphot": around.galaxy | (sightings.kind == Kind.AGN),
        "tns_fullname": _known(named, in_tns),
        "tns_type": _known(around.tns, in_tns),
        "tns_redshift": np.ma.masked_array(around.redshift, ~in_tns),
        "vsx_Type": _known(around.vsx, around.vsx != ""),
        "mangrove_HyperLEDA_name": _known(
            galaxy_names(around.distance), around.mangrove
        ),
        "mangrove_2MASS_name": _known(
            np.full(len(year), "None", object), around.mangrove
        ),
        "mangrove_lum_dist": np.ma.masked_array(around.distance, ~around.mangrove),
        "mangrove_ang_dist": np.ma.masked_array(around.kiloparsec, ~around.mangrove),
    }


def _known(names: Array, known: Bools) -> Array:
    """Names where they are known, null elsewhere."""
    return np.ma.masked_array(names, ~known)
