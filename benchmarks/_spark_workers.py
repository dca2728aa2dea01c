"""Spark's Python workers, kept alive: an idle one ends after a minute."""

from collections.abc import Iterator
from typing import Any


def touch_workers(spark: Any) -> None:
    """Have all Python workers of a session do next to nothing."""
    cores = spark.sparkContext.defaultParallelism
    spark.range(0, 2 * cores, 1, 2 * cores).mapInArrow(_same, "id long").collect()


def _same(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches
