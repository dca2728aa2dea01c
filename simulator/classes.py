"""The kinds of object that a night holds, and what SIMBAD calls them."""

from enum import IntEnum

import numpy as np

from simulator.arrays import Floats, Ints, Texts


class Kind(IntEnum):
    """What an object is."""

    SUPERNOVA = 0
    KILONOVA = 1
    VARIABLE = 2
    AGN = 3
    SOLAR_SYSTEM = 4
    BOGUS = 5
    MICROLENSING = 6


SHARES = {
    "ztf": (0.038, 0.012, 0.460, 0.232, 0.110, 0.136, 0.012),
    "lsst": (0.085, 0.035, 0.340, 0.280, 0.120, 0.130, 0.010),
}
"""Share of each kind among a night's objects, in the order of `Kind`.

Set so that each native filter keeps 0.3 to 5 % (solar system: 11 to 12 %).
"""

LABELS: dict[str, dict[Kind, dict[str, float]]] = {
    "ztf": {
        Kind.SUPERNOVA: {
            "Unknown": 0.64,
            "Galaxy": 0.25,
            "EmG": 0.03,
            "Seyfert_1": 0.02,
            "LINER": 0.02,
            "SN": 0.02,
            "Fail 504": 0.02,
        },
        Kind.KILONOVA: {"Unknown": 0.6, "Galaxy": 0.4},
        Kind.VARIABLE: {
            "RRLyrae": 0.24,
            "EclBin": 0.20,
            "LongPeriodV*": 0.18,
            "Unknown": 0.14,
            "BYDraV*": 0.08,
            "delSctV*": 0.06,
            "CataclyV*": 0.05,
            "YSO_Candidate": 0.05,
        },
        Kind.AGN: {
            "QSO": 0.50,
            "AGN": 0.16,
            "Unknown": 0.14,
            "Seyfert_1": 0.10,
            "BLLac": 0.05,
            "Blazar": 0.05,
        },
        Kind.SOLAR_SYSTEM: {"Unknown": 1.0},
        Kind.BOGUS: {"Unknown": 0.7, "Star": 0.3},
        Kind.MICROLENSING: {"Unknown": 0.6, "Star": 0.4},
    },
    "lsst": {
        Kind.SUPERNOVA: {"": 0.75, "EmG": 0.15, "G": 0.10},
        Kind.KILONOVA: {"": 0.7, "EmG": 0.3},
        Kind.VARIABLE: {
            "": 0.30,
            "RR*": 0.20,
            "EB*": 0.20,
            "HB*": 0.10,
            "LP*": 0.10,
            "*": 0.10,
        },
        Kind.AGN: {"QSO": 0.65, "": 0.10, "AGN": 0.10, "Sy1": 0.10, "LIN": 0.05},
        Kind.SOLAR_SYSTEM: {"": 1.0},
        Kind.BOGUS: {"": 0.8, "*": 0.2},
        Kind.MICROLENSING: {"": 0.6, "*": 0.4},
    },
}
"""SIMBAD's label of each kind and how often it occurs; empty where SIMBAD has none."""


def draw_kinds(survey: str, rows: int, rng: np.random.Generator) -> Ints:
    """Draw the kind of each object, each kind as often as its share says.

    Returns
    -------
    numpy.ndarray of int, shape (rows,)
        Members of `Kind`.
    """
    upto = np.cumsum(SHARES[survey])
    steps = (np.arange(rows) + rng.random()) / rows
    return rng.permutation(np.searchsorted(upto / upto[-1], steps, side="right"))


def draw_labels(survey: str, kinds: Ints, rng: np.random.Generator) -> Texts:
    """Draw the label that SIMBAD has for each object.

    Parameters
    ----------
    survey
        `ztf`, whose store spells labels out, or `lsst`, which has SIMBAD's short ones.
    kinds
        Members of `Kind`, shape (n,).
    rng
        Where the draws come from.

    Returns
    -------
    numpy.ndarray of str, shape (n,)
        Empty where SIMBAD has no object.
    """
    labels = np.full(len(kinds), "", dtype=object)
    for kind, weights in LABELS[survey].items():
        here = kinds == kind
        names = np.array(list(weights), dtype=object)
        labels[here] = rng.choice(names, size=here.sum(), p=list(weights.values()))
    return labels


def uniform_by_kind(
    kinds: Ints,
    ranges: dict[Kind, tuple[float, float]],
    default: tuple[float, float],
    rng: np.random.Generator,
) -> Floats:
    """Draw a number for each object from the range of its kind.

    Parameters
    ----------
    kinds
        Members of `Kind`, shape (n,).
    ranges
        Lowest and highest value of the kinds that have their own.
    default
        Lowest and highest value of all others.
    rng
        Where the draws come from.
    """
    table = np.array([ranges.get(kind, default) for kind in Kind])
    low, high = table[kinds].T
    drawn: Floats = low + (high - low) * rng.random(len(kinds))
    return drawn
