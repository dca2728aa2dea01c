"""Read the store: by Arrow, or by Spark what Arrow cannot read."""

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.spark import spark_session
from settings import Settings
from store.reader import ArrowReader, StoreReader
from tasks.spark_store import SparkReader


@contextmanager
def reading(settings: Settings) -> Iterator[StoreReader]:
    """Give what reads the store of these settings; Spark is started only if need be.

    Raises
    ------
    SettingsError
        No Java that Spark can run on is found.
    """
    if settings.store.format == "parquet":
        yield ArrowReader()
        return
    with spark_session(settings) as spark:
        yield SparkReader(spark, settings.store.format)
