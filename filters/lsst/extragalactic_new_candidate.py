"""New transients beside a catalogued galaxy that rise or fade fast."""

import awkward as ak
import numpy as np
import pandas as pd

from filters.lsst._blocks import (
    apparent_magnitude,
    has_galaxy,
    is_good,
    is_star,
    lies_off_plane,
)
from nightmail import alert_filter

MAX_AGE = 5.0
"""Time since the first source that must not have passed [d]."""

MAX_RISING_AGE = 3.0
"""The same for what still rises [d]."""

MAX_MAGNITUDE = 24.0
"""Magnitude that the source must be brighter than [mag, AB]."""

MIN_SOURCES_IN_BAND = 2
"""Fewest sources of the object in the alert's band."""

RISING_RATE = -0.2
"""Change of what rises, in any band, is below this [mag/d]."""

FADING_RATES = {"u": 0.5, "g": 0.5, "r": 0.2, "i": 0.2}
"""Change of what fades is above this, by band [mag/d]; none is taken in z and y."""


@alert_filter(owner="transients@example.org")
def extragalactic_new_candidate(
    diaSource_isDipole: pd.Series,
    diaSource_pixelFlags: pd.Series,
    diaSource_pixelFlags_bad: pd.Series,
    diaSource_pixelFlags_saturated: pd.Series,
    diaSource_pixelFlags_streakCenter: pd.Series,
    diaSource_pixelFlags_interpolated: pd.Series,
    diaSource_pixelFlags_cr: pd.Series,
    diaSource_pixelFlags_nodata: pd.Series,
    diaSource_pixelFlags_streak: pd.Series,
    diaSource_pixelFlags_edge: pd.Series,
    diaSource_psfFlux_flag: pd.Series,
    diaSource_apFlux_flag: pd.Series,
    diaSource_forced_PsfFlux_flag: pd.Series,
    diaSource_forced_PsfFlux_flag_edge: pd.Series,
    diaSource_shape_flag: pd.Series,
    diaSource_centroid_flag: pd.Series,
    diaSource_psfFlux: pd.Series,
    diaSource_psfFluxErr: pd.Series,
    diaSource_ra: pd.Series,
    diaSource_dec: pd.Series,
    pred_is_sso: pd.Series,
    xm_simbad_otype: pd.Series,
    xm_mangrove_lum_dist: pd.Series,
    xm_legacydr8_zphot: pd.Series,
    xm_gaiadr3_DR3Name: pd.Series,
    xm_gaiadr3_Plx: pd.Series,
    xm_gaiadr3_e_Plx: pd.Series,
    xm_vsx_Type: pd.Series,
    diaSource_midpointMjdTai: pd.Series,
    diaSource_band: pd.Series,
    misc_firstDiaSourceMjdTaiFink: pd.Series,
    diaObject_u_psfFluxNdata: pd.Series,
    diaObject_g_psfFluxNdata: pd.Series,
    diaObject_r_psfFluxNdata: pd.Series,
    diaObject_i_psfFluxNdata: pd.Series,
    diaObject_z_psfFluxNdata: pd.Series,
    diaObject_y_psfFluxNdata: pd.Series,
    prvDiaSources_midpointMjdTai: ak.Array,
    prvDiaSources_psfFlux: ak.Array,
    prvDiaSources_band: ak.Array,
) -> pd.Series:
    """Alerts beside a galaxy, less than five days old, that rise or fade fast.

    The rule is that of the topic `fink_extragalactic_new_candidate_lsst`, in
    fink-filters 7.45: brighter than 24 mag, two sources in the band, and a change since
    the latest earlier source in the band that rises by more than 0.2 mag/d within three
    days, or fades by more than 0.2 mag/d (r, i) or 0.5 mag/d (u, g).

    Parameters
    ----------
    diaSource_isDipole, diaSource_pixelFlags, …, diaSource_centroid_flag
        Sixteen flags of the source, none of which may be set.
    diaSource_psfFlux, diaSource_psfFluxErr
        Difference flux and its error [nJy].
    diaSource_ra, diaSource_dec
        Position of the source, ICRS [deg].
    pred_is_sso
        Whether Rubin knows a solar-system object there.
    xm_simbad_otype, xm_mangrove_lum_dist, xm_legacydr8_zphot
        SIMBAD type; distance in MANGROVE [Mpc]; photometric redshift in Legacy Surveys
        DR8; null where there is no match.
    xm_gaiadr3_DR3Name, xm_gaiadr3_Plx, xm_gaiadr3_e_Plx, xm_vsx_Type
        Name in Gaia DR3, parallax and its error [mas]; type in the Variable Star Index;
        null where there is no match.
    diaSource_midpointMjdTai, misc_firstDiaSourceMjdTaiFink
        Times of the alert and of the object's first source [d, MJD, TAI].
    diaSource_band
        Band of the alert.
    diaObject_u_psfFluxNdata, …, diaObject_y_psfFluxNdata
        Sources of the object in each band; null where it has no object.
    prvDiaSources_midpointMjdTai, prvDiaSources_psfFlux, prvDiaSources_band
        Time [d, MJD, TAI], difference flux [nJy] and band of the earlier sources.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False, except where the match
        of one catalogue is enough.
    """
    flags = (
        diaSource_isDipole,
        diaSource_pixelFlags,
        diaSource_pixelFlags_bad,
        diaSource_pixelFlags_saturated,
        diaSource_pixelFlags_streakCenter,
        diaSource_pixelFlags_interpolated,
        diaSource_pixelFlags_cr,
        diaSource_pixelFlags_nodata,
        diaSource_pixelFlags_streak,
        diaSource_pixelFlags_edge,
        diaSource_psfFlux_flag,
        diaSource_apFlux_flag,
        diaSource_forced_PsfFlux_flag,
        diaSource_forced_PsfFlux_flag_edge,
        diaSource_shape_flag,
        diaSource_centroid_flag,
    )
    candidate = (
        is_good(flags, diaSource_psfFlux, diaSource_psfFluxErr)
        & lies_off_plane(diaSource_ra, diaSource_dec)
        & ~pred_is_sso
        & has_galaxy(xm_simbad_otype, xm_mangrove_lum_dist, xm_legacydr8_zphot)
        & ~is_star(xm_gaiadr3_DR3Name, xm_gaiadr3_Plx, xm_gaiadr3_e_Plx, xm_vsx_Type)
    )
    counts = dict(
        zip(
            "ugrizy",
            (
                diaObject_u_psfFluxNdata,
                diaObject_g_psfFluxNdata,
                diaObject_r_psfFluxNdata,
                diaObject_i_psfFluxNdata,
                diaObject_z_psfFluxNdata,
                diaObject_y_psfFluxNdata,
            ),
            strict=True,
        )
    )
    age = diaSource_midpointMjdTai - misc_firstDiaSourceMjdTaiFink
    magnitude = apparent_magnitude(diaSource_psfFlux)
    time, flux = _latest_in_band(
        diaSource_band,
        prvDiaSources_midpointMjdTai,
        prvDiaSources_psfFlux,
        prvDiaSources_band,
    )
    change = magnitude - apparent_magnitude(flux)
    rate = change / (diaSource_midpointMjdTai - time)
    return (
        candidate
        & (age < MAX_AGE)
        & (magnitude < MAX_MAGNITUDE)
        & _is_sampled(diaSource_band, counts)
        & _changes_fast(diaSource_band, rate, age)
    )


def _is_sampled(band: pd.Series, counts: dict[str, pd.Series]) -> pd.Series:
    """Tell which objects have enough sources in the band of their alert."""
    sampled = pd.Series(data=False, index=band.index)
    for name, count in counts.items():
        sampled |= (band == name) & (count >= MIN_SOURCES_IN_BAND).fillna(value=False)
    return sampled


def _changes_fast(band: pd.Series, rate: pd.Series, age: pd.Series) -> pd.Series:
    """Tell which rates [mag/d] count, in their band and at their age [d]."""
    fast = (rate < RISING_RATE) & (age < MAX_RISING_AGE)
    for name, least in FADING_RATES.items():
        fast |= (band == name) & (rate > least)
    return fast


def _latest_in_band(
    band: pd.Series, times: ak.Array, fluxes: ak.Array, bands: ak.Array
) -> tuple[pd.Series, pd.Series]:
    """Time [d, MJD, TAI] and flux [nJy] of the latest earlier source in the band."""
    own = ak.Array(np.array(band.astype(object).where(band.notna(), ""), str))
    same = ak.fill_none(bands == own, value=False)
    latest = ak.argmax(times[same], axis=1, keepdims=True)
    found = (ak.firsts(values[same][latest]) for values in (times, fluxes))
    time, flux = (ak.to_numpy(ak.fill_none(v, np.nan)).astype(float) for v in found)
    return pd.Series(time, band.index), pd.Series(flux, band.index)
