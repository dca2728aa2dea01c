"""Microlensing candidates."""

import pandas as pd

from nightmail import alert_filter


@alert_filter(owner="transients@example.org")
def microlensing_candidates(mulens: pd.Series) -> pd.Series:
    """Microlensing candidates that both bands favour.

    The rule is that of the topic `fink_microlensing_candidates_ztf`, in fink-filters
    7.45; the classifier is LIA (Godines et al. 2019).

    Parameters
    ----------
    mulens
        Mean of both bands' probabilities [0 to 1]; 0 unless both favour microlensing,
        null where the classifier was not run.

    Returns
    -------
    pandas.Series of bool, shape (n,)
        True to keep, on the given index. A null input is False.
    """
    return mulens > 0
