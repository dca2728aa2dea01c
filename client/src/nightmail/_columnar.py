"""Messages as columns of Arrow."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from nightmail._decode import ADVICE, decode_message
from nightmail._errors import AlertError, ColumnError, NightmailError
from nightmail._hand import Hand
from nightmail._messages import error_of
from nightmail._schemas import AlertSchema, KeyIsNoSchemaError, Schemas

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ColumnDecoder", "frame_of", "receive_batches", "table_of"]

_ROWS = 512
"""Most alerts of a batch."""

_BYTES = 2**26
"""About how much a batch has in messages [byte]."""

_LEFT_OVER = "left over"
"""How the columnar decoder says what other clients pass over."""


class ColumnDecoder:
    """Decodes messages by columns, whatever schemas follow each other.

    Parameters
    ----------
    schemas
        Where the schema of a message comes from.
    columns
        Names of what is read, nested ones joined by dots; everything if None. The
        schema of the first message has all of them; a later one may lack some.

    Raises
    ------
    NightmailError
        pyarrow or numba is not installed.
    """

    def __init__(self, schemas: Schemas, columns: Sequence[str] | None) -> None:
        try:
            from nightmail.avro import AvroDecoder  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise NightmailError(str(error)) from error
        self._make = AvroDecoder
        self._schemas = schemas
        self._columns = columns
        self._decoders: dict[str, Any] = {}

    def schema_of(self, message: Any) -> AlertSchema | None:
        """Give the schema of a message; None if it has none."""
        try:
            return self._schemas.of(message.key())
        except KeyIsNoSchemaError:
            return None

    def decode(
        self, messages: Sequence[Any]
    ) -> tuple["pa.RecordBatch | None", dict[int, AlertError]]:
        """Decode messages of one schema.

        Parameters
        ----------
        messages
            All of the same schema, or without any.

        Returns
        -------
        pyarrow.RecordBatch or None
            The good ones, in order; None if there is none.
        dict
            For each other message, by its place: the reason.

        Raises
        ------
        ColumnError
            There is no column of a name that is wished.
        """
        schema = self.schema_of(messages[0])
        if schema is None:
            return None, self._refuse(messages)
        values = {n: m.value() for n, m in enumerate(messages)}
        bad = {
            n: error_of(messages[n], f"it has no value, only a key{ADVICE}")
            for n, value in values.items()
            if value is None
        }
        fine = [n for n in values if n not in bad]
        decoder = self._decoder(schema)
        found = decoder.decode([values[n] for n in fine])
        if any(_LEFT_OVER in why for why in found.bad.values()):
            values |= self._trim(messages, fine, found.bad)
            found = decoder.decode([values[n] for n in fine])
        for place, why in found.bad.items():
            n = fine[place]
            bad[n] = error_of(messages[n], why.rstrip(".") + ADVICE)
        return (found.batch if found.rows else None), bad

    def _decoder(self, schema: AlertSchema) -> Any:
        name = schema.fingerprint
        if name not in self._decoders:
            columns = self._columns
            if self._decoders and columns is not None:
                columns = [one for one in columns if self._has(schema, one)]
            wished = None if columns is None else tuple(columns)
            self._decoders[name] = _decoder(schema, wished)
        return self._decoders[name]

    def _has(self, schema: AlertSchema, column: str) -> bool:
        try:
            self._make(schema.avro, [column])
        except ColumnError:
            return False
        return True

    def _refuse(self, messages: Sequence[Any]) -> dict[int, AlertError]:
        found = {}
        for n, message in enumerate(messages):
            try:
                decode_message(message, self._schemas)
            except AlertError as error:
                found[n] = error
        return found

    def _trim(
        self, messages: Sequence[Any], fine: Sequence[int], bad: Mapping[int, str]
    ) -> dict[int, bytes]:
        """Cut off what stands behind alerts, as reading them one by one does."""
        found = {}
        for place, why in bad.items():
            if _LEFT_OVER in why:
                message = messages[fine[place]]
                length = decode_message(message, self._schemas).length
                found[fine[place]] = message.value()[:length]
        return found


@lru_cache(maxsize=4)
def _decoder(schema: AlertSchema, columns: tuple[str, ...] | None) -> Any:
    """Keep decoders from one table to the next, with the memory that they fill."""
    from nightmail.avro import AvroDecoder  # noqa: PLC0415 - an extra

    return AvroDecoder(schema.avro, columns)


def receive_batches(
    hand: Hand, decoder: ColumnDecoder, most: int | None, timeout: float | None
) -> Iterator["pa.RecordBatch"]:
    """Wait for batches, and have them in hand together.

    Parameters
    ----------
    hand
        Where messages come from.
    decoder
        What reads them.
    most
        After how many alerts it ends; if None, when nothing came in time.
    timeout
        How long to wait for more [s]; for ever if negative.

    Yields
    ------
    pyarrow.RecordBatch
        Alerts of one schema.

    Raises
    ------
    AlertError
        The first message that would be given cannot be decoded.
    """
    left = sys.maxsize if most is None else most
    while left > 0:
        messages = _take_run(hand, decoder, min(left, _ROWS), timeout)
        if not messages:
            return
        batch, run = _decode_run(hand, decoder, messages)
        hand.put_back(messages[run:])
        hand.hold(messages[:run])
        if batch is not None:
            left -= len(batch)
            yield batch


def _take_run(
    hand: Hand, decoder: ColumnDecoder, most: int, timeout: float | None
) -> list[Any]:
    """Wait for messages that follow each other with the same schema."""
    taken: list[Any] = []
    size, schema, end = 0, None, hand.end(timeout)
    try:
        while len(taken) < most and size < _BYTES:
            message = hand.next(most - len(taken), end)
            if message is None:
                break
            taken.append(message)
            found = decoder.schema_of(message)
            if len(taken) == 1:
                schema, end = found, hand.end(0)
            elif found is not schema:
                hand.put_back([taken.pop()])
                break
            size += len(message)
    except BaseException:
        hand.put_back(taken)
        raise
    return taken


def _decode_run(
    hand: Hand, decoder: ColumnDecoder, messages: Sequence[Any]
) -> tuple["pa.RecordBatch | None", int]:
    """Decode messages up to the first that is to be told of, which is raised alone."""
    try:
        batch, bad = decoder.decode(messages)
        settled = (hand.is_settled(messages[n], bad[n]) for n in sorted(bad))
        passed = sum(1 for _ in takewhile(bool, settled))
    except BaseException:
        hand.put_back(messages)
        raise
    if passed == len(bad):
        return batch, len(messages)
    first = sorted(bad)[passed]
    if first == 0:
        hand.put_back(messages[1:])
        hand.hold(messages[:1])
        raise hand.told(bad[0])
    return (None if batch is None else batch.slice(0, first - passed)), first


def table_of(batches: Sequence["pa.RecordBatch"]) -> "pa.Table":
    """Put batches of one or several schemas together; what one lacks is null."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if not batches:
        return pa.table({})
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive")


def frame_of(table: "pa.Table") -> "pd.DataFrame":
    """Make a DataFrame in which whole numbers stay whole.

    Fields of records are columns named `candidate.magpsf`. Integers and booleans are of
    pandas' nullable types, so that ids of 64 bits are exact beside nulls; lists, maps
    and cutouts stay Arrow's, which copies nothing.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise NightmailError(
            "A DataFrame needs pandas; install it by: pip install pandas"
        ) from error
    from pyarrow import types  # noqa: PLC0415 - an extra

    def choose(kind: Any) -> Any:
        if types.is_integer(kind):
            return getattr(
                pd, str(kind).replace("i", "I", 1).replace("u", "U") + "Dtype"
            )()
        if types.is_boolean(kind):
            return pd.BooleanDtype()
        is_large = types.is_nested(kind) or types.is_binary(kind)
        return pd.ArrowDtype(kind) if is_large else None

    while any(types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table.to_pandas(types_mapper=choose)
