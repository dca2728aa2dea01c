"""The format `nightmail`: topics of alerts as DataFrames."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
)

from nightmail.avro import AvroDecoder
from nightmail.avro.choose import choose
from nightmail.avro.layout import read_layout
from nightmail.spark.choice import Choice, choose_schema
from nightmail.spark.columns import BAD, KAFKA, leaves, spark_schema
from nightmail.spark.log import Log
from nightmail.spark.ranges import Range, split
from nightmail.spark.rows import Plan, read_rows
from nightmail.spark.stream import StreamReader
from nightmail.spark.wish import Wish, read_wish

__all__ = ["NightmailSource"]


class NightmailSource(DataSource):
    """Topics of one schema; `docs/spark.md` lists the options."""

    _choice: Choice | None = None
    """Found once, so that the readers agree with the columns."""

    @classmethod
    def name(cls) -> str:
        """Name the format."""
        return "nightmail"

    def schema(self) -> Any:
        """Give the columns, from the schema in the records' keys.

        Raises
        ------
        ConfigError
            An option is wrong, a topic is missing, there are several schemas or none.
        BrokerUnavailableError
            Kafka does not answer.
        """
        wish = read_wish(self.options)
        columns = wish.columns
        alert = AvroDecoder(self._schema_of(wish).avro, columns).schema
        own = [KAFKA] * wish.has_metadata + [BAD] * wish.sets_aside
        return spark_schema(alert, *own)

    def reader(self, schema: Any) -> DataSourceReader:
        """Give what reads the topics once, to where they end now."""
        return _BatchReader(self._plan(schema))

    def streamReader(self, schema: Any) -> DataSourceStreamReader:  # noqa: N802 - Spark's
        """Give what reads the topics as they grow."""
        return StreamReader(self._plan(schema))

    def _plan(self, schema: Any) -> Plan:
        wish = read_wish(self.options)
        choice = self._schema_of(wish)
        choose(
            read_layout(choice.avro), leaves(schema)
        )  # what is not there is told now
        return Plan(wish, choice, schema)

    def _schema_of(self, wish: Wish) -> Choice:
        if self._choice is None:
            self._choice = choose_schema(wish)
        return self._choice


class _BatchReader(DataSourceReader):
    """Reads what there is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def partitions(self) -> list[InputPartition]:
        """Give the ranges, one a partition of a topic, or more if so wished."""
        with Log(self._plan.wish) as log:
            return [*split(log.ranges(), self._plan.wish.fewest_tasks)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Read one of them; Spark gives another where there is none."""
        if isinstance(partition, Range):
            yield from read_rows(self._plan, partition)
