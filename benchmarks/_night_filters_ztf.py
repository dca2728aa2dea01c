"""Twenty filters of ZTF, of the kinds that the field has, and their twins for Spark.

A filter is a function of columns, as the product has them; `SPARK` has the same rule in
Spark's SQL. Scores are compared with numbers that a float holds exactly, so that it
does not matter who compares in single precision.
"""
# ruff: noqa: N803, PLR0913, PLR0917, PLR2004 - the survey's columns, and thresholds

from typing import Any

import awkward as ak
import numpy as np
import pandas as pd

from nightmail import alert_filter

OWNER = "benchmarks@example.org"

BLAZARS = ["Blazar", "Blazar_Candidate", "BLLac", "BLLac_Candidate"]
YOUNG = ["YSO_Candidate", "Candidate_YSO", "TTau*_Candidate", "Candidate_TTau*"]
LENSES = ["GravLens", "LensedQ", "LensedImage", "LensSystem", "GravLens_Candidate"]
ACTIVE = ["QSO", "AGN", "Seyfert_1"]
HOSTS = ["Unknown", "Galaxy", "Seyfert_1", "EmG", "GinGroup", "SN", "Transient"]
"""SIMBAD's labels by what they allow."""


def _words(labels: list[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


def _real(drb: pd.Series, classtar: pd.Series) -> pd.Series:
    return (drb > 0.5) & (classtar > 0.375)


REAL = "candidate_drb > 0.5 AND candidate_classtar > 0.375"
HOSTED = f"cdsxmatch IN ({_words(HOSTS)})"


@alert_filter(owner=OWNER, survey="ztf")
def b_blazars(cdsxmatch: pd.Series, candidate_magpsf: pd.Series) -> pd.Series:
    return cdsxmatch.isin(BLAZARS) & (candidate_magpsf < 19)


@alert_filter(owner=OWNER, survey="ztf")
def b_young_stars(cdsxmatch: pd.Series, candidate_magpsf: pd.Series) -> pd.Series:
    return cdsxmatch.isin(YOUNG) & (candidate_magpsf < 19)


@alert_filter(owner=OWNER, survey="ztf")
def b_lenses(cdsxmatch: pd.Series) -> pd.Series:
    return cdsxmatch.isin(LENSES)


@alert_filter(owner=OWNER, survey="ztf")
def b_active_galaxies(cdsxmatch: pd.Series, candidate_magpsf: pd.Series) -> pd.Series:
    return cdsxmatch.isin(ACTIVE) & (candidate_magpsf < 17.25)


@alert_filter(owner=OWNER, survey="ztf")
def b_gamma_ray(x4lac: pd.Series, candidate_magpsf: pd.Series) -> pd.Series:
    return x4lac.notna() & ~x4lac.isin(["Unknown"]) & (candidate_magpsf < 19)


@alert_filter(owner=OWNER, survey="ztf")
def b_known_transients(
    tns: pd.Series, candidate_jd: pd.Series, candidate_jdstarthist: pd.Series
) -> pd.Series:
    known = tns.notna() & ~tns.isin([""])
    return known & (candidate_jd - candidate_jdstarthist <= 90)


@alert_filter(owner=OWNER, survey="ztf")
def b_solar_candidates(roid: pd.Series) -> pd.Series:
    return roid == 2


@alert_filter(owner=OWNER, survey="ztf")
def b_first_seen(roid: pd.Series, candidate_magpsf: pd.Series) -> pd.Series:
    return (roid == 1) & (candidate_magpsf < 17)


@alert_filter(owner=OWNER, survey="ztf")
def b_microlensing(mulens: pd.Series) -> pd.Series:
    return mulens > 0.25


@alert_filter(owner=OWNER, survey="ztf")
def b_supernovae(
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
    return (
        ((snn_snia_vs_nonia > 0.6875) | (snn_sn_vs_all > 0.6875))
        & _real(candidate_drb, candidate_classtar)
        & (candidate_jd - candidate_jdstarthist <= 90)
        & (roid != 3)
        & (candidate_ndethist > 1)
        & cdsxmatch.isin(HOSTS)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_early_supernovae(
    cdsxmatch: pd.Series,
    snn_snia_vs_nonia: pd.Series,
    snn_sn_vs_all: pd.Series,
    rf_snia_vs_nonia: pd.Series,
    candidate_ndethist: pd.Series,
    candidate_drb: pd.Series,
    candidate_classtar: pd.Series,
) -> pd.Series:
    return (
        ((snn_snia_vs_nonia > 0.5) | (snn_sn_vs_all > 0.5))
        & (rf_snia_vs_nonia > 0.5)
        & (candidate_ndethist <= 20)
        & _real(candidate_drb, candidate_classtar)
        & cdsxmatch.isin(HOSTS)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_sure_supernovae(
    snn_snia_vs_nonia: pd.Series, snn_sn_vs_all: pd.Series, roid: pd.Series
) -> pd.Series:
    return (snn_snia_vs_nonia > 0.75) & (snn_sn_vs_all > 0.75) & (roid != 3)


@alert_filter(owner=OWNER, survey="ztf")
def b_kilonovae(
    rf_kn_vs_nonkn: pd.Series,
    candidate_drb: pd.Series,
    candidate_classtar: pd.Series,
    candidate_jd: pd.Series,
    candidate_jdstarthist: pd.Series,
    candidate_ndethist: pd.Series,
    roid: pd.Series,
    cdsxmatch: pd.Series,
) -> pd.Series:
    return (
        (rf_kn_vs_nonkn > 0.5)
        & _real(candidate_drb, candidate_classtar)
        & (candidate_jd - candidate_jdstarthist < 5)
        & (candidate_ndethist < 20)
        & (roid != 3)
        & cdsxmatch.isin(HOSTS)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_hostless(
    candidate_distnr: pd.Series,
    cdsxmatch: pd.Series,
    DR3Name: pd.Series,
    roid: pd.Series,
    candidate_ndethist: pd.Series,
    anomaly_score: pd.Series,
) -> pd.Series:
    return (
        (candidate_distnr > 1.5)
        & cdsxmatch.isin(["Unknown"])
        & DR3Name.isin(["nan"])
        & (roid == 0)
        & (candidate_ndethist <= 5)
        & (anomaly_score < -0.02)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_faint_transients(
    candidate_magpsf: pd.Series,
    candidate_drb: pd.Series,
    cdsxmatch: pd.Series,
    roid: pd.Series,
    anomaly_score: pd.Series,
) -> pd.Series:
    return (
        (candidate_magpsf > 19.5)
        & (candidate_drb > 0.5)
        & cdsxmatch.isin(["Unknown"])
        & (roid != 3)
        & (anomaly_score < -0.024)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_anomalies(anomaly_score: pd.Series, roid: pd.Series) -> pd.Series:
    return (anomaly_score < -0.0258) & (roid == 0)


@alert_filter(owner=OWNER, survey="ztf")
def b_flares(
    Plx: pd.Series,
    e_Plx: pd.Series,
    candidate_magpsf: pd.Series,
    candidate_magnr: pd.Series,
    snn_sn_vs_all: pd.Series,
) -> pd.Series:
    return (
        (Plx / e_Plx > 5) & (candidate_magpsf < candidate_magnr) & (snn_sn_vs_all > 0.5)
    )


@alert_filter(owner=OWNER, survey="ztf")
def b_fast_rates(mag_rate: pd.Series, sigma_rate: pd.Series) -> pd.Series:
    return (mag_rate < -4) & (sigma_rate < 1)


@alert_filter(owner=OWNER, survey="ztf")
def b_risers(
    candidate_magpsf: pd.Series,
    prv_candidates_magpsf: Any,
    snn_sn_vs_all: pd.Series,
    roid: pd.Series,
) -> pd.Series:
    brightest = ak.fill_none(ak.min(prv_candidates_magpsf, axis=1), np.nan)
    earlier = pd.Series(ak.to_numpy(brightest), dtype=np.float32)
    rise = earlier - candidate_magpsf
    return (rise > 0.25) & (snn_sn_vs_all > 0.5) & (roid == 0)


@alert_filter(owner=OWNER, survey="ztf")
def b_outbursts(
    candidate_magpsf: pd.Series,
    prv_candidates_magpsf: Any,
    rf_kn_vs_nonkn: pd.Series,
) -> pd.Series:
    faintest = ak.fill_none(ak.max(prv_candidates_magpsf, axis=1), np.nan)
    earlier = pd.Series(ak.to_numpy(faintest), dtype=np.float32)
    rise = earlier - candidate_magpsf
    return (rise > 0.5) & (rf_kn_vs_nonkn > 0.5)


def _risers_per_row(
    magpsf: pd.Series, history: pd.Series, score: pd.Series, roid: pd.Series
) -> pd.Series:
    rise = history.map(_brightest).astype(np.float32) - magpsf
    return (rise > 0.25) & (score > 0.5) & (roid == 0)


def _outbursts_per_row(
    magpsf: pd.Series, history: pd.Series, score: pd.Series
) -> pd.Series:
    rise = history.map(_faintest).astype(np.float32) - magpsf
    return (rise > 0.5) & (score > 0.5)


def _brightest(magnitudes: Any) -> float:
    known = _known(magnitudes)
    return float(known.min()) if len(known) else np.nan


def _faintest(magnitudes: Any) -> float:
    known = _known(magnitudes)
    return float(known.max()) if len(known) else np.nan


def _known(values: Any) -> Any:
    """Take what is no null, of one alert's history as Spark hands it over."""
    if values is None:
        return np.empty(0)
    numbers = np.asarray(values, float)
    return numbers[~np.isnan(numbers)]


PER_ROW = {"b_risers": _risers_per_row, "b_outbursts": _outbursts_per_row}
"""What reads histories, as it is written for `pandas_udf`: a row at a time."""

SPARK = {
    "b_blazars": f"cdsxmatch IN ({_words(BLAZARS)}) AND candidate_magpsf < 19",
    "b_young_stars": f"cdsxmatch IN ({_words(YOUNG)}) AND candidate_magpsf < 19",
    "b_lenses": f"cdsxmatch IN ({_words(LENSES)})",
    "b_active_galaxies": (
        f"cdsxmatch IN ({_words(ACTIVE)}) AND candidate_magpsf < 17.25"
    ),
    "b_gamma_ray": "x4lac != 'Unknown' AND candidate_magpsf < 19",
    "b_known_transients": "tns != '' AND candidate_jd - candidate_jdstarthist <= 90",
    "b_solar_candidates": "roid = 2",
    "b_first_seen": "roid = 1 AND candidate_magpsf < 17",
    "b_microlensing": "mulens > 0.25",
    "b_supernovae": (
        "(snn_snia_vs_nonia > 0.6875 OR snn_sn_vs_all > 0.6875)"
        f" AND {REAL} AND candidate_jd - candidate_jdstarthist <= 90 AND roid != 3"
        f" AND candidate_ndethist > 1 AND {HOSTED}"
    ),
    "b_early_supernovae": (
        "(snn_snia_vs_nonia > 0.5 OR snn_sn_vs_all > 0.5) AND rf_snia_vs_nonia > 0.5"
        f" AND candidate_ndethist <= 20 AND {REAL} AND {HOSTED}"
    ),
    "b_sure_supernovae": (
        "snn_snia_vs_nonia > 0.75 AND snn_sn_vs_all > 0.75 AND roid != 3"
    ),
    "b_kilonovae": (
        f"rf_kn_vs_nonkn > 0.5 AND {REAL}"
        " AND candidate_jd - candidate_jdstarthist < 5 AND candidate_ndethist < 20"
        f" AND roid != 3 AND {HOSTED}"
    ),
    "b_hostless": (
        "candidate_distnr > 1.5 AND cdsxmatch = 'Unknown' AND DR3Name = 'nan'"
        " AND roid = 0 AND candidate_ndethist <= 5 AND anomaly_score < -0.02D"
    ),
    "b_faint_transients": (
        "candidate_magpsf > 19.5 AND candidate_drb > 0.5 AND cdsxmatch = 'Unknown'"
        " AND roid != 3 AND anomaly_score < -0.024D"
    ),
    "b_anomalies": "anomaly_score < -0.0258D AND roid = 0",
    "b_flares": (
        "NOT isnan(Plx) AND Plx / e_Plx > 5"
        " AND candidate_magpsf < candidate_magnr AND snn_sn_vs_all > 0.5"
    ),
    "b_fast_rates": "mag_rate < -4 AND sigma_rate < 1",
    "b_risers": (
        "array_min(prv_candidates_magpsf) - candidate_magpsf > 0.25"
        " AND snn_sn_vs_all > 0.5 AND roid = 0"
    ),
    "b_outbursts": (
        "array_max(prv_candidates_magpsf) - candidate_magpsf > 0.5"
        " AND rf_kn_vs_nonkn > 0.5"
    ),
}
"""The rule of each filter in Spark's SQL, over the columns' flat names."""
