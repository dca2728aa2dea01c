"""Twenty filters of LSST, and their twins for Spark, as those of ZTF beside them."""
# ruff: noqa: N803, PLR2004 - the survey's columns, and thresholds

from typing import Any

import awkward as ak
import numpy as np
import pandas as pd

from nightmail import alert_filter

OWNER = "benchmarks@example.org"

BLAZARS = ["Blazar", "BLLac", "Bla", "BL?"]
YOUNG = ["YSO", "TTau*", "Y*?"]
ERUPTIVE = ["CataclyV*", "CV*", "No*", "DQ*"]


def _words(labels: list[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


@alert_filter(owner=OWNER, survey="lsst")
def b_blazars(xm_simbad_otype: pd.Series) -> pd.Series:
    return xm_simbad_otype.isin(BLAZARS)


@alert_filter(owner=OWNER, survey="lsst")
def b_young_stars(xm_simbad_otype: pd.Series) -> pd.Series:
    return xm_simbad_otype.isin(YOUNG)


@alert_filter(owner=OWNER, survey="lsst")
def b_cataclysmic(xm_simbad_otype: pd.Series, diaSource_snr: pd.Series) -> pd.Series:
    return xm_simbad_otype.isin(ERUPTIVE) & (diaSource_snr > 10)


@alert_filter(owner=OWNER, survey="lsst")
def b_known_transients(xm_tns_fullname: pd.Series) -> pd.Series:
    return xm_tns_fullname.notna()


@alert_filter(owner=OWNER, survey="lsst")
def b_moving(pred_is_sso: pd.Series, diaSource_snr: pd.Series) -> pd.Series:
    return pred_is_sso & (diaSource_snr > 50)


@alert_filter(owner=OWNER, survey="lsst")
def b_supernovae(
    clf_cats_class: pd.Series, clf_cats_score: pd.Series, pred_is_sso: pd.Series
) -> pd.Series:
    return (clf_cats_class == 11) & (clf_cats_score > 0.875) & ~pred_is_sso


@alert_filter(owner=OWNER, survey="lsst")
def b_sure_supernovae(
    clf_snnSnVsOthers_score: pd.Series,
    clf_cats_score: pd.Series,
    pred_is_sso: pd.Series,
) -> pd.Series:
    return (clf_snnSnVsOthers_score > 0.75) & (clf_cats_score > 0.875) & ~pred_is_sso


@alert_filter(owner=OWNER, survey="lsst")
def b_early_supernovae(
    clf_earlySNIa_score: pd.Series, clf_snnSnVsOthers_score: pd.Series
) -> pd.Series:
    return (clf_earlySNIa_score > 0.5) & (clf_snnSnVsOthers_score > 0.25)


@alert_filter(owner=OWNER, survey="lsst")
def b_fast(clf_cats_class: pd.Series, clf_cats_score: pd.Series) -> pd.Series:
    return (clf_cats_class == 12) & (clf_cats_score > 0.75)


@alert_filter(owner=OWNER, survey="lsst")
def b_long(clf_cats_class: pd.Series, clf_cats_score: pd.Series) -> pd.Series:
    return (clf_cats_class == 13) & (clf_cats_score > 0.75)


@alert_filter(owner=OWNER, survey="lsst")
def b_periodic(clf_cats_class: pd.Series, clf_cats_score: pd.Series) -> pd.Series:
    return (clf_cats_class == 21) & (clf_cats_score > 0.875)


@alert_filter(owner=OWNER, survey="lsst")
def b_active_galaxies(
    clf_cats_class: pd.Series, clf_cats_score: pd.Series
) -> pd.Series:
    return (clf_cats_class == 22) & (clf_cats_score > 0.875)


@alert_filter(owner=OWNER, survey="lsst")
def b_hostless(
    clf_elephant_kstest_template: pd.Series,
    pred_is_sso: pd.Series,
    xm_simbad_otype: pd.Series,
) -> pd.Series:
    unlike = clf_elephant_kstest_template < 0.125
    return unlike & ~pred_is_sso & xm_simbad_otype.isna()


@alert_filter(owner=OWNER, survey="lsst")
def b_parallaxes(xm_gaiadr3_Plx: pd.Series, xm_gaiadr3_e_Plx: pd.Series) -> pd.Series:
    return (xm_gaiadr3_Plx / xm_gaiadr3_e_Plx > 5) & (xm_gaiadr3_Plx > 2)


@alert_filter(owner=OWNER, survey="lsst")
def b_near_galaxies(
    xm_mangrove_lum_dist: pd.Series,
    clf_snnSnVsOthers_score: pd.Series,
    diaSource_reliability: pd.Series,
) -> pd.Series:
    return (
        (xm_mangrove_lum_dist < 200)
        & (clf_snnSnVsOthers_score > 0.125)
        & (diaSource_reliability > 0.5)
    )


@alert_filter(owner=OWNER, survey="lsst")
def b_photometric_hosts(
    xm_legacydr8_zphot: pd.Series, clf_snnSnVsOthers_score: pd.Series
) -> pd.Series:
    return (xm_legacydr8_zphot < 0.5) & (clf_snnSnVsOthers_score > 0.75)


@alert_filter(owner=OWNER, survey="lsst")
def b_trails(
    diaSource_trailLength: pd.Series,
    diaSource_snr: pd.Series,
    diaSource_isDipole: pd.Series,
) -> pd.Series:
    return (diaSource_trailLength > 2) & (diaSource_snr > 10) & ~diaSource_isDipole


@alert_filter(owner=OWNER, survey="lsst")
def b_sample(diaSourceId: pd.Series) -> pd.Series:
    return diaSourceId % 113 == 0


@alert_filter(owner=OWNER, survey="lsst")
def b_outbursts(
    diaSource_psfFlux: pd.Series,
    prvDiaSources_psfFlux: Any,
    clf_snnSnVsOthers_score: pd.Series,
) -> pd.Series:
    brightest = ak.fill_none(ak.max(prvDiaSources_psfFlux, axis=1), np.nan)
    excess = diaSource_psfFlux - pd.Series(ak.to_numpy(brightest), dtype=np.float32)
    return (excess > 0) & (clf_snnSnVsOthers_score > 0.5)


@alert_filter(owner=OWNER, survey="lsst")
def b_dips(
    diaSource_psfFlux: pd.Series,
    prvDiaSources_psfFlux: Any,
    clf_earlySNIa_score: pd.Series,
) -> pd.Series:
    faintest = ak.fill_none(ak.min(prvDiaSources_psfFlux, axis=1), np.nan)
    excess = diaSource_psfFlux - pd.Series(ak.to_numpy(faintest), dtype=np.float32)
    return (excess < 16384) & (clf_earlySNIa_score > 0.5)


def _outbursts_per_row(
    flux: pd.Series, history: pd.Series, score: pd.Series
) -> pd.Series:
    brightest = history.map(lambda fluxes: _extreme(fluxes, np.max))
    return (flux - brightest.astype(np.float32) > 0) & (score > 0.5)


def _dips_per_row(flux: pd.Series, history: pd.Series, score: pd.Series) -> pd.Series:
    faintest = history.map(lambda fluxes: _extreme(fluxes, np.min))
    return (flux - faintest.astype(np.float32) < 16384) & (score > 0.5)


def _extreme(fluxes: Any, which: Any) -> float:
    """Take an extreme of one alert's history as Spark hands it over, nulls left out."""
    if fluxes is None:
        return np.nan
    numbers = np.asarray(fluxes, float)
    known = numbers[~np.isnan(numbers)]
    return float(which(known)) if len(known) else np.nan


PER_ROW = {"b_outbursts": _outbursts_per_row, "b_dips": _dips_per_row}
"""What reads histories, as it is written for `pandas_udf`: a row at a time."""

SPARK = {
    "b_blazars": f"xm_simbad_otype IN ({_words(BLAZARS)})",
    "b_young_stars": f"xm_simbad_otype IN ({_words(YOUNG)})",
    "b_cataclysmic": f"xm_simbad_otype IN ({_words(ERUPTIVE)}) AND diaSource_snr > 10",
    "b_known_transients": "xm_tns_fullname IS NOT NULL",
    "b_moving": "pred_is_sso AND diaSource_snr > 50",
    "b_supernovae": (
        "clf_cats_class = 11 AND clf_cats_score > 0.875 AND NOT pred_is_sso"
    ),
    "b_sure_supernovae": (
        "clf_snnSnVsOthers_score > 0.75 AND clf_cats_score > 0.875 AND NOT pred_is_sso"
    ),
    "b_early_supernovae": (
        "clf_earlySNIa_score > 0.5 AND clf_snnSnVsOthers_score > 0.25"
    ),
    "b_fast": "clf_cats_class = 12 AND clf_cats_score > 0.75",
    "b_long": "clf_cats_class = 13 AND clf_cats_score > 0.75",
    "b_periodic": "clf_cats_class = 21 AND clf_cats_score > 0.875",
    "b_active_galaxies": "clf_cats_class = 22 AND clf_cats_score > 0.875",
    "b_hostless": (
        "clf_elephant_kstest_template < 0.125 AND NOT pred_is_sso"
        " AND xm_simbad_otype IS NULL"
    ),
    "b_parallaxes": "xm_gaiadr3_Plx / xm_gaiadr3_e_Plx > 5 AND xm_gaiadr3_Plx > 2",
    "b_near_galaxies": (
        "xm_mangrove_lum_dist < 200 AND clf_snnSnVsOthers_score > 0.125"
        " AND diaSource_reliability > 0.5"
    ),
    "b_photometric_hosts": (
        "xm_legacydr8_zphot < 0.5 AND clf_snnSnVsOthers_score > 0.75"
    ),
    "b_trails": (
        "diaSource_trailLength > 2 AND diaSource_snr > 10 AND NOT diaSource_isDipole"
    ),
    "b_sample": "diaSourceId % 113 = 0",
    "b_outbursts": (
        "diaSource_psfFlux - array_max(prvDiaSources_psfFlux) > 0"
        " AND clf_snnSnVsOthers_score > 0.5"
    ),
    "b_dips": (
        "diaSource_psfFlux - array_min(prvDiaSources_psfFlux) < 16384"
        " AND clf_earlySNIa_score > 0.5"
    ),
}
"""The rule of each filter in Spark's SQL, over the columns' flat names."""
