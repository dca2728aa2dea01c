"""Alerts that the Transient Name Server knows."""

import pandas as pd

from nightmail import alert_filter


@alert_filter(owner="transients@example.org")
def in_tns(xm_tns_fullname: pd.Series) -> pd.Series:
    """Alerts with a name in the Transient Name Server.

    The meaning is that of the topic `fink_in_tns_lsst`, in fink-filters 7.45, which by
    pandas' version keeps all alerts or those that have a name: here, those.

    Parameters
    ----------
    xm_tns_fullname
        Name in the Transient Name Server; null or empty where it has none.

    Returns
    -------
    pandas.Series of bool, shape (n,)
        True to keep, on the given index. A null input is False.
    """
    return xm_tns_fullname.notna() & (xm_tns_fullname != "")
