"""Schemas of alerts: from the key of a message, or one that is forced on all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from nightmail._errors import ConfigError, NightmailError
from nightmail._fingerprint import compact, fingerprint

__all__ = ["AlertSchema", "KeyIsNoSchemaError", "SchemaSource", "Schemas"]

SchemaSource = str | Path | Mapping[str, Any]
"""An Avro schema, or the file that holds it."""

_SHOWN = 40
"""How much of a key that is no schema is shown [characters]."""


class KeyIsNoSchemaError(NightmailError):
    """The key of a message is not the schema of an alert; its text is the reason."""


class _InvalidSchemaError(NightmailError):
    """A schema is none; its text is the reason."""


@dataclass(frozen=True, eq=False)
class AlertSchema:
    """The schema of an alert."""

    avro: dict[str, Any] = field(repr=False)
    """As JSON gives it."""

    parsed: Any = field(repr=False)
    """As fastavro wants it."""

    fingerprint: str
    """Its name, whatever the spaces in its JSON: 16 hexadecimal digits."""

    def read(self, stream: BinaryIO) -> Any:
        """Read one value; raises whatever fastavro makes of bytes that are none."""
        from fastavro import schemaless_reader  # noqa: PLC0415 - at the first alert

        return schemaless_reader(stream, self.parsed, None)


class Schemas:
    """Gives the schema of each message, parsed once.

    Parameters
    ----------
    forced
        The schema that holds whatever the keys say; by default each message is read
        by that in its key.

    Raises
    ------
    ConfigError
        The forced schema cannot be read, or is none.
    """

    def __init__(self, forced: SchemaSource | None = None) -> None:
        self._forced = None if forced is None else _read_forced(forced)
        self._last: tuple[bytes, AlertSchema] | None = None

    def of(self, key: bytes | None) -> AlertSchema:
        """Give the schema by which a message with this key is read.

        Raises
        ------
        KeyIsNoSchemaError
            It says why.
        """
        if self._forced is not None:
            return self._forced
        if self._last is None or self._last[0] != key:
            found = _read_key(key or b"")
            self._last = (key or b"", found)
        return self._last[1]


@lru_cache(maxsize=64)
def _read_key(key: bytes) -> AlertSchema:
    if not key:
        raise KeyIsNoSchemaError("its key is empty, so that its schema is not known")
    try:
        text = key.decode()
    except UnicodeDecodeError as error:
        raise KeyIsNoSchemaError("its key is not text, so no schema") from error
    shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
    try:
        return _of_json(compact(json.loads(text)))
    except _InvalidSchemaError as error:
        raise KeyIsNoSchemaError(f"its key is a schema, but {error}") from error
    except Exception as error:  # whatever fastavro makes of any JSON
        raise KeyIsNoSchemaError(
            f"its key {shown} is not the schema of an alert"
        ) from error


@lru_cache(maxsize=64)
def _of_json(text: bytes) -> AlertSchema:
    """Parse a schema; keys that differ only in spaces share the result."""
    avro = json.loads(text)
    if not isinstance(avro, dict) or avro.get("type") != "record":
        raise ValueError("not a record")
    return AlertSchema(avro, _parse(avro), fingerprint(avro))


def _parse(avro: dict[str, Any]) -> Any:
    import fastavro  # noqa: PLC0415 - at the first alert
    from fastavro.schema import SchemaParseException, UnknownType  # noqa: PLC0415

    try:
        return fastavro.parse_schema(avro)
    except UnknownType as error:
        raise _InvalidSchemaError(f"Avro has no type {error.name}") from error
    except SchemaParseException as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise _InvalidSchemaError(text) from error


def _read_forced(source: SchemaSource) -> AlertSchema:
    name = "that is given" if isinstance(source, Mapping) else str(source)
    try:
        if isinstance(source, Mapping):
            avro = dict(source)
        else:
            avro = json.loads(Path(source).read_text(encoding="utf-8"))
        return _of_json(compact(avro))
    except OSError as error:
        raise ConfigError(
            f"The schema {name} cannot be read: {error.strerror}."
        ) from error
    except _InvalidSchemaError as error:
        raise ConfigError(f"The schema {name} is not valid: {error}.") from error
    except Exception as error:  # whatever fastavro makes of any JSON
        raise ConfigError(
            f"The schema {name} is not the Avro schema of a record ({error})."
        ) from error
