"""Alerts as files, each whole or absent."""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nightmail._decode import Decoded
from nightmail._errors import FileError
from nightmail._fingerprint import compact
from nightmail._schemas import AlertSchema

__all__ = ["alert_name", "container", "save_alert", "write_whole"]

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]")
"""What is not the same in the file names of all systems."""


def save_alert(
    folder: str | Path, decoded: Decoded, *, overwrite: bool = False
) -> Path:
    """Write one alert as an Avro file, whole or not at all.

    The file has the bytes that came, with the schema. The same alert gives the same
    bytes, so that one that comes again changes nothing. Where another alert has the
    name already, the new one's name ends in a digest of its bytes.

    Parameters
    ----------
    folder
        Made if need be.
    decoded
        What came.
    overwrite
        Replace a file of that name.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileError
        The system refuses to write: the disk is full, the folder is closed to you.
    """
    body = decoded.message.value()[: decoded.length]
    content = container(body, decoded.schema)
    file = Path(folder) / f"{alert_name(decoded.alert, decoded.message)}.avro"
    if not overwrite and not _is_free(file, content):
        import hashlib  # noqa: PLC0415 - with the first file

        digest = hashlib.sha256(content).hexdigest()[:8]
        file = file.with_name(f"{file.stem}_{digest}.avro")
    write_whole(file, content, is_replacing=overwrite)
    return file


def alert_name(alert: Mapping[str, Any], message: Any) -> str:
    """Name an alert as the field does, without the ending.

    `<objectId>_<candid>` for ZTF, `<diaSourceId>` for LSST, `<objectId>_<triggerId>`
    where two messengers met; else the place of the message.
    """
    if alert.get("diaSourceId") is not None:
        parts = [alert["diaSourceId"]]
    else:
        second = alert.get("candid")
        second = alert.get("triggerId") if second is None else second
        parts = [alert.get("objectId"), second]
    if None in parts:
        parts = [message.topic(), message.partition(), message.offset()]
    return "_".join(_UNSAFE.sub("_", str(part)) for part in parts)


def container(body: bytes, schema: AlertSchema) -> bytes:
    """Make an Avro file of one alert's bytes; the same ones give the same file."""
    head, digest = _head(schema)
    digest = digest.copy()
    digest.update(body)
    sync = digest.digest()[:_SYNC_BYTES]
    return b"".join((head, sync, _long(1), _long(len(body)), body, sync))


@lru_cache(maxsize=64)
def _head(schema: AlertSchema) -> tuple[bytes, Any]:
    """Make what files of a schema begin with, and the sha256 of the schema."""
    import hashlib  # noqa: PLC0415 - with the first file

    text = compact({k: v for k, v in schema.avro.items() if not k.startswith("__")})
    meta = b"".join(
        _long(len(part)) + part
        for part in (b"avro.codec", b"null", b"avro.schema", text)
    )
    return _MAGIC + _long(2) + meta + _long(0), hashlib.sha256(text)


def write_whole(file: Path, content: bytes, *, is_replacing: bool) -> None:
    """Write a file under another name, then give it its own.

    Parameters
    ----------
    file
        Its folder is made if need be.
    content
        All of it.
    is_replacing
        Whether a file of that name is replaced; else it is left, whatever is in it.

    Raises
    ------
    FileError
        The system refuses; nothing of the file is left then.
    """
    try:
        if not is_replacing and file.exists():
            return
        try:
            _write(file, content)
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, content)
    except OSError as error:
        raise FileError(
            f"{file} cannot be written: {error.strerror or error}; what was to be in it"
            " does not count as read."
        ) from error


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with unfinished.open("xb") as stream:
            stream.write(content)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _is_free(file: Path, content: bytes) -> bool:
    try:
        return not file.exists() or file.read_bytes() == content
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error


def _long(number: int) -> bytes:
    """Write a number that is not negative as Avro does."""
    rest, found = number << 1, bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - bits
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)
