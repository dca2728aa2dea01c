"""Solar-system objects."""

import pandas as pd

from nightmail import alert_filter


@alert_filter(owner="solar-system@example.org")
def is_solar_system(pred_is_sso: pd.Series) -> pd.Series:
    """Solar-system objects that Rubin recognised.

    The rule is that of the topic `fink_is_solar_system_lsst`, in fink-filters 7.45.

    Parameters
    ----------
    pred_is_sso
        Whether Rubin knows a solar-system object there.

    Returns
    -------
    pandas.Series of boolean, shape (n,)
        True to keep, on the given index. A null input is False.
    """
    return pred_is_sso
