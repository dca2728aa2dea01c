"""Save a schema as plain Avro, which is whole or not there."""

import hashlib
import json
from pathlib import Path

from nightmail._save import write_whole

__all__ = ["save_schema"]


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

    Raises
    ------
    FileError
        It cannot be written.
    """
    mark = hashlib.sha256(key).hexdigest()[:16]
    file, content = folder / f"schema_{mark}.json", key
    try:
        content = f"{json.dumps(json.loads(key), indent=4)}\n".encode()
    except ValueError:
        # What is no JSON is what one wants to look at.
        file = file.with_suffix(".bin")
    write_whole(file, content, is_replacing=False)
    return file
