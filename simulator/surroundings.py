"""What catalogues know at the place of each object: labels, stars, host galaxies."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Bools, Floats, Ints, Texts
from simulator.classes import Kind, draw_labels, uniform_by_kind
from simulator.sightings import Sightings, magnitude

HUBBLE = 70.0
"""Hubble constant [km/s/Mpc]."""

LIGHT_SPEED = 299792.458
"""Speed of light [km/s]."""

HOST_SHARE = 0.6
"""Share of the explosions beside a galaxy that catalogues have."""

MANGROVE_SHARE = 0.4
"""Share of those galaxies that are in the MANGROVE catalogue."""

TNS_SHARE = 0.16
"""Share of the explosions that the Transient Name Server has."""

GAIA_SHARES = {
    Kind.VARIABLE: 0.85,
    Kind.AGN: 0.6,
    Kind.MICROLENSING: 0.9,
    Kind.BOGUS: 0.2,
}
"""How often Gaia DR3 has the object itself."""

ABSOLUTE_MAGNITUDES = {Kind.SUPERNOVA: (-18.5, -15.5), Kind.KILONOVA: (-16.5, -14.5)}
"""Of explosions at the time of the alert [AB mag]."""

EMPTY_MAG = 25.5
"""Of what stands in a template where nothing does [AB mag]."""

VSX_SHARE = 0.6
"""Share of the variable stars in Gaia that the Variable Star Index has."""

VSX_TYPES = {
    "RRLyrae": "RRAB",
    "RR*": "RRAB",
    "EclBin": "EW",
    "EB*": "EA",
    "LongPeriodV*": "SR",
    "LP*": "M",
    "BYDraV*": "BY",
    "delSctV*": "DSCT",
    "CataclyV*": "UG",
}
"""Type in the Variable Star Index of what SIMBAD labels so."""


@dataclass(frozen=True)
class Surroundings:
    """The catalogues' entries for n alerts; the same for all alerts of an object."""

    label: Texts
    """SIMBAD's, empty where there is none."""

    vsx: Texts
    """Type in the Variable Star Index, empty where there is none."""

    gaia: Ints
    """Number in Gaia DR3, 0 where there is none."""

    parallax: Floats
    """Gaia's [mas]; of no meaning where Gaia has nothing."""

    parallax_error: Floats
    """Its standard error [mas]."""

    galaxy: Bools
    """bool: catalogues have a host galaxy."""

    mangrove: Bools
    """bool: MANGROVE has that galaxy."""

    distance: Floats
    """Luminosity distance of an explosion [Mpc]."""

    redshift: Floats
    """Of an explosion, or of an active galaxy."""

    tns: Texts
    """Type of supernova in the Transient Name Server, empty where it is not there."""

    mag: Floats
    """Of the nearest thing in the template [AB mag]."""

    separation: Floats
    """How far away that is [arcsec]."""

    angle: Floats
    """In which direction that is, from east through north [rad]."""

    @property
    def offsets(self) -> Floats:
        """How far north and east that is [arcsec], shape (n, 2)."""
        turned = np.stack([np.sin(self.angle), np.cos(self.angle)], axis=1)
        offsets: Floats = self.separation[:, None] * turned
        return offsets

    @property
    def kiloparsec(self) -> Floats:
        """How far away that is at an explosion's distance [kpc]."""
        return np.radians(self.separation / 3600) * self.distance * 1000


def draw_surroundings(
    survey: str, sightings: Sightings, rng: np.random.Generator
) -> Surroundings:
    """Draw what catalogues have at each alert.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    sightings
        The alerts.
    rng
        Where the draws come from.
    """
    kind, rows = sightings.kind, len(sightings.kind)
    explodes = np.isin(kind, (Kind.SUPERNOVA, Kind.KILONOVA))
    label = draw_labels(survey, kind, rng)
    mag = magnitude(sightings.flux[:, -1])
    distance = 10 ** (
        (mag - uniform_by_kind(kind, ABSOLUTE_MAGNITUDES, (-16, -16), rng) - 25) / 5
    )
    galaxy = explodes & (rng.random(rows) < HOST_SHARE)
    in_gaia = rng.random(rows) < np.array([GAIA_SHARES.get(k, 0) for k in Kind])[kind]
    quasar = kind == Kind.AGN
    far = rng.uniform(1.2, 2.5, rows)
    star = np.isin(kind, (Kind.VARIABLE, Kind.MICROLENSING, Kind.BOGUS))
    alone = (explodes & ~galaxy) | (kind == Kind.SOLAR_SYSTEM)
    drawn = {
        "label": label,
        "vsx": np.where(in_gaia & (rng.random(rows) < VSX_SHARE), _vsx(label), ""),
        "gaia": in_gaia * rng.integers(10**17, 7 * 10**18, rows),
        "parallax": np.where(
            star, rng.lognormal(-0.5, 0.8, rows), rng.normal(0, 0.3, rows)
        ),
        "parallax_error": rng.uniform(0.02, 0.4, rows),
        "galaxy": galaxy,
        "mangrove": galaxy & (rng.random(rows) < MANGROVE_SHARE),
        "distance": distance,
        "redshift": np.where(quasar, far, distance * HUBBLE / LIGHT_SPEED),
        "tns": _tns(explodes, rng),
        "mag": np.where(
            alone, EMPTY_MAG, _brightest(sightings) - rng.uniform(0, 2, rows)
        ),
        "separation": np.where(star | quasar, 0.3, 3) * rng.random(rows),
        "angle": rng.uniform(0, 2 * np.pi, rows),
    }
    return Surroundings(**{name: v[sightings.first] for name, v in drawn.items()})


def _brightest(sightings: Sightings) -> Floats:
    """Magnitude of each object's largest change; the template holds no less."""
    return magnitude(np.where(sightings.sources, np.abs(sightings.flux), 0).max(axis=1))


def _vsx(labels: Texts) -> Texts:
    return np.array([VSX_TYPES.get(label, "") for label in labels], dtype=object)


def _tns(explodes: Bools, rng: np.random.Generator) -> Texts:
    types = np.array(["SN Ia", "SN II", "SN Ib/c"], dtype=object)
    chosen = rng.choice(types, len(explodes), p=(0.7, 0.22, 0.08))
    return np.where(explodes & (rng.random(len(explodes)) < TNS_SHARE), chosen, "")
