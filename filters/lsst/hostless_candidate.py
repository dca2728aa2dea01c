"""Transients without a host galaxy in the template."""

import pandas as pd

from filters.lsst._blocks import apparent_magnitude, is_good, lies_off_plane
from nightmail import alert_filter

MAX_TEMPLATE_SCORE = 0.95
"""Kolmogorov-Smirnov score that a template without a host stays below [0 to 1]."""

MAX_MAGNITUDE = 21.5
"""Faintest source for which the cutouts tell a host [mag, AB]."""


@alert_filter(owner="transients@example.org")
def hostless_candidate(
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
    clf_elephant_kstest_template: pd.Series,
) -> pd.Series:
    """Bright sources off the Galactic plane that have no host in the template.

    The rule is that of the topic `fink_hostless_candidate_lsst`, in fink-filters 7.45;
    the score is that of ELEPHANT, Pessi et al., arXiv:2404.18165.

    Parameters
    ----------
    diaSource_isDipole, diaSource_pixelFlags, …, diaSource_centroid_flag
        Sixteen flags of the source, none of which may be set.
    diaSource_psfFlux, diaSource_psfFluxErr
        Difference flux and its error [nJy].
    diaSource_ra, diaSource_dec
        Position of the source, ICRS [deg].
    clf_elephant_kstest_template
        How much the template's cutout differs from noise [0 to 1]; null where it was
        not computed.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False.
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
    return (
        is_good(flags, diaSource_psfFlux, diaSource_psfFluxErr)
        & (clf_elephant_kstest_template < MAX_TEMPLATE_SCORE)
        & lies_off_plane(diaSource_ra, diaSource_dec)
        & (apparent_magnitude(diaSource_psfFlux) <= MAX_MAGNITUDE)
    )
