"""One message as an alert, or the reason why it is none."""

import io
from dataclasses import dataclass
from typing import Any

from nightmail._messages import error_of
from nightmail._schemas import AlertSchema, KeyIsNoSchemaError, Schemas

__all__ = ["ADVICE", "Decoded", "decode_message"]

ADVICE = "; the next call goes past it, as does on_bad='set_aside' for all such"
"""What to do about a message that cannot be decoded."""

_FILE_MAGIC = b"Obj\x01"
_FRAME = 5
"""Length of what a schema registry puts before a value [byte]."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message and the alert in it."""

    message: Any
    """As librdkafka gives it."""

    alert: dict[str, Any]
    schema: AlertSchema
    """By which the alert was read."""

    length: int
    """Of the alert; bytes of the value behind it mean nothing [byte]."""


def decode_message(message: Any, schemas: Schemas) -> Decoded:
    """Decode a message; bytes behind the alert are passed over.

    Parameters
    ----------
    message
        As librdkafka gives it.
    schemas
        Where its schema comes from.

    Raises
    ------
    AlertError
        It cannot be decoded; topic, partition and offset say which it is.
    """
    try:
        schema = schemas.of(message.key())
    except KeyIsNoSchemaError as error:
        raise error_of(message, f"{error} (schema= gives one){ADVICE}") from error
    value = message.value()
    if value is None:
        raise error_of(message, f"it has no value, only a key{ADVICE}")
    stream = io.BytesIO(value)
    try:
        alert = schema.read(stream)
    except Exception as error:
        raise error_of(message, _why(value, error, schema) + ADVICE) from error
    return Decoded(message, alert, schema, stream.tell())


def _why(value: bytes, error: Exception, schema: AlertSchema) -> str:
    if value.startswith(_FILE_MAGIC):
        return "its value is an Avro file, not the bare record of an alert"
    if value[:1] == b"\0" and _fits(value[_FRAME:], schema):
        return f"its value is framed for a schema registry, by {_FRAME} bytes in front"
    if isinstance(error, EOFError):
        return f"its value ends inside the alert ({len(value)} bytes)"
    detail = f"{type(error).__name__} {error}".strip()
    return f"its value does not fit the schema ({detail})"


def _fits(value: bytes, schema: AlertSchema) -> bool:
    stream = io.BytesIO(value)
    try:
        schema.read(stream)
    except Exception:  # noqa: BLE001 (whatever fastavro makes of any bytes)
        return False
    return stream.tell() == len(value)
