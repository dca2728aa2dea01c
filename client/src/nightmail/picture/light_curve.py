"""The light curve that comes with an alert."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ZTF_BANDS", "LightCurve", "Point", "light_curve"]

ZTF_BANDS = {1: "g", 2: "r", 3: "i"}
"""Name of a band by `fid`."""

_JD_MINUS_MJD = 2400000.5
"""Julian date of MJD 0 [d]."""


@dataclass(frozen=True, order=True)
class Point:
    """One measurement."""

    mjd: float
    """Time [d, MJD]: of ZTF in UTC, of LSST in TAI."""

    value: float
    error: float
    """One sigma; NaN where nothing was detected."""

    band: str
    kind: str
    """`detection`, `limit` (nothing that is brighter was there) or `forced`."""


@dataclass(frozen=True)
class LightCurve:
    """What was measured, in the order of time."""

    points: tuple[Point, ...]
    label: str
    """What is measured, and its unit."""

    is_magnitude: bool
    """Whether smaller is brighter."""


def light_curve(alert: Mapping[str, Any]) -> LightCurve:
    """Collect the measurements in an alert of either survey.

    Parameters
    ----------
    alert
        ZTF has `candidate` and `prv_candidates`, LSST `diaSource`, `prvDiaSources` and
        `prvDiaForcedSources`. What is null or lacks a value is passed over.

    Returns
    -------
    LightCurve
        Difference magnitudes [AB] of ZTF, difference fluxes [nJy] of LSST.
    """
    if alert.get("diaSource") or "diaSourceId" in alert:
        points = [
            *_lsst([alert.get("diaSource"), *_list(alert, "prvDiaSources")]),
            *_lsst(_list(alert, "prvDiaForcedSources"), kind="forced"),
        ]
        label = "difference flux, psfFlux [nJy]"
        return LightCurve(tuple(sorted(set(points))), label, is_magnitude=False)
    rows = [alert.get("candidate"), *_list(alert, "prv_candidates")]
    return LightCurve(
        tuple(sorted(set(_ztf(rows)))),
        "difference magnitude, magpsf [AB]",
        is_magnitude=True,
    )


def _list(alert: Mapping[str, Any], name: str) -> list[Any]:
    found = alert.get(name)
    return list(found) if found is not None else []


def _ztf(rows: Iterable[Any]) -> Iterator[Point]:
    for row in rows:
        if not row or not _is_number(row.get("jd")):
            continue
        mjd = row["jd"] - _JD_MINUS_MJD
        band = ZTF_BANDS.get(row.get("fid"), str(row.get("fid")))
        if _is_number(row.get("magpsf")):
            error = row.get("sigmapsf")
            error = error if _is_number(error) else math.nan
            yield Point(mjd, row["magpsf"], error, band, "detection")
        elif _is_number(row.get("diffmaglim")):
            yield Point(mjd, row["diffmaglim"], math.nan, band, "limit")


def _lsst(rows: Iterable[Any], kind: str = "detection") -> Iterator[Point]:
    for row in rows:
        if not row or not _is_number(row.get("midpointMjdTai")):
            continue
        if _is_number(row.get("psfFlux")):
            error = row.get("psfFluxErr")
            error = error if _is_number(error) else math.nan
            band = row.get("band") or "?"
            yield Point(row["midpointMjdTai"], row["psfFlux"], error, band, kind)


def _is_number(value: Any) -> bool:
    return value is not None and math.isfinite(value)
