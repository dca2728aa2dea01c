"""Rows that Spark brings to a task: one file after the other, each to be walked."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from settings.errors import StoreError
from store.identity import check_identity
from store.path import path_in_url
from store.spool import Spool
from store.unit import Unit, UnitRows
from tasks.work import Work

FILE_COLUMN = "_nightmail_file"
"""Column that Spark adds: URL of the file that a row stands in."""


class ArrivingRows:
    """Units of one shard, whose rows come behind each other.

    Each file waits in a spool until its work is done: filters read it before anything
    is encoded, and a new start reads it again.

    Parameters
    ----------
    batches
        Rows of the shard's files, those of one file together; the last column is
        FILE_COLUMN.
    works
        What remains of these files.
    schema
        Schema of them all.
    kind
        Format of the files.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        works: Sequence[Work],
        schema: pa.Schema,
        kind: str,
    ) -> None:
        self._batches, self._schema, self._kind = batches, schema, kind
        self._waiting = {work.unit.path.spark_path: work for work in works}
        self._spool: Spool

    def works(self) -> Iterator[Work]:
        """Yield each work when its rows have come; last those of which none came.

        Raises
        ------
        StoreError
            Rows came that are not of a file that is waited for.
        RetryableError
            There is no room for them.
        """
        for where, pieces in groupby(self._pieces(), key=itemgetter(0)):
            work = self._waiting.pop(where, None)
            if work is None:
                raise StoreError(f"Spark brings rows of {where} that nobody awaits.")
            with Spool(self._schema, (rows for _, rows in pieces)) as self._spool:
                yield work
        for work in self._waiting.values():
            with Spool(self._schema, ()) as self._spool:
                yield work

    def open_unit(self, unit: Unit) -> UnitRows:
        """Give the rows of the work that was yielded last.

        Raises
        ------
        StoreError
            Spark did not bring all of them, or the file is another than was planned.
        StoreUnavailableError
            The file system does not answer.
        """
        check_identity(unit.path, unit.identity, self._kind)
        if len(self._spool) != unit.rows:
            raise StoreError(
                f"{unit.path} cannot be read as {self._kind}: {len(self._spool):,} of"
                f" its {unit.rows:,} rows came."
            )
        return self._spool

    def _pieces(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Cut the batches where one file ends and the next begins."""
        for batch in self._batches:
            rows = pa.RecordBatch.from_arrays(
                [batch.column(name) for name in self._schema.names], schema=self._schema
            )
            start = 0
            for url, same in groupby(batch.column(FILE_COLUMN).to_pylist()):
                count = sum(1 for _ in same)
                yield path_in_url(str(url)), rows.slice(start, count)
                start += count
