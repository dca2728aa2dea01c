"""Supernova candidates beside a catalogued galaxy."""

import pandas as pd

from filters.lsst._blocks import (
    apparent_magnitude,
    distance_modulus,
    has_galaxy,
    is_good,
    is_star,
    lies_off_plane,
)
from nightmail import alert_filter

MIN_SOURCES = 6
"""Fewest sources of the object."""

BRIGHTEST, FAINTEST = -23.0, -13.0
"""Absolute magnitudes between which supernovae peak, before the peak too [mag, AB]."""


@alert_filter(owner="transients@example.org")
def sn_near_galaxy_candidate(
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
    diaObject_nDiaSources: pd.Series,
    diaObject_u_psfFluxMax: pd.Series,
    diaObject_g_psfFluxMax: pd.Series,
    diaObject_r_psfFluxMax: pd.Series,
    diaObject_i_psfFluxMax: pd.Series,
    diaObject_z_psfFluxMax: pd.Series,
    diaObject_y_psfFluxMax: pd.Series,
) -> pd.Series:
    """Alerts beside a galaxy that are as luminous as a supernova.

    The rule is that of the topic `fink_sn_near_galaxy_candidate_lsst`, in fink-filters
    7.45. The distance is that of the photometric redshift, not MANGROVE's: an alert
    without one is not kept.

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
    diaObject_nDiaSources
        Sources of the object so far; null where it has no object.
    diaObject_u_psfFluxMax, …, diaObject_y_psfFluxMax
        Largest difference flux in each band [nJy]; null where there is none.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False, except where the match
        of one catalogue, or the flux in one band, is enough.
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
    fluxes = (
        diaObject_u_psfFluxMax,
        diaObject_g_psfFluxMax,
        diaObject_r_psfFluxMax,
        diaObject_i_psfFluxMax,
        diaObject_z_psfFluxMax,
        diaObject_y_psfFluxMax,
    )
    peak = apparent_magnitude(pd.concat(fluxes, axis=1).max(axis=1))
    absolute = peak - distance_modulus(xm_legacydr8_zphot)
    luminous = (absolute > BRIGHTEST) & (absolute < FAINTEST)
    return candidate & (diaObject_nDiaSources >= MIN_SOURCES) & luminous
