"""The solar-system objects that LSST's alerts name, and their orbits."""

from typing import Any

import numpy as np

from simulator.arrays import Bools, Floats, Ints, Texts
from simulator.fill import Sparse
from simulator.sky import ecliptic, galactic

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Digits of packed designations (Minor Planet Center)."""

HALF_MONTHS = "ABCDEFGHJKLMNOPQRSTUVWXY"
"""First letter of a provisional designation, without I."""

ORDERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
"""Second letter of a provisional designation, without I."""

MOST_CYCLES = 350
"""How often the second letter may begin again."""

KEPLER_YEAR = 365.25
"""Period of an orbit of one astronomical unit [d]."""


def minor_planets(
    source: dict[str, Any], moving: Bools, rng: np.random.Generator
) -> dict[str, Sparse]:
    """Draw `ssSource` and `mpc_orbits` of alerts, null for what does not move.

    Parameters
    ----------
    source
        Fields of the alerts' DiaSources.
    moving
        bool, shape (n,): which are solar-system objects.
    rng
        Where the draws come from.
    """
    plain, packed, numbers = _designations(len(moving), rng)
    offset = rng.normal(0, 0.02, (2, len(moving)))
    longitude, latitude = ecliptic(source["ra"], source["dec"])
    galactic_longitude, galactic_latitude = galactic(source["ra"], source["dec"])
    seen = {
        "diaSourceId": source["diaSourceId"],
        "ssObjectId": numbers,
        "designation": plain,
        "eclLambda": longitude,
        "eclBeta": latitude,
        "galLon": galactic_longitude,
        "galLat": galactic_latitude,
        "ephRa": source["ra"] - offset[0] / 3600,
        "ephDec": source["dec"] - offset[1] / 3600,
        "ephOffset": np.hypot(*offset),
        "ephOffsetRa": offset[0],
        "ephOffsetDec": offset[1],
    }
    orbit = {
        "designation": plain,
        "packed_primary_provisional_designation": packed,
        "unpacked_primary_provisional_designation": plain,
        "mpc_orb_jsonb": np.full(len(moving), "{}", object),
        **_orbits(len(moving), rng),
    }
    return {"ssSource": Sparse(seen, moving), "mpc_orbits": Sparse(orbit, moving)}


def _designations(rows: int, rng: np.random.Generator) -> tuple[Texts, Texts, Ints]:
    """Provisional designations, the same packed, and numbers that stand for them."""
    year = rng.integers(1995, 2025, rows)
    half, order = rng.integers(0, 24, rows), rng.integers(0, 25, rows)
    cycle = rng.integers(1, MOST_CYCLES, rows)
    parts = list(zip(year, half, order, cycle, strict=True))
    plain = [f"{y} {HALF_MONTHS[h]}{ORDERS[o]}{c}" for y, h, o, c in parts]
    packed = [
        f"{'IJK'[y // 100 - 18]}{y % 100:02d}{HALF_MONTHS[h]}"
        f"{BASE62[c // 10]}{c % 10}{ORDERS[o]}"
        for y, h, o, c in parts
    ]
    # LSST's ids of such objects are the seven letters of the packed one, as bytes.
    numbers = [int.from_bytes(word.encode("ascii"), "big") for word in packed]
    return np.array(plain, object), np.array(packed, object), np.array(numbers)


def _orbits(rows: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Main-belt orbits: semi-major axis [au], eccentricity, and what follows."""
    axis, eccentricity = rng.uniform(2.2, 3.2, rows), rng.uniform(0.02, 0.25, rows)
    period = KEPLER_YEAR * axis**1.5
    return {
        "a": axis,
        "e": eccentricity,
        "q": axis * (1 - eccentricity),
        "period": period,
        "mean_motion": 360 / period,
    }
