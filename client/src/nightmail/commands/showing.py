"""What is shown of an alert: a table as in the manuals, or a line of JSON."""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from nightmail.commands.boxes import boxed

__all__ = ["emitted_at", "is_lsst", "json_line", "main_name", "table"]

Alert = Mapping[str, Any]

_JD_OF_1970 = 2440587.5
"""Julian date of 1970-01-01T00:00 [d]."""

_MJD_OF_1970 = 40587.0
"""Modified Julian date of 1970-01-01T00:00 [d]."""

_TAI_MINUS_UTC_S = 37
"""Since 2017, and no leap second has been announced [s]; IERS Bulletin C."""

_MESSENGERS = ("fink_grb_bronze", "fink_grb_silver", "fink_grb_gold", "fink_gw_bronze")
"""Beginnings of the topics whose alerts were matched with other messengers."""


def table(topic: str, alert: Alert, received: datetime) -> str:
    """Draw the table that the existing clients print for an alert.

    Parameters
    ----------
    topic
        Where it was.
    alert
        What is not in it leaves a cell empty.
    received
        When it came, UTC.

    Returns
    -------
    str
        A box with one row.
    """
    if topic.startswith(_MESSENGERS):
        cells = {
            "ObjectId": alert.get("objectId"),
            "Classification": alert.get("fink_class"),
            "Topic": topic,
            "Rate (mag/day)": alert.get("rate"),
            "Observatory": alert.get("observatory"),
            "Trigger ID": alert.get("triggerId"),
        }
        return _one_row(cells)
    cells = {
        "Emitted at (UTC)": _milliseconds(emitted_at(alert)),
        "Received at (UTC)": f"{received:%Y-%m-%d %H:%M:%S}",
        "Topic": topic,
    }
    if is_lsst(alert):
        heading, name = main_name(alert)
        return _one_row(cells | {heading: name})
    more = {
        "objectId": alert.get("objectId"),
        "Simbad": alert.get("cdsxmatch"),
        "Magnitude": _inside(alert, "candidate").get("magpsf"),
    }
    return _one_row(cells | more)


def is_lsst(alert: Alert) -> bool:
    """Tell an alert of LSST from one of ZTF, by its fields."""
    return "diaSource" in alert or "diaSourceId" in alert


def main_name(alert: Alert) -> tuple[str, str]:
    """Give what an alert's object is called, and which kind of name that is.

    A moving object of LSST has a record of nulls where other alerts have their object.
    """
    if not is_lsst(alert):
        return "objectId", _text(alert.get("objectId"))
    number = _inside(alert, "diaObject").get("diaObjectId")
    designation = _inside(alert, "mpc_orbits").get("designation")
    if number is None and designation is not None:
        return "SSO designation", _text(designation)
    return "diaObjectId", _text(number)


def emitted_at(alert: Alert) -> datetime | None:
    """Give the time of the exposure, UTC; None if the alert does not say.

    LSST tells the middle of it in TAI, ZTF the beginning in UTC.
    """
    mjd = _inside(alert, "diaSource").get("midpointMjdTai")
    jd = _inside(alert, "candidate").get("jd")
    days = mjd - _MJD_OF_1970 if mjd is not None else None
    if days is None and jd is not None:
        days = jd - _JD_OF_1970
    if days is None or not math.isfinite(days):
        return None
    leap = _TAI_MINUS_UTC_S if mjd is not None else 0
    milliseconds = round(days * 86_400_000) - leap * 1000
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def json_line(topic: str, alert: Alert) -> str:
    """Write an alert as one line of JSON; bytes as base64, NaN as null."""
    return json.dumps({"topic": topic, "alert": _plain(alert)}, ensure_ascii=False)


def _one_row(cells: Mapping[str, Any]) -> str:
    return boxed(list(cells), [[_text(cell) for cell in cells.values()]])


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _milliseconds(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S.%f}"[:-3] if when else ""


def _inside(alert: Alert, name: str) -> Alert:
    """Give a record within an alert; an empty one where there is none."""
    found = alert.get(name)
    return found if isinstance(found, Mapping) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case float() if not math.isfinite(value):
            return None
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            return value
