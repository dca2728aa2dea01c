"""The class of an alert, for summaries and channels: one function per survey."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from filters.ztf.early_sn_candidates import early_sn_candidates
from filters.ztf.kn_candidates import kn_candidates
from filters.ztf.microlensing_candidates import microlensing_candidates
from filters.ztf.sn_candidates import sn_candidates
from nightmail.evaluate import answer, read_column
from settings.errors import NothingThereError

UNKNOWN = "Unknown"
"""Class of an alert of which nothing is known."""

AMBIGUOUS = "Ambiguous"
"""Class of an alert for which rules speak that exclude each other."""

NO_LABEL = ("", "Unknown", "None", "nan")
"""Texts that stand, in some versions, for no label at all."""

NO_SIMBAD_LABEL = r"Unknown$|Transient$|Fail|Galaxy"
"""Labels that say nothing of the alert: no match, a failed one, and a host."""

CANDIDATE, KNOWN = 2, 3
"""Values of `roid`: a solar-system candidate, and one that the MPC knows."""

CLASSIFIER_NAMES = {11: "SN-like", 12: "Fast", 13: "Long", 21: "Periodic", 22: "AGN"}
"""Classes of CATS, the LSST light-curve classifier; anything else is no class."""

SOLAR_SYSTEM = "Solar System"
"""Class of what Rubin recognised as a solar-system object."""

ZTF_COLUMNS: dict[str, Any] = {
    "finkclass": pa.string(),
    "cdsxmatch": pa.string(),
    "roid": pa.int64(),
    "tracklet": pa.string(),
    "mulens": pa.float64(),
    "snn_snia_vs_nonia": pa.float64(),
    "snn_sn_vs_all": pa.float64(),
    "rf_snia_vs_nonia": pa.float64(),
    "rf_kn_vs_nonkn": pa.float64(),
    "candidate_drb": pa.float64(),
    "candidate_classtar": pa.float64(),
    "candidate_jd": pa.float64(),
    "candidate_jdstarthist": pa.float64(),
    "candidate_ndethist": pa.int64(),
}
"""What the class of a ZTF alert is read from, and its type where a file lacks it."""

LSST_COLUMNS: dict[str, Any] = {
    "pred_is_sso": pa.bool_(),
    "pred_main_label_crossmatch": pa.string(),
    "pred_main_label_classifier": pa.int64(),
}
"""The same for LSST."""

COLUMNS = {"ztf": ZTF_COLUMNS, "lsst": LSST_COLUMNS}
"""The columns of each survey."""

Labels = npt.NDArray[np.object_]
"""One label per alert."""


def class_columns(survey: str) -> tuple[str, ...]:
    """Flat names of the columns from which the class is read.

    Raises
    ------
    NothingThereError
        There is no such survey.
    """
    return tuple(_types(survey))


def classify(survey: str, batch: pa.RecordBatch) -> pa.StringArray:
    """Name the class of every alert.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    batch
        Narrow batch with the class columns under their flat names, shape (n,). One that
        is absent, because the file is older, counts as null.

    Returns
    -------
    pyarrow.Array of string, shape (n,)
        The class; `Unknown` where there is none, never null.

    Raises
    ------
    NothingThereError
        There is no such survey.
    """
    columns = _complete(batch, _types(survey))
    labels = _classify_ztf(columns) if survey == "ztf" else _classify_lsst(columns)
    return pa.array(labels, pa.string())


def _types(survey: str) -> Mapping[str, Any]:
    if survey not in COLUMNS:
        known = " and ".join(COLUMNS)
        raise NothingThereError(f"There is no survey {survey}; the ones are {known}.")
    return COLUMNS[survey]


def _complete(batch: pa.RecordBatch, types: Mapping[str, Any]) -> pa.RecordBatch:
    """Take the class columns; one that is absent or has no type is made of nulls."""
    there = {n: batch.column(n) for n in types if n in batch.schema.names}
    typed = {n: c for n, c in there.items() if not pa.types.is_null(c.type)}
    absent = {n: pa.nulls(len(batch), t) for n, t in types.items() if n not in typed}
    return pa.RecordBatch.from_pydict(typed | absent)


def _classify_lsst(columns: pa.RecordBatch) -> Labels:
    names = pd.Series(CLASSIFIER_NAMES, dtype=object)
    classifier = _read(columns, "pred_main_label_classifier").astype(object).map(names)
    label = _label(columns, "pred_main_label_crossmatch")
    is_sso = _read(columns, "pred_is_sso").fillna(value=False).to_numpy(bool)
    found = label.where(label.notna(), classifier)
    found = found.where(found.notna(), UNKNOWN)
    return np.where(is_sso, SOLAR_SYSTEM, found.to_numpy(object))


def _classify_ztf(columns: pa.RecordBatch) -> Labels:
    """Take the class stored, else SIMBAD's label, else what the rules say.

    The order of the rules, and which of them exclude each other, is that of
    fink-filters 7.45: a later rule replaces an earlier one.
    """
    roid = _read(columns, "roid")
    tracklet = _read(columns, "tracklet").astype("string").str.startswith("TRCK_")
    microlensing = answer(microlensing_candidates, columns)
    supernova = answer(sn_candidates, columns)
    candidate, known = _is(roid == CANDIDATE), _is(roid == KNOWN)
    labels = np.full(len(columns), UNKNOWN, object)
    labels[microlensing] = "Microlensing candidate"
    labels[supernova] = "SN candidate"
    labels[answer(early_sn_candidates, columns)] = "Early SN Ia candidate"
    labels[answer(kn_candidates, columns)] = "Kilonova candidate"
    labels[candidate] = "Solar System candidate"
    labels[_is(tracklet)] = "Tracklet"
    labels[known] = "Solar System MPC"
    labels[np.sum([microlensing, supernova, candidate, known], axis=0) > 1] = AMBIGUOUS
    simbad = _label(columns, "cdsxmatch")
    simbad = simbad.mask(_is(simbad.str.match(NO_SIMBAD_LABEL)))
    stored = _label(columns, "finkclass")
    found = stored.where(stored.notna(), simbad)
    return np.where(found.notna(), found.to_numpy(object), labels)


def _read(columns: pa.RecordBatch, name: str) -> Any:
    return read_column(columns.column(name))


def _label(columns: pa.RecordBatch, name: str) -> pd.Series:
    """Read a label, null where the text says that there is none."""
    label = _read(columns, name).astype("string")
    return cast("pd.Series", label.mask(label.isin(NO_LABEL)))


def _is(fact: pd.Series) -> npt.NDArray[np.bool_]:
    """Null as False."""
    return fact.astype("boolean").fillna(value=False).to_numpy(bool)
