"""Alerts decoded ahead, many at once, where that is faster than one by one."""

import time
from collections.abc import Iterable, Iterator, Sequence
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
            decoder = self._decoder(schema)
            if schema is not None and decoder is not None:
                self._decode(schema, decoder, run)

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

    def _decode(self, schema: AlertSchema, decoder: Any, run: Iterable[Any]) -> None:
        messages = [one for one in run if one.value() is not None]
        found = decoder.decode([one.value() for one in messages])
        try:
            alerts = found.batch.to_pylist(maps_as_pydicts="strict")
        except (KeyError, TypeError):  # a key twice in a map, or an older pyarrow
            return
        for row, alert in zip(found.rows, alerts, strict=True):
            message = messages[row]
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

            nodes: Iterator[Any] = walk(read_layout(schema.avro))
            if any(node.logical for node in nodes):
                return None
            return AvroDecoder(schema.avro)
        except ImportError:
            self._is_there = False
        except SchemaError:
            pass
        return None
