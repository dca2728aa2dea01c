"""Topics as a stream: what is new, from one batch to the next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import (
    ReadAllAvailable,
    ReadLimit,
    ReadMaxRows,
    SupportsTriggerAvailableNow,
)

from nightmail._errors import ConfigError
from nightmail.spark.log import Log
from nightmail.spark.ranges import Place, Range, limit, make_ranges, split
from nightmail.spark.rows import Plan, read_rows

__all__ = ["StreamReader"]

Written = Mapping[str, Mapping[str, int]]
"""Offsets as a checkpoint has them: by topic and by the number of the partition."""


class StreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Reads topics as they grow, each record in one batch and one only.

    Where a batch begins and ends is written to the query's checkpoint before it is
    read, so that after any end the same batch is read again. Nothing is committed to
    Kafka, and what is not committed there, or aborted, is never seen.

    Parameters
    ----------
    plan
        Of the whole query.
    """

    def __init__(self, plan: Plan) -> None:
        if plan.wish.until_ms is not None:
            raise ConfigError("A stream has no end: leave out the option endingTime.")
        self._plan = plan
        self._target: dict[Place, int] | None = None

    def initialOffset(self) -> dict[str, Any]:  # noqa: N802 - Spark's name
        """Give where a new query begins."""
        with Log(self._plan.wish) as log:
            places = log.places()
            from_latest = self._plan.wish.from_latest
            return _write(log.ends(places) if from_latest else log.starts(places))

    def latestOffset(  # noqa: N802 - Spark's name
        self, start: Written, limit: ReadLimit
    ) -> dict[str, Any]:
        """Give where the next batch ends."""
        ends = _later(_read(start), self._target or self._ends())
        if isinstance(limit, ReadMaxRows):
            return _write(_limit(_read(start), ends, limit.max_rows))
        return _write(ends)

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802 - Spark's name
        """Give the size of a batch that the user asked for."""
        most = self._plan.wish.most_offsets
        return ReadMaxRows(most) if most else ReadAllAvailable()

    def reportLatestOffset(self) -> dict[str, Any]:  # noqa: N802 - Spark's name
        """Give where the topics end, for the query's progress."""
        return _write(self._ends())

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802 - Spark's name
        """Remember where the topics end now: what comes later is another query's."""
        self._target = self._ends()

    def partitions(self, start: Written, end: Written) -> Sequence[InputPartition]:
        """Give the ranges of one batch."""
        ranges = make_ranges(_read(start), _read(end))
        return split(ranges, self._plan.wish.fewest_tasks)

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Read one of them."""
        if isinstance(partition, Range):
            yield from read_rows(self._plan, partition)

    def _ends(self) -> dict[Place, int]:
        with Log(self._plan.wish) as log:
            return log.ends(log.places())


_limit = limit
"""Under a name that Spark's argument leaves free."""


def _later(some: Mapping[Place, int], others: Mapping[Place, int]) -> dict[Place, int]:
    """Give the later offset of each partition: no batch goes backwards."""
    places = [*others, *(place for place in some if place not in others)]
    return {p: max(some.get(p, 0), others.get(p, 0)) for p in places}


def _write(offsets: Mapping[Place, int]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for (topic, number), offset in sorted(offsets.items()):
        written.setdefault(topic, {})[str(number)] = offset
    return written


def _read(written: Written) -> dict[Place, int]:
    return {
        (topic, int(number)): offset
        for topic, offsets in written.items()
        for number, offset in offsets.items()
    }
