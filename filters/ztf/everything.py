"""The whole stream on one topic."""

import pandas as pd

from nightmail import alert_filter


@alert_filter(owner="operators@example.org", on_by_default=False)
def everything(candid: pd.Series) -> pd.Series:
    """All alerts of the night; off by default.

    What Fink's manual called DISTRIBUTION_TOPIC.

    Parameters
    ----------
    candid
        Name of the alert; every alert has one.

    Returns
    -------
    pandas.Series of bool, shape (n,)
        True to keep, on the given index. A null input is False.
    """
    return candid.notna()
