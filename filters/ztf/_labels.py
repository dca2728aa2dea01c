"""Words and thresholds that several ZTF filters share."""

import pandas as pd

from filters._simbad import SIMBAD_GALAXIES, SIMBAD_UNKNOWN

SOLAR_SYSTEM_MPC = 3
"""Value of `roid`: an object that the Minor Planet Center knows stands there."""

MIN_DRB = 0.5
"""Least deep-learning score for a real source [0 to 1]."""

MIN_CLASSTAR = 0.4
"""Least star-likeness of the source's shape, by SExtractor [0 to 1]."""


def may_be_extragalactic(cdsxmatch: pd.Series) -> pd.Series:
    """Tell which SIMBAD labels allow an extragalactic transient.

    Parameters
    ----------
    cdsxmatch
        SIMBAD label; null where the match was not made, which is False.
    """
    return cdsxmatch.isin([*SIMBAD_GALAXIES, *SIMBAD_UNKNOWN])


def is_real(candidate_drb: pd.Series, candidate_classtar: pd.Series) -> pd.Series:
    """Tell which sources look like a real star-like source; null is False.

    Parameters
    ----------
    candidate_drb
        Deep-learning score for a real source [0 to 1].
    candidate_classtar
        Star-likeness of the shape [0 to 1].
    """
    return (candidate_drb > MIN_DRB) & (candidate_classtar > MIN_CLASSTAR)
