"""The objects of a night's matches, as the archive has them."""
# ruff: noqa: S608  the names put into queries are this module's own

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from archive.views import open_archive
from settings.errors import NightError

NANOJANSKY_ZERO_POINT = 31.4
"""AB magnitude of 1 nJy (Oke & Gunn 1983, ApJ 266, 713), to a thousandth."""

JD_OF_MJD = 2_400_000.5
"""Julian date at which the modified one is 0 [d]."""

TIME_SCALE = {"ztf": "UTC", "lsst": "TAI"}
"""Time scale of a survey's instants, in the names of its columns or its schema."""

COLUMNS = {
    "ztf": f"""
        objectId as object, objectId as page, candidate.ra as ra, candidate.dec as dec,
        candidate.magpsf as magnitude, candidate.isdiffpos in ('t', '1') as is_brighter,
        ['g', 'r', 'i'][candidate.fid] as band, candidate.jd - {JD_OF_MJD} as mjd
    """,
    "lsst": f"""
        coalesce(
          nullif(diaSource.diaObjectId, 0), nullif(diaSource.ssObjectId, 0),
          diaSource.diaSourceId)::varchar as object,
        nullif(diaSource.diaObjectId, 0)::varchar as page,
        diaSource.ra as ra, diaSource.dec as dec,
        {NANOJANSKY_ZERO_POINT} - 2.5 * log10(nullif(abs(diaSource.psfFlux), 0))
          as magnitude,
        diaSource.psfFlux > 0 as is_brighter,
        diaSource.band as band, diaSource.midpointMjdTai as mjd
    """,
}
"""What a table shows of an alert, by survey. An alert of Rubin's without an object is
named by its solar-system object, or by itself; only objects have a page."""

CSV_HEAD = (
    *("object", "ra_deg", "dec_deg", "class", "filters", "alerts"),
    *("magnitude_ab", "band", "mjd", "alert_id", "page"),
)
"""Headings of the complete table; the time scale of `mjd` is that of the survey."""


@dataclass(frozen=True, kw_only=True)
class SkyObject:
    """An object with alerts that filters kept in one night."""

    name: str
    """ZTF's objectId, Rubin's diaObjectId, else its ssObjectId or diaSourceId."""

    page: str | None
    """Its name on the survey's portal; None where it has no page."""

    ra: float
    """Right ascension, ICRS [deg]."""

    dec: float
    """Declination, ICRS [deg]."""

    label: str
    """Class of its last alert."""

    filters: tuple[str, ...]
    """Those that kept any of its alerts, by name."""

    alerts: int
    """How many of its alerts they kept."""

    magnitude: float | None
    """Of the difference in its last alert, its sign aside [AB mag]."""

    is_brighter: bool
    """Whether it is brighter there than in the template."""

    band: str
    """Band of its last alert."""

    mjd: float
    """Time of its last alert [d, MJD, in the survey's time scale]."""

    alert_id: int
    """Name of its last alert: candid or diaSourceId."""


def read_objects(
    root: Path, survey: str, night: str, picks: Mapping[str, frozenset[str]]
) -> tuple[SkyObject, ...]:
    """Read the objects of some filters' alerts of some classes.

    Parameters
    ----------
    root
        Folder of the archive, of all surveys.
    survey, night
        Which night.
    picks
        Classes that count, of each filter that does.

    Returns
    -------
    tuple of SkyObject
        Those of the rarest classes first, within a class the brightest first: what is
        worth a look stands where one looks.

    Raises
    ------
    NightError
        The archive cannot be read, or lacks a column.
    """
    wanted = [(name, each) for name, classes in picks.items() for each in classes]
    try:
        with open_archive(root, survey) as connection:
            # DuckDB reads it by its name.
            picked = pa.table(  # noqa: F841
                {
                    "filter": pa.array([name for name, _ in wanted], pa.string()),
                    "class": pa.array([each for _, each in wanted], pa.string()),
                }
            )
            rows = connection.execute(_query(survey), [night, night]).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise NightError(
            f"The objects of {survey} {night} cannot be read from the archive: {first}"
        ) from error
    return tuple(
        SkyObject(
            name=name, page=page, ra=ra, dec=dec, label=label, filters=tuple(filters),
            alerts=alerts, magnitude=magnitude, is_brighter=bool(is_brighter),
            band=band or "?", mjd=mjd, alert_id=alert_id,
        )
        for name, page, ra, dec, label, filters, alerts, magnitude, is_brighter, band,
        mjd, alert_id in rows
    )  # fmt: skip


def to_csv(objects: Sequence[SkyObject], portal: str) -> bytes:
    """Complete table of objects as CSV in UTF-8; null is empty.

    Parameters
    ----------
    portal
        Address of an object's page, with {object} for its name.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for one in objects:
        magnitude = "" if one.magnitude is None else f"{one.magnitude:.3f}"
        page = portal.replace("{object}", one.page) if one.page else ""
        writer.writerow(
            (
                *(one.name, f"{one.ra:.6f}", f"{one.dec:.6f}", one.label),
                *(" ".join(one.filters), one.alerts, magnitude, one.band),
                *(f"{one.mjd:.5f}", one.alert_id, page),
            )
        )
    return text.getvalue().encode()


def _query(survey: str) -> str:
    return f"""
        with kept as (
          select m.id, m.class, list(distinct m.filter) as filters
          from matches m join picked p on m.filter = p.filter and m.class = p.class
          where m.night = ? group by all),
        seen as (
          select distinct on (id) id, {COLUMNS[survey]} from alerts where night = ?),
        one as (
          select object, any_value(page) as page, arg_max(ra, mjd) as ra,
            arg_max(dec, mjd) as dec, arg_max(class, mjd) as class,
            list_sort(list_distinct(flatten(list(filters)))) as filters,
            count(*) as alerts, arg_max(magnitude, mjd) as magnitude,
            arg_max(is_brighter, mjd) as is_brighter, arg_max(band, mjd) as band,
            max(mjd) as mjd, arg_max(id, mjd) as id
          from kept join seen using (id)
          where isfinite(ra) and isfinite(dec) group by object)
        select object, page, ra, dec, class, filters, alerts, magnitude, is_brighter,
          band, mjd, id
        from one
        order by count(*) over (partition by class), class, magnitude nulls last, object
    """
