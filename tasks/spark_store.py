"""A store that Arrow cannot read, read by Spark: the driver's part."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail.columns import resolve_all
from runtime.spark import first_cause
from settings.errors import StoreError
from store.footer import Footer
from store.identity import check_identity, read_identity
from store.path import StorePath, damage_named, path_in_url
from store.reader import NONE, THREADS, Integers
from store.unit import Unit, UnitRows, name_columns
from tasks.arriving_rows import FILE_COLUMN

WIDE_ROWS = 1000
"""Whole alerts that the driver asks for at a time."""

Batches = Iterator[pa.RecordBatch]


class SparkReader:
    """Reads a store that Spark reads as files; `StoreReader` of a driver.

    Parameters
    ----------
    spark
        The session.
    kind
        Format of the files, under Spark's name.
    """

    def __init__(self, spark: Any, kind: str) -> None:
        self.kind, self._spark = kind, spark
        self._schemas: dict[pa.Schema, pa.Schema] = {}
        """Each schema once, of however many files."""

    def read_footers(
        self, folder: StorePath, names: Sequence[str]
    ) -> tuple[list[Footer], list[str]]:
        """Read types, sizes and row counts of a night's files, see `StoreReader`.

        The types are read file by file: of two schemas in one folder Spark would take
        one, and leave out in silence the columns that only the other has.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            looked = list(pool.map(partial(self._look, folder), names))
        found = [one for one in looked if isinstance(one, Footer)]
        rows = self._count(found)
        looked = [
            _counted(one, rows) if isinstance(one, Footer) else one for one in looked
        ]
        damaged = [str(one) for one in looked if isinstance(one, StoreError)]
        return [one for one in looked if isinstance(one, Footer)], damaged

    def read_ids(self, units: Sequence[Unit], column: str) -> list[Integers]:
        """Read the ids of units in one job, see `StoreReader`."""
        if not units:
            return []
        try:
            found = self._read_ids([unit.path for unit in units], column)
        except StoreError:
            if len(units) == 1:
                return [NONE]
            return [ids for unit in units for ids in self.read_ids([unit], column)]
        return [found.get(unit.path.spark_path, NONE) for unit in units]

    def open_unit(self, unit: Unit) -> UnitRows:
        """Open the rows of a unit, see `StoreReader`."""
        check_identity(unit.path, unit.identity, self.kind)
        return SparkUnit(self, unit.path, self._read_schema(unit.path))

    def load(
        self, paths: Sequence[StorePath], schema: pa.Schema, *, whole: bool = False
    ) -> Any:
        """Make the frame of some files, and behind their columns FILE_COLUMN.

        Parameters
        ----------
        schema
            Columns to read.
        whole
            Whether a damaged file ends the job; otherwise its rows end early.
        """
        from pyspark.sql import functions  # noqa: PLC0415 - seconds, and only here
        from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415

        return (
            self._spark.read.format(self.kind)
            .schema(from_arrow_schema(schema))
            .option("ignoreCorruptFiles", not whole)
            .load([_unglobbed(path.spark_url) for path in paths])
            .select("*", functions.col("_metadata.file_path").alias(FILE_COLUMN))
        )

    def _look(self, folder: StorePath, name: str) -> Footer | StoreError:
        path = folder / name
        try:
            with damage_named(path, self.kind), path.open() as file:
                identity, size = read_identity(file)
            schema = self._read_schema(path)
        except StoreError as error:
            return error
        return Footer(name, path, schema, identity, (0,), (size,))

    def _read_schema(self, path: StorePath) -> pa.Schema:
        from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415

        with _named(path, self.kind):
            frame = self._spark.read.format(self.kind).load(_unglobbed(path.spark_url))
            schema = to_arrow_schema(frame.schema, timezone="UTC")
        return self._schemas.setdefault(schema, schema)

    def _count(self, footers: Sequence[Footer]) -> dict[str, int | StoreError]:
        """Count the rows of each file; if one ends the job, of each file alone."""
        if not footers:
            return {}
        first = footers[0]
        try:
            with _named(first.path, self.kind):
                # No column is read, so that one schema does for all.
                frame = self.load([f.path for f in footers], first.schema, whole=True)
                counts = frame.groupBy(FILE_COLUMN).count().collect()
        except StoreError as error:
            if len(footers) == 1:
                return {first.path.spark_path: error}
            alone = (self._count([footer]) for footer in footers)
            return {path: count for counts in alone for path, count in counts.items()}
        return {path_in_url(row[FILE_COLUMN]): row["count"] for row in counts}

    def _read_ids(self, paths: Sequence[StorePath], column: str) -> dict[str, Integers]:
        with _named(paths[0], self.kind):
            frame = self.load(paths, pa.schema([(column, pa.int64())]))
            answer = frame.groupBy(FILE_COLUMN).agg({column: "collect_set"}).toArrow()
        return {
            path_in_url(url.as_py()): np.sort(np.asarray(ids.values, np.int64))
            for url, ids in zip(*answer.columns, strict=True)
        }


def _counted(
    footer: Footer, rows: Mapping[str, int | StoreError]
) -> Footer | StoreError:
    count = rows.get(footer.path.spark_path, 0)
    return (
        count if isinstance(count, StoreError) else replace(footer, group_rows=(count,))
    )


class SparkUnit:
    """Rows of a unit for the driver, where it repairs: `UnitRows` out of Spark jobs."""

    def __init__(self, reader: SparkReader, path: StorePath, schema: pa.Schema) -> None:
        self._reader, self._path = reader, path
        self.schema = schema

    def columns(
        self, names: Sequence[str], absent: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """Yield narrow batches, see `UnitRows`."""
        paths = resolve_all(self.schema, names)
        tops = dict.fromkeys(path[0] for path in paths.values())
        schema = pa.schema([self.schema.field(top) for top in tops])
        for batch in self._run(schema):
            yield name_columns(batch, paths, absent)

    def rows(
        self, wanted: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Yield whole alerts, see `UnitRows`."""
        for first in range(0, len(wanted), WIDE_ROWS):
            done = first
            for batch in self._run(self.schema, wanted[first : first + WIDE_ROWS]):
                yield slice(done, done + len(batch)), batch
                done += len(batch)

    def _run(
        self, schema: pa.Schema, wanted: npt.NDArray[np.int64] | None = None
    ) -> list[pa.RecordBatch]:
        """Have a job bring some columns, of all rows or of those that are wanted."""
        with _named(self._path, self._reader.kind):
            frame = self._reader.load([self._path], schema, whole=True)
            frame = frame.drop(FILE_COLUMN)
            if wanted is not None:
                frame = frame.mapInArrow(_taking(wanted), frame.schema)
            return list(frame.toArrow().cast(schema).to_batches())


def _taking(wanted: npt.NDArray[np.int64]) -> Callable[[Batches], Batches]:
    """Make what takes some rows of one partition, by their numbers."""

    def take(batches: Batches) -> Batches:
        start = 0
        for batch in batches:
            low, high = np.searchsorted(wanted, (start, start + len(batch)))
            if low < high:
                yield batch.take(wanted[low:high] - start)
            start += len(batch)

    return take


def _unglobbed(url: str) -> str:
    """Spell a URL so that Hadoop takes no character of a name for a pattern."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", url)


@contextmanager
def _named(path: StorePath, kind: str) -> Iterator[None]:
    """Make Spark's complaints about a file a StoreError that names it."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (Py4JError, PySparkException) as error:
        path.check_reachable()
        raise StoreError(
            f"{path} cannot be read as {kind}: {first_cause(error)}."
        ) from error
