"""Write files, each of which is whole or not there."""

import hashlib
import json
import os
from pathlib import Path

from nightmail._errors import NightmailError

__all__ = ["put", "save_schema"]


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
