"""Records of one range as batches of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from nightmail._errors import AlertError, ConfigError
from nightmail.avro import AvroDecoder
from nightmail.spark.choice import Choice, read_key
from nightmail.spark.columns import BAD, KAFKA, arrow_schema, cast_batch, leaves
from nightmail.spark.follow import Follower
from nightmail.spark.ranges import Range
from nightmail.spark.wish import Wish

__all__ = ["Plan", "read_rows"]

_ROWS = 4096
"""Most rows of a batch."""

_NO_SCHEMA = "its key is not the schema of an alert"
_NO_VALUE = "it has no value"


@dataclass(frozen=True)
class Plan:
    """What every task knows."""

    wish: Wish
    choice: Choice
    schema: Any
    """Columns of the DataFrame, a StructType of Spark."""

    def __post_init__(self) -> None:
        if self.wish.sets_aside and BAD not in self.schema.names:
            raise ConfigError(
                f"With badRecords=setAside the schema needs the column {BAD} STRING."
            )


def read_rows(plan: Plan, one: Range) -> Iterator[pa.RecordBatch]:
    """Read a range.

    Parameters
    ----------
    plan
        Of the whole query.
    one
        What this task reads.

    Yields
    ------
    pyarrow.RecordBatch
        Rows in the types that Spark takes.

    Raises
    ------
    AlertError
        A record cannot be decoded and is not to be set aside, or has another schema.
    BrokerUnavailableError
        Kafka fell silent.
    """
    rows = _Rows(plan)
    waiting: list[Any] = []
    size = 0
    with Follower(plan.wish, [one]) as follower:
        for messages in follower:
            for message in filter(rows.takes, messages):
                waiting.append(message)
                size += len(message)
                if size >= plan.wish.batch_bytes or len(waiting) >= _ROWS:
                    yield from rows.make(waiting)
                    waiting, size = [], 0
    if waiting:
        yield from rows.make(waiting)


class _Rows:
    """Makes rows of records.

    Parameters
    ----------
    plan
        Of the whole query.
    """

    def __init__(self, plan: Plan) -> None:
        self._wish, self._choice = plan.wish, plan.choice
        self._schema = arrow_schema(plan.schema)
        alert = [f for f in self._schema if f.name not in (BAD, KAFKA)]
        self._alert = pa.schema(alert)
        self._decoder = AvroDecoder(plan.choice.avro, leaves(plan.schema))
        self._last_key: bytes | None = None

    def takes(self, message: Any) -> bool:
        """Tell whether a record is wished; one of another schema may be refused."""
        if not self._wish.takes(message):
            return False
        if self._fits(message.key()):
            return True
        other = read_key(message.key())
        if other is None:
            return True  # a bad one, which is told or set aside
        if self._wish.fingerprint is not None:
            return False
        raise AlertError(
            f"{_where(message)} has the schema {other.fingerprint}, others have"
            f" {self._choice.fingerprint}: choose one by the option schema."
        )

    def make(self, messages: Sequence[Any]) -> Iterator[pa.RecordBatch]:
        """Decode records; those that are bad come in a batch of their own."""
        bad = {n: why for n, m in enumerate(messages) if (why := self._why_bad(m))}
        fine = [n for n in range(len(messages)) if n not in bad]
        found = self._decoder.decode([messages[n].value() for n in fine])
        bad |= {fine[n]: why for n, why in found.bad.items()}
        if bad and not self._wish.sets_aside:
            first = min(bad)
            raise AlertError(
                f"{_where(messages[first])} cannot be decoded: {bad[first].rstrip('.')}"
                " (badRecords=setAside goes past it)."
            )
        if found.rows:
            good = [messages[fine[n]] for n in found.rows]
            yield self._batch(cast_batch(found.batch, self._alert), good, None)
        if bad:
            reasons = [
                f"{_where(messages[n])}: {why}" for n, why in sorted(bad.items())
            ]
            nothing = [pa.nulls(len(bad), field.type) for field in self._alert]
            yield self._batch(nothing, [messages[n] for n in sorted(bad)], reasons)

    def _fits(self, key: bytes | None) -> bool:
        if self._choice.forced or (key is not None and key == self._last_key):
            return True
        found = read_key(key)
        if found is None or found.fingerprint != self._choice.fingerprint:
            return False
        self._last_key = key
        return True

    def _why_bad(self, message: Any) -> str:
        if not self._fits(message.key()):
            return _NO_SCHEMA
        return _NO_VALUE if message.value() is None else ""

    def _batch(
        self, columns: list[Any], messages: Sequence[Any], reasons: list[str] | None
    ) -> pa.RecordBatch:
        own = iter(columns)
        arrays = []
        for field in self._schema:
            if field.name == KAFKA:
                arrays.append(pa.array(map(_place, messages), field.type))
            elif field.name == BAD:
                arrays.append(_text(reasons, len(messages), field.type))
            else:
                arrays.append(next(own))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _text(reasons: list[str] | None, rows: int, kind: Any) -> Any:
    return pa.nulls(rows, kind) if reasons is None else pa.array(reasons, kind)


def _where(message: Any) -> str:
    return (
        f"The record of {message.topic()}, partition {message.partition()}, offset"
        f" {message.offset()}"
    )


def _place(message: Any) -> dict[str, Any]:
    headers = dict(message.headers() or ())
    night, generation = headers.get("night"), headers.get("generation")
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1] * 1000,
        "night": night and night.decode(errors="replace"),
        "generation": int(generation) if generation else None,
    }
