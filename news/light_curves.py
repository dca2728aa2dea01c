"""Light curves and stamps of some alerts, as the archive has them."""
# ruff: noqa: S608  the names put into queries are this module's own

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from archive.views import open_archive
from news.sky_objects import JD_OF_MJD, NANOJANSKY_ZERO_POINT
from news.stamps import Image, read_stamp
from settings.errors import NightError

LEAST_SIGNIFICANCE = 3.0
"""Forced photometry of less is no detection [sigma]."""

MAGNITUDE_OF_RATIO = 2.5 / np.log(10)
"""Error of a magnitude per relative error of its flux [mag]."""

ZTF_BANDS = {1: "g", 2: "r", 3: "i"}
"""Passbands by ZTF's `fid`."""

Floats = npt.NDArray[np.float64]

QUERIES = {
    "ztf": f"""
        select id, candidate.jd - {JD_OF_MJD} as mjd,
          list_append(
            list_transform(coalesce(prv_candidates, []), lambda p:
              {{'mjd': p.jd - {JD_OF_MJD}, 'fid': p.fid, 'magnitude': p.magpsf,
                'error': p.sigmapsf, 'sign': p.isdiffpos, 'limit': p.diffmaglim}}),
            {{'mjd': candidate.jd - {JD_OF_MJD}, 'fid': candidate.fid,
              'magnitude': candidate.magpsf, 'error': candidate.sigmapsf,
              'sign': candidate.isdiffpos, 'limit': candidate.diffmaglim}}) as points,
          cutoutScience.stampData, cutoutTemplate.stampData,
          cutoutDifference.stampData
        from alerts where night = ? and id in (select unnest(?))
    """,
    "lsst": """
        select id, diaSource.midpointMjdTai as mjd,
          list_concat(
            list_transform(coalesce(prvDiaForcedSources, []), lambda p:
              {'mjd': p.midpointMjdTai, 'band': p.band, 'flux': p.psfFlux,
               'error': p.psfFluxErr, 'is_forced': true}),
            list_transform(coalesce(prvDiaSources, []), lambda p:
              {'mjd': p.midpointMjdTai, 'band': p.band, 'flux': p.psfFlux,
               'error': p.psfFluxErr, 'is_forced': false}),
            [{'mjd': diaSource.midpointMjdTai, 'band': diaSource.band,
              'flux': diaSource.psfFlux, 'error': diaSource.psfFluxErr,
              'is_forced': false}]) as points,
          cutoutScience, cutoutTemplate, cutoutDifference
        from alerts where night = ? and id in (select unnest(?))
    """,
}
"""What is drawn of an alert, by survey: its id and time, its points and stamps."""


@dataclass(frozen=True, eq=False)
class LightCurve:
    """Photometry on difference images, in one order, shape (n,) each."""

    mjd: Floats
    """Time [d, MJD, in the survey's time scale]."""

    magnitude: Floats
    """Of the difference, its sign aside; of a limit, five sigma [AB mag]."""

    error: Floats
    """One sigma [mag]; 0 of a limit."""

    band: npt.NDArray[np.str_]
    """Passband."""

    is_brighter: npt.NDArray[np.bool_]
    """Whether it is brighter than in the template; of a limit, false."""

    is_limit: npt.NDArray[np.bool_]
    """Whether nothing was detected, down to the magnitude."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """An alert as it is drawn."""

    mjd: float
    """Its time [d, MJD, in the survey's time scale]."""

    light_curve: LightCurve
    """The alert and what came before it."""

    stamps: tuple[Image | None, ...]
    """Science, template and difference image."""


def read_portraits(
    root: Path, survey: str, night: str, ids: Sequence[int]
) -> Mapping[int, Portrait]:
    """Read light curves and stamps of a few alerts.

    Parameters
    ----------
    root
        Folder of the archive, of all surveys.
    survey, night
        Which night.
    ids
        Names of the alerts, candid or diaSourceId.

    Returns
    -------
    mapping
        One for each alert that the archive has, by its name.

    Raises
    ------
    NightError
        The archive cannot be read, or lacks a column.
    """
    try:
        with open_archive(root, survey) as connection:
            rows = connection.execute(QUERIES[survey], [night, list(ids)]).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise NightError(
            f"Light curves of {survey} {night} cannot be read from the archive: {first}"
        ) from error
    read = _ztf_curve if survey == "ztf" else _lsst_curve
    return {
        name: Portrait(mjd, read(points), tuple(map(read_stamp, stamps)))
        for name, mjd, points, *stamps in rows
    }


def _ztf_curve(points: Sequence[Mapping[str, Any]]) -> LightCurve:
    """Take detections, and where there is none the limit of the image."""
    rows: list[tuple[Any, ...]] = []
    for p in points:
        band = ZTF_BANDS.get(p["fid"], "?")
        is_brighter = p["sign"] in {"t", "1"}
        if p["magnitude"] is not None:
            seen = (p["magnitude"], p["error"] or 0, band, is_brighter, False)
            rows.append((p["mjd"], *seen))
        elif (p["limit"] or 0) > 0:
            rows.append((p["mjd"], p["limit"], 0, band, False, True))
    return _curve(rows)


def _lsst_curve(points: Sequence[Mapping[str, Any]]) -> LightCurve:
    """Take detections, and what was forced and is significant."""
    rows = []
    for p in points:
        flux, error = p["flux"], p["error"]
        if not flux or not error:
            continue
        significance = abs(flux) / error
        if p["is_forced"] and significance < LEAST_SIGNIFICANCE:
            continue
        magnitude = NANOJANSKY_ZERO_POINT - 2.5 * np.log10(abs(flux))
        spread = MAGNITUDE_OF_RATIO / significance
        rows.append((p["mjd"], magnitude, spread, p["band"] or "?", flux > 0, False))
    return _curve(rows)


def _curve(rows: Sequence[tuple[Any, ...]]) -> LightCurve:
    finite = [r for r in rows if np.isfinite(r[0]) and np.isfinite(r[1])]
    mjd, magnitude, error, band, bright, limit = (
        zip(*finite, strict=True) if finite else ((),) * 6
    )
    return LightCurve(
        np.array(mjd, float), np.array(magnitude, float), np.array(error, float),
        np.array(band, str), np.array(bright, bool), np.array(limit, bool),
    )  # fmt: skip
