"""Save an alert as an Avro file, which is whole or not there."""

import hashlib
import io
import itertools
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import fastavro

from nightmail._errors import NightmailError

__all__ = ["file_name", "put", "save_alert", "save_schema"]

_UNSAFE = re.compile(r"[^\w.+-]")
"""What has no place in a file's name, on any system."""


def save_alert(alert: Mapping[str, Any], schema: str, folder: Path) -> Path:
    """Write an alert into a folder.

    Parameters
    ----------
    alert
        The alert.
    schema
        Its Avro schema, as JSON.
    folder
        Made if it is not there.

    Returns
    -------
    pathlib.Path
        The file. The same alert, saved again, is the same file; another alert of the
        same name gets `.1` behind it, and so on: nothing is written over.

    Raises
    ------
    NightmailError
        It cannot be written; there is no part of it either.
    """
    content = _container(alert, schema)
    name = file_name(alert)
    for number in itertools.count():
        file = folder / (f"{name}.{number}.avro" if number else f"{name}.avro")
        if not file.exists():
            return put(file, content)
        if file.stat().st_size == len(content) and file.read_bytes() == content:
            return file
    raise AssertionError  # pragma: no cover - the count never ends


def save_schema(key: bytes, folder: Path) -> Path:
    """Write the schema of a record's key as plain Avro, one file for each schema.

    Parameters
    ----------
    key
        What the record has as its key; it need not be a schema.
    folder
        Made if it is not there.

    Returns
    -------
    pathlib.Path
        The file, named after the schema's SHA-256.
    """
    mark = hashlib.sha256(key).hexdigest()[:16]
    file = folder / f"schema_{mark}.json"
    try:
        text = json.dumps(json.loads(key), indent=4)
        return file if file.exists() else put(file, f"{text}\n".encode())
    except ValueError:
        # What is no JSON is what one wants to look at.
        return put(folder / f"schema_{mark}.bin", key)


def file_name(alert: Mapping[str, Any]) -> str:
    """Name an alert's file as the existing clients do, without the ending.

    Examples
    --------
    >>> file_name({"objectId": "ZTF21aaqkqwq", "candid": 1549473362115015004})
    'ZTF21aaqkqwq_1549473362115015004'
    >>> file_name({"diaSourceId": 170028498888818709})
    '170028498888818709'
    """
    if alert.get("diaSourceId") is not None:
        parts = [alert["diaSourceId"]]
    else:
        second = alert.get("candid")
        second = alert.get("triggerId") if second is None else second
        parts = [alert.get("objectId"), second]
    name = "_".join(_UNSAFE.sub("_", str(one)) for one in parts if one is not None)
    return name or "alert"


def put(file: Path, content: bytes) -> Path:
    """Write a file at once.

    Raises
    ------
    NightmailError
        It cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise NightmailError(f"{file} cannot be written: {reason}.") from error
    return file


def _container(alert: Mapping[str, Any], schema: str) -> bytes:
    stream = io.BytesIO()
    # The mark that Avro draws at random would make two files of one alert differ.
    mark = hashlib.md5(schema.encode(), usedforsecurity=False).digest()
    fastavro.writer(stream, _parsed(schema), [alert], sync_marker=mark)
    return stream.getvalue()


@lru_cache(maxsize=64)
def _parsed(schema: str) -> Any:
    return fastavro.parse_schema(json.loads(schema))
