"""A night by Spark alone: as brokers do it now, and as well as Spark can.

`per_filter` is one job a filter: full read, `pandas_udf`, `to_avro`, the Kafka sink.
`column` and `pandas` are one job for all: every alert is given the topics that want it,
is encoded once and then exploded over them; their filters are Spark's own expressions,
or `pandas_udf`. Their columnar batches are small: a default one, of 4096 alerts, fits
in no cache.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everybody does
from pyspark.sql.avro.functions import to_avro
from pyspark.sql.pandas import functions as arrow
from pyspark.sql.types import TimestampNTZType, TimestampType

from benchmarks._night_filters import Filters, read_filters
from benchmarks._process import serve
from benchmarks._spark_jars import fetch_spark_jars
from benchmarks._spark_workers import touch_workers
from cluster.access import connect
from ledger.transaction import MAX_MESSAGE_BYTES
from nightmail import Filter
from nightmail.avro import compact, derive_schema
from nightmail.columns import resolve
from runtime.java import find_java
from runtime.spark import LOG4J
from settings.model import Settings
from settings.names import topic

HEAP = "6g"
"""Memory of Spark's JVM: more than it needs, so that it seldom collects garbage."""

BATCH_ROWS = "spark.sql.parquet.columnarReaderBatchSize"
"""Setting of Spark: rows that it decodes at a time, 4096 by default."""

TUNING = {
    BATCH_ROWS: "128",
    "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods",
}
"""What a good engineer sets for alerts of tens of kilobytes, and for many filters."""

PRODUCER = {
    "kafka.linger.ms": "20",
    "kafka.batch.size": "1000000",
    "kafka.compression.type": "zstd",
    "kafka.compression.zstd.level": "1",
    "kafka.max.request.size": str(MAX_MESSAGE_BYTES),
}
"""The same batches and compression as the product's producer."""

LOGIN = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required"
    ' username="{name}" password="{password}";'
)


class _Night:
    """One night, as Spark reads it, and the ways to distribute it."""

    def __init__(self) -> None:
        self._spark: Any = None
        self._frame: Any
        self._schema: pa.Schema
        self._survey: str
        self._filters: Filters
        self._sink: dict[str, str]

    def start(self, state_dir: str) -> None:
        """Start Spark."""
        self._spark = _open_session()
        self._sink = PRODUCER | _login(Settings(state_dir=Path(state_dir)))

    def open(self, survey: str, folder: str) -> None:
        """Read the schema of a night, and list its files."""
        first = next(Path(folder).glob("*.parquet"))
        self._schema = pq.read_schema(first)
        self._frame = self._spark.read.parquet(folder)
        self._survey, self._filters = survey, read_filters(survey)

    def per_filter(self, prefix: str) -> None:
        """Run one job a filter, as brokers do now: with Spark's own batches."""
        self._spark.conf.unset(BATCH_ROWS)
        for one in self._filters.filters.values():
            kept = self._frame.where(self._pandas(one))
            where = F.lit(topic(prefix, one.name, self._survey))
            self._write(kept.select(where.alias("topic"), self._value().alias("value")))
        self._spark.conf.set(BATCH_ROWS, TUNING[BATCH_ROWS])

    def touch(self) -> None:
        """Keep Spark's Python workers from ending, as idle ones do after a minute."""
        touch_workers(self._spark)

    def column(self, prefix: str) -> None:
        """Run one job for all filters, which are Spark's expressions."""
        self._one_pass(prefix, self._expression)

    def pandas(self, prefix: str) -> None:
        """Run one job for all filters, which are `pandas_udf`."""
        self._one_pass(prefix, self._pandas)

    def _one_pass(self, prefix: str, read: Callable[[Filter], Any]) -> None:
        wishes = [
            F.when(read(one), F.lit(topic(prefix, one.name, self._survey)))
            for one in self._filters.filters.values()
        ]
        wanted = F.filter(F.array(*wishes), lambda name: name.isNotNull())
        encoded = (
            self._frame.withColumn("_topics", wanted)
            .where(F.size("_topics") > 0)
            .select("_topics", self._value().alias("value"))
        )
        self._write(encoded.select(F.explode("_topics").alias("topic"), "value"))

    def _value(self) -> Any:
        """Encode all columns by the product's schema: times are text."""
        columns = [
            F.col(f"`{field.name}`").cast("string").alias(field.name)
            if isinstance(field.dataType, TimestampType | TimestampNTZType)
            else F.col(f"`{field.name}`")
            for field in self._frame.schema
        ]
        return to_avro(F.struct(*columns), self._key())

    def _key(self) -> str:
        return compact(derive_schema(self._schema)).decode()

    def _write(self, records: Any) -> None:
        keyed = records.withColumn("key", F.lit(self._key()))
        keyed.write.format("kafka").options(**self._sink).save()

    def _expression(self, one: Filter) -> Any:
        """Take a filter's twin in SQL, its flat names made those of nested columns."""
        text = self._filters.sql[one.name]
        for name in sorted(one.columns, key=len, reverse=True):
            text = re.sub(rf"\b{name}\b", self._dotted(name), text)
        return F.expr(text)

    def _pandas(self, one: Filter) -> Any:
        keep = self._filters.per_row.get(one.name, one.keep)
        names = [F.col(self._dotted(name)) for name in one.columns]
        udf: Any = arrow.pandas_udf  # its stubs know no function of any length
        return udf(_answering(keep), "boolean")(*names)

    def _dotted(self, name: str) -> str:
        return ".".join(resolve(self._schema, name))


def _answering(keep: Any) -> Callable[..., Any]:
    """Make a function that `pandas_udf` takes of one that filters a batch."""

    def answer(*columns: pd.Series) -> pd.Series:
        return pd.Series(keep(*columns).fillna(value=False).to_numpy(bool))

    return answer


def _open_session() -> Any:
    """Start Spark with the jars that it needs."""
    scratch = tempfile.mkdtemp(prefix="nightmail-spark-")
    Path(scratch, "log4j2.properties").write_text(LOG4J)
    os.environ["SPARK_CONF_DIR"] = scratch
    os.environ["JAVA_HOME"] = str(find_java("spark").home)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[*]").appName("night")
    options = TUNING | {
        "spark.jars": ",".join(map(str, fetch_spark_jars())),
        "spark.driver.memory": HEAP,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _login(settings: Settings) -> dict[str, str]:
    """Give the Kafka sink's options for logging in as the product's publisher."""
    known = connect(settings).publisher
    login = LOGIN.format(name=known["sasl.username"], password=known["sasl.password"])
    return {
        "kafka.bootstrap.servers": str(known["bootstrap.servers"]),
        "kafka.security.protocol": str(known["security.protocol"]),
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": login,
    }


if __name__ == "__main__":
    night = _Night()
    serve(
        {
            "start": night.start,
            "open": night.open,
            "per_filter": night.per_filter,
            "column": night.column,
            "pandas": night.pandas,
            "touch": night.touch,
        }
    )
