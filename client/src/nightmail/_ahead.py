"""Alerts decoded ahead, many at once, where that is faster than one by one."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from nightmail._decode import Decoded, decode_message
from nightmail._errors import SchemaError
from nightmail._messages import Place, place_of
from nightmail._schemas import AlertSchema, KeyIsNoSchemaError, Schemas

__all__ = ["Ahead"]

_WORTH_S = 1.0
"""How long decoding one by one has taken when loading the other way pays off [s].

numba and the kernels load in 0.4 s; by columns an alert of ZTF takes half the time, one
of LSST a sixth.
"""

_FEWEST = 4
"""Messages that are worth a call of the columnar decoder, which costs about 2 ms."""


Restore = Callable[[Any], Any]
"""Makes of what Arrow gives what Avro gives; it may change what it is given."""


class Ahead:
    """Decodes messages, those that wait together all at once.

    What comes out is the same either way, and whatever is out of the ordinary goes the
    slow way: bad messages, and schemas with times or
    unions of several types.
    Without the extra `[arrow]` everything goes the slow way.

    Parameters
    ----------
    schemas
        Where the schema of a message comes from.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._found: dict[tuple[Place, int], Decoded] = {}
        self._decoders: dict[str, Any] = {}
        self._spent_s = 0.0
        self._is_there = True

    @property
    def is_worth(self) -> bool:
        """Whether it is worth to have many messages waiting."""
        return self._is_there and self._spent_s > _WORTH_S

    def look(self, messages: Sequence[Any]) -> None:
        """Decode messages that wait."""
        self._found.clear()
        if not self.is_worth or len(messages) < _FEWEST:
            return
        for schema, run in groupby(messages, self._schema_of):
            made = self._decoder(schema)
            if schema is not None and made is not None:
                decoder, restore = made
                self._decode(schema, decoder, restore, run)

    def decode(self, message: Any) -> Decoded:
        """Give the alert of a message.

        Raises
        ------
        AlertError
            It cannot be decoded.
        """
        found = self._found.pop((place_of(message), message.offset()), None)
        if found is not None:
            return found
        begin = time.thread_time()
        try:
            return decode_message(message, self._schemas)
        finally:
            self._spent_s += time.thread_time() - begin

    def _schema_of(self, message: Any) -> AlertSchema | None:
        try:
            return self._schemas.of(message.key())
        except KeyIsNoSchemaError:
            return None

    def _decode(
        self,
        schema: AlertSchema,
        decoder: Any,
        restore: Restore,
        run: Iterable[Any],
    ) -> None:
        messages = [one for one in run if one.value() is not None]
        found = decoder.decode([one.value() for one in messages])
        for row, alert in zip(found.rows, found.batch.to_pylist(), strict=True):
            message = messages[row]
            restore(alert)
            decoded = Decoded(message, alert, schema, len(message.value()))
            self._found[place_of(message), message.offset()] = decoded

    def _decoder(self, schema: AlertSchema | None) -> Any:
        if schema is None:
            return None
        if schema.fingerprint not in self._decoders:
            self._decoders[schema.fingerprint] = self._make(schema)
        return self._decoders[schema.fingerprint]

    def _make(self, schema: AlertSchema) -> Any:
        try:
            from nightmail.avro import AvroDecoder  # noqa: PLC0415 - an extra
            from nightmail.avro.layout import read_layout, walk  # noqa: PLC0415

            layout = read_layout(schema.avro)
            if any(node.logical for node in walk(layout)):
                return None
            return AvroDecoder(schema.avro), _restorer(layout) or _leave
        except ImportError:
            self._is_there = False
        except SchemaError:
            pass
        return None


def _restorer(node: Any) -> Restore | None:
    """Make what turns Arrow's pairs into dictionaries; None where there is no map.

    pyarrow does it too, fifteen times slower than all the rest.
    """
    from nightmail.avro.layout import Kind  # noqa: PLC0415 - an extra

    below = {child.name: _restorer(child) for child in node.children}
    deeper = {name: restore for name, restore in below.items() if restore}
    if node.kind is Kind.MAP:
        inner = deeper.get("value", _leave)
        return lambda v: v if v is None else {key: inner(item) for key, item in v}
    if not deeper:
        return None
    if node.kind is Kind.ARRAY:
        (item,) = deeper.values()
        return lambda v: v if v is None else [item(one) for one in v]

    def restore_record(value: Any) -> Any:
        if value is not None:
            for name, restore in deeper.items():
                value[name] = restore(value[name])
        return value

    return restore_record


def _leave(value: Any) -> Any:
    return value
