"""What several LSST filters are built of.

The rules are those of the blocks of fink-filters 7.45 for Rubin, in our words.
"""

import functools
import operator
from collections.abc import Sequence

import numpy as np
import pandas as pd

from filters._simbad import SIMBAD_GALAXIES

MIN_SNR = 6.0
"""Least ratio of `psfFlux` to its error."""

MIN_GALACTIC_LATITUDE = 20.0
"""Distance from the Galactic plane that must be exceeded [deg]."""

MIN_PARALLAX_SNR = 5.0
"""Ratio of Gaia's parallax to its error above which a match is surely a star."""

AB_ZERO_POINT = 31.4
"""AB magnitude of 1 nJy: 2.5 log10(3631 Jy / 1 nJy), as LSST rounds it [mag]."""

POLE_RA, POLE_DEC = 192.85948, 27.12825
"""The Galactic north pole, ICRS [deg]: Hipparcos catalogue, ESA SP-1200, 1.5.3."""

HUBBLE, MATTER = 70.0, 0.3
"""Hubble constant [km/s/Mpc] and density of matter today, of a flat universe."""

LIGHT_SPEED = 299792.458
"""Speed of light [km/s]."""

UNMATCHED = ("Unknown", "Fail", "Fail 504", "None", "nan", "")
"""Texts that stand, in some versions, for no match or for one that failed."""

NOT_STELLAR = r"AGN|BLLAC|QSO|GRB|Microlens|TDE|LFBOT|SN|SLSN"
"""How the types of VSX begin that are no variable stars."""


def is_good(
    flags: Sequence[pd.Series],
    diaSource_psfFlux: pd.Series,
    diaSource_psfFluxErr: pd.Series,
) -> pd.Series:
    """Tell which sources are measured well; null is not good.

    Parameters
    ----------
    flags
        Flags of the source, none of which may be set.
    diaSource_psfFlux, diaSource_psfFluxErr
        Difference flux and its error [nJy].
    """
    flagged = functools.reduce(operator.or_, flags)
    bright = diaSource_psfFlux / diaSource_psfFluxErr >= MIN_SNR
    return ~flagged & (diaSource_psfFlux >= 0) & bright


def lies_off_plane(ra: pd.Series, dec: pd.Series) -> pd.Series:
    """Tell which positions are off the Galactic plane; null is not.

    Parameters
    ----------
    ra, dec
        Position, ICRS [deg].
    """
    return galactic_latitude(ra, dec).abs() > MIN_GALACTIC_LATITUDE


def galactic_latitude(ra: pd.Series, dec: pd.Series) -> pd.Series:
    """Galactic latitude [deg] of a position, ICRS [deg]; null is NaN.

    The angle to the Galactic pole, by the spherical law of cosines. Right ascension may
    be given in any turn: 360 is 0.
    """
    pole, here = np.radians(POLE_DEC), np.radians(dec.to_numpy(float))
    sine = np.sin(pole) * np.sin(here) + np.cos(pole) * np.cos(here) * np.cos(
        np.radians(ra.to_numpy(float) - POLE_RA)
    )
    return pd.Series(np.degrees(np.arcsin(sine.clip(-1.0, 1.0))), ra.index)


def has_galaxy(
    xm_simbad_otype: pd.Series,
    xm_mangrove_lum_dist: pd.Series,
    xm_legacydr8_zphot: pd.Series,
) -> pd.Series:
    """Tell which alerts a catalogue has a galaxy for.

    Parameters
    ----------
    xm_simbad_otype
        SIMBAD type; null where nothing is near.
    xm_mangrove_lum_dist
        Luminosity distance of the nearest galaxy of MANGROVE [Mpc]; null where none.
    xm_legacydr8_zphot
        Photometric redshift in Legacy Surveys DR8; counts only where SIMBAD has nothing
        else than a galaxy there. Null where none.
    """
    galaxy = xm_simbad_otype.isin(SIMBAD_GALAXIES)
    allowed = galaxy | xm_simbad_otype.isna() | xm_simbad_otype.isin(UNMATCHED)
    return galaxy | (xm_mangrove_lum_dist > 0) | ((xm_legacydr8_zphot > 0) & allowed)


def is_star(
    xm_gaiadr3_DR3Name: pd.Series,
    xm_gaiadr3_Plx: pd.Series,
    xm_gaiadr3_e_Plx: pd.Series,
    xm_vsx_Type: pd.Series,
) -> pd.Series:
    """Tell which alerts fall on a star, by Gaia's parallax or by VSX.

    VSX joins types freely (`EW|EA`, `M:`), so that every type counts as a star which
    does not begin as one of those that are none.

    Parameters
    ----------
    xm_gaiadr3_DR3Name
        Name in Gaia DR3; null where none.
    xm_gaiadr3_Plx, xm_gaiadr3_e_Plx
        Parallax and its error [mas].
    xm_vsx_Type
        Type in the Variable Star Index; null where none.
    """
    named = xm_gaiadr3_DR3Name.notna() & ~xm_gaiadr3_DR3Name.isin(UNMATCHED)
    in_gaia = named & (xm_gaiadr3_Plx / xm_gaiadr3_e_Plx > MIN_PARALLAX_SNR)
    kind = xm_vsx_Type.astype("string").fillna("")
    in_vsx = ~kind.isin(UNMATCHED) & ~kind.str.match(NOT_STELLAR)
    return in_gaia | in_vsx.astype(bool)


def apparent_magnitude(flux: pd.Series) -> pd.Series:
    """AB magnitude of a flux [nJy]; NaN where it is not positive, or null."""
    known = flux.astype(float).where(flux > 0).to_numpy()
    return pd.Series(AB_ZERO_POINT - 2.5 * np.log10(known), flux.index)


def distance_modulus(redshift: pd.Series) -> pd.Series:
    """Distance modulus [mag] of a redshift, flat ΛCDM; NaN where it is not positive.

    Luminosity distance as in Hogg, arXiv:astro-ph/9905116, eq. 15 and 21, the integral
    by Gauss and Legendre with 32 nodes.
    """
    z = redshift.astype(float).where(redshift > 0).to_numpy()
    nodes, weights = np.polynomial.legendre.leggauss(32)
    steps = 1.0 + z[:, None] * (nodes + 1.0) / 2.0
    integral = (weights / np.sqrt(MATTER * steps**3 + 1.0 - MATTER)).sum(axis=1) * z / 2
    megaparsec = LIGHT_SPEED / HUBBLE * (1.0 + z) * integral
    return pd.Series(5.0 * np.log10(megaparsec) + 25.0, redshift.index)
