"""Kilonova candidates, by a classifier."""

import pandas as pd

from filters.ztf._labels import SOLAR_SYSTEM_MPC, is_real, may_be_extragalactic
from nightmail import alert_filter

MIN_SCORE = 0.5
"""Least score of the random forest [0 to 1]."""

MAX_AGE = 5.0
"""Time since the first detection that must not have passed [d]."""

MAX_DETECTIONS = 19
"""Most detections of an object this young."""


@alert_filter(owner="transients@example.org")
def kn_candidates(
    rf_kn_vs_nonkn: pd.Series,
    candidate_drb: pd.Series,
    candidate_classtar: pd.Series,
    candidate_jd: pd.Series,
    candidate_jdstarthist: pd.Series,
    candidate_ndethist: pd.Series,
    cdsxmatch: pd.Series,
    roid: pd.Series,
) -> pd.Series:
    """Kilonova candidates less than five days old, by random forest.

    The rule is that of the topic `fink_kn_candidates_ztf`, in fink-filters 7.45; the
    classifier is that of Biswas et al., arXiv:2210.17433.

    Parameters
    ----------
    rf_kn_vs_nonkn
        The random forest's score for a kilonova [0 to 1].
    candidate_drb, candidate_classtar
        Scores for a real and for a star-like source [0 to 1].
    candidate_jd, candidate_jdstarthist
        Times of the alert and of the object's first detection [d, JD, UTC].
    candidate_ndethist
        Detections of the object so far.
    cdsxmatch
        SIMBAD label; kept are galaxies and what rules nothing out.
    roid
        Solar-system flag; 3 is an object known to the Minor Planet Center.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False.
    """
    return (
        (rf_kn_vs_nonkn > MIN_SCORE)
        & is_real(candidate_drb, candidate_classtar)
        & (candidate_jd - candidate_jdstarthist < MAX_AGE)
        & (candidate_ndethist <= MAX_DETECTIONS)
        & (roid != SOLAR_SYSTEM_MPC)
        & may_be_extragalactic(cdsxmatch)
    )
