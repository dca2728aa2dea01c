"""How the flux of each kind of object goes with time."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Floats, Ints
from simulator.classes import Kind

SN_RISE = 3.5
"""Time scale of a supernova's rise [d]; with it Bazin's curve peaks near day 18."""

SN_FALL = 28.0
"""Time scale of a supernova's fall in a middle band [d]."""

SN_TURN = 12.0
"""Time from explosion to Bazin's reference time [d]."""

KN_RISE = 0.3
"""Time scale of a kilonova's rise [d]."""

KN_FALL = 1.6
"""Time scale of a kilonova's fall in a middle band [d], 0.7 mag a day."""

AGN_MEMORY = 200.0
"""Damping time of the random walk [d] (MacLeod et al. 2010, ApJ 721, 1014)."""

AGN_AMPLITUDE = 1.2
"""Long-term scatter of the random walk, in units of the flux at the alert."""


@dataclass(frozen=True)
class Curves:
    """What fixes the light curve of each of n objects."""

    kind: Ints
    """Members of `Kind`."""

    age: Floats
    """Time from explosion to the reference epoch [d]; of transients only."""

    period: Floats
    """Of variable stars [d]."""

    phase: Floats
    """Of variable stars at the reference epoch, 0 to 1."""

    sharpness: Floats
    """Share of the second harmonic in a variable star's curve."""

    impact: Floats
    """Least separation of source and lens [Einstein radii]."""

    crossing: Floats
    """Einstein crossing time of a lens [d]."""


def draw_curves(kind: Ints, youth: float, rng: np.random.Generator) -> Curves:
    """Draw the light curves of objects.

    Parameters
    ----------
    kind
        Members of `Kind`, shape (n,).
    youth
        Share of the supernovae that exploded in the last days.
    rng
        Where the draws come from.
    """
    rows = len(kind)
    young = rng.random(rows) < youth
    age = np.where(young, rng.uniform(2.5, 12, rows), rng.uniform(12, 75, rows))
    age = np.where(kind == Kind.KILONOVA, rng.uniform(0.8, 4, rows), age)
    phase = rng.uniform(0.1, 0.4, rows) + 0.5 * rng.integers(0, 2, rows)
    return Curves(
        kind=kind,
        age=age,
        period=10 ** rng.uniform(-0.4, 2.5, rows),
        phase=phase,
        sharpness=rng.uniform(0, 0.4, rows),
        impact=rng.uniform(0.1, 0.8, rows),
        crossing=rng.uniform(15, 60, rows),
    )


def relative_flux(
    curves: Curves, days: Floats, colour: Floats, rng: np.random.Generator
) -> Floats:
    """Flux above the reference image, 1 at day 0 in a middle band.

    Parameters
    ----------
    curves
        The n objects.
    days
        Epochs, shape (n, m), increasing along m; 0 is the reference epoch [d].
    colour
        Where the band stands, shape (n, m): −1 bluest, 1 reddest.
    rng
        Draws the random walks.

    Returns
    -------
    numpy.ndarray of float, shape (n, m)
        Negative where the object is fainter than in the reference image.
    """
    flux = np.zeros_like(days)
    forms = {
        Kind.SUPERNOVA: _supernova,
        Kind.KILONOVA: _kilonova,
        Kind.VARIABLE: _variable,
        Kind.MICROLENSING: _microlensing,
    }
    for kind, form in forms.items():
        here = np.flatnonzero(curves.kind == kind)
        at_alert = form(curves, here, np.zeros((len(here), 1)), 0.0)
        flux[here] = form(curves, here, days[here], colour[here]) / at_alert
    steps = rng.standard_normal(days.shape)
    flux = np.where((curves.kind == Kind.AGN)[:, None], _walk(days, steps), flux)
    seen_once = np.isin(curves.kind, (Kind.SOLAR_SYSTEM, Kind.BOGUS))
    return np.where(seen_once[:, None], days >= 0, flux)


def _supernova(
    curves: Curves, here: Ints, days: Floats, colour: Floats | float
) -> Floats:
    """Bazin et al. 2009 (A&A 499, 653), equation 1, slower in red bands."""
    since = days + curves.age[here, None]
    turned = since - SN_TURN
    fall = np.exp(-turned / (SN_FALL * (1 + 0.3 * colour)))
    return np.where(since > 0, fall / (1 + np.exp(-turned / SN_RISE)), 0)


def _kilonova(
    curves: Curves, here: Ints, days: Floats, colour: Floats | float
) -> Floats:
    """Exponential rise and fall, faster in blue bands."""
    since = np.maximum(days + curves.age[here, None], 0)
    fall = np.exp(-since / (KN_FALL * (1 + 0.4 * colour)))
    flux: Floats = fall * (1 - np.exp(-since / KN_RISE))
    return flux


def _variable(
    curves: Curves, here: Ints, days: Floats, colour: Floats | float
) -> Floats:
    """Sine with its second harmonic, larger in blue bands."""
    angle = 2 * np.pi * (days / curves.period[here, None] + curves.phase[here, None])
    wave = np.sin(angle) + curves.sharpness[here, None] * np.sin(2 * angle)
    return wave * (1 - 0.2 * colour)


def _microlensing(
    curves: Curves, here: Ints, days: Floats, colour: Floats | float
) -> Floats:
    """Excess magnification of a point lens (Paczyński 1986, ApJ 304, 1), achromatic."""
    del colour
    since = (days / curves.crossing[here, None]) ** 2
    square = since + curves.impact[here, None] ** 2
    return (square + 2) / np.sqrt(square * (square + 4)) - 1


def _walk(days: Floats, steps: Floats) -> Floats:
    """Damped random walk that is 1 at day 0 and spreads before it."""
    walk = np.ones_like(days)
    level = np.zeros(len(days))
    for epoch in range(days.shape[1] - 2, -1, -1):
        kept = np.exp((days[:, epoch] - days[:, epoch + 1]) / AGN_MEMORY)
        level = kept * level + np.sqrt(1 - kept**2) * steps[:, epoch]
        walk[:, epoch] = 1 + AGN_AMPLITUDE * level
    return walk
