"""Early type Ia supernova candidates, before their light curve is sampled well."""

import pandas as pd

from filters.ztf._labels import is_real, may_be_extragalactic
from nightmail import alert_filter

MIN_SCORE = 0.5
"""Least score of either SuperNNova classifier, and of the random forest [0 to 1]."""

MAX_DETECTIONS = 20
"""Most detections of an object that still counts as early."""


@alert_filter(owner="transients@example.org")
def early_sn_candidates(
    cdsxmatch: pd.Series,
    snn_snia_vs_nonia: pd.Series,
    snn_sn_vs_all: pd.Series,
    rf_snia_vs_nonia: pd.Series,
    candidate_ndethist: pd.Series,
    candidate_drb: pd.Series,
    candidate_classtar: pd.Series,
) -> pd.Series:
    """Type Ia supernova candidates with at most 20 detections.

    The rule is that of the topic `fink_early_sn_candidates_ztf`, in fink-filters 7.45;
    the random forest is that of Leoni et al., arXiv:2111.11438.

    Parameters
    ----------
    cdsxmatch
        SIMBAD label; kept are galaxies and what rules nothing out.
    snn_snia_vs_nonia, snn_sn_vs_all
        SuperNNova's scores for a type Ia and for any supernova [0 to 1].
    rf_snia_vs_nonia
        The random forest's score for an early type Ia [0 to 1].
    candidate_ndethist
        Detections of the object so far.
    candidate_drb, candidate_classtar
        Scores for a real and for a star-like source [0 to 1].

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False, except that one of the
        two SuperNNova scores is enough.
    """
    supernova = (snn_snia_vs_nonia > MIN_SCORE) | (snn_sn_vs_all > MIN_SCORE)
    return (
        supernova
        & (rf_snia_vs_nonia > MIN_SCORE)
        & (candidate_ndethist <= MAX_DETECTIONS)
        & is_real(candidate_drb, candidate_classtar)
        & may_be_extragalactic(cdsxmatch)
    )
