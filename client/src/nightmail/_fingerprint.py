"""An Avro schema as the shortest JSON, and a short name for it."""

import json
from typing import Any

__all__ = ["compact", "fingerprint"]


def compact(schema: dict[str, Any]) -> bytes:
    """Write the schema as the shortest JSON: the key of every alert it describes."""
    return json.dumps(schema, separators=(",", ":")).encode()


def fingerprint(schema: dict[str, Any]) -> str:
    """Give the first 16 hexadecimal digits of the sha256 of the compact schema."""
    import hashlib  # noqa: PLC0415 - with the first schema

    return hashlib.sha256(compact(schema)).hexdigest()[:16]
