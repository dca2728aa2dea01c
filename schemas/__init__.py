"""Avro schemas: our own records, and recorded ones of alerts."""

import json
from importlib import resources
from typing import Any

__all__ = ["load"]


def load(name: str) -> dict[str, Any]:
    """Read a schema of this folder, also where the code travels in a zip.

    Parameters
    ----------
    name
        File name without `.avsc`: `ledger`, `night`, or a recorded one.

    Raises
    ------
    FileNotFoundError
        There is no such schema.

    Examples
    --------
    >>> load("night")["name"]
    'Night'
    """
    text = resources.files(__name__).joinpath(f"{name}.avsc").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
