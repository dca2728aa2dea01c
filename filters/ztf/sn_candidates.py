"""Supernova candidates, by their light curve's classifier."""

import pandas as pd

from filters.ztf._labels import SOLAR_SYSTEM_MPC, is_real, may_be_extragalactic
from nightmail import alert_filter

MIN_SCORE = 0.5
"""Least score of either SuperNNova classifier [0 to 1]."""

MAX_AGE = 90.0
"""Longest time since the first detection [d]."""

MIN_DETECTIONS = 2
"""Fewest detections, the alert's own among them."""


@alert_filter(owner="transients@example.org")
def sn_candidates(
    cdsxmatch: pd.Series,
    snn_snia_vs_nonia: pd.Series,
    snn_sn_vs_all: pd.Series,
    candidate_drb: pd.Series,
    candidate_classtar: pd.Series,
    candidate_jd: pd.Series,
    candidate_jdstarthist: pd.Series,
    roid: pd.Series,
    candidate_ndethist: pd.Series,
) -> pd.Series:
    """Supernova candidates up to 90 days old, by SuperNNova.

    The rule is that of the topic `fink_sn_candidates_ztf`, in fink-filters 7.45.

    Parameters
    ----------
    cdsxmatch
        SIMBAD label; kept are galaxies and what rules nothing out.
    snn_snia_vs_nonia, snn_sn_vs_all
        SuperNNova's scores for a type Ia and for any supernova [0 to 1].
    candidate_drb, candidate_classtar
        Scores for a real and for a star-like source [0 to 1].
    candidate_jd, candidate_jdstarthist
        Times of the alert and of the object's first detection [d, JD, UTC].
    roid
        Solar-system flag; 3 is an object known to the Minor Planet Center.
    candidate_ndethist
        Detections of the object so far.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False, except that one of the
        two SuperNNova scores is enough.
    """
    supernova = (snn_snia_vs_nonia > MIN_SCORE) | (snn_sn_vs_all > MIN_SCORE)
    return (
        supernova
        & may_be_extragalactic(cdsxmatch)
        & is_real(candidate_drb, candidate_classtar)
        & (candidate_jd - candidate_jdstarthist <= MAX_AGE)
        & (roid != SOLAR_SYSTEM_MPC)
        & (candidate_ndethist >= MIN_DETECTIONS)
    )
