"""Writes one slice: each alert with all its columns, and who kept it."""

import io
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from archive.disk import refusals_explained, sync
from archive.kinds import SCHEMAS
from settings.errors import NightError

COMPRESSION_LEVEL = 1
"""Level of zstd: the alerts are mostly cutouts, which are compressed already."""

GROUP_BYTES = 32 << 20
"""Size above which a row group is written [byte]. Each costs some 0.1 ms for every
column, of which an alert has hundreds."""


class SliceWriter:
    """Streams one slice to its pending files, a row group for every few batches.

    Used in `with`: leaving it puts the files on the disk, or deletes them when
    something was raised. What holds no rows becomes no file.
    """

    def __init__(self, files: dict[str, Path], *, name: str) -> None:
        self.name = name
        self._files = files
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._schemas: dict[str, pa.Schema] = dict(SCHEMAS)
        self._waiting: dict[str, list[pa.RecordBatch]] = {}
        """Batches of the next row group."""

        self._sizes: Counter[str] = Counter()
        """Their size [byte]."""

    def write_alerts(self, batch: pa.RecordBatch) -> None:
        """Append alerts with all their columns; the first batch sets the schema.

        Raises
        ------
        ArchiveUnavailableError
            The disk refuses.
        NightError
            The batch has another schema than the first.
        """
        self._write("alerts", batch)

    def write_matches(self, batch: pa.RecordBatch) -> None:
        """Append rows of `MATCHES_SCHEMA`; raises as `write_alerts` does."""
        self._write("matches", batch)

    def write_set_aside(self, batch: pa.RecordBatch) -> None:
        """Append rows of `SET_ASIDE_SCHEMA`; raises as `write_alerts` does."""
        self._write("set_aside", batch)

    def __enter__(self) -> Self:
        for file in self._files.values():
            with refusals_explained(file.parent):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._discard()
            return
        try:
            self._finish()
        except BaseException:
            self._discard()
            raise

    def _write(self, kind: str, batch: pa.RecordBatch) -> None:
        schema = self._schemas.setdefault(kind, batch.schema)
        if batch.schema != schema:
            raise NightError(
                f"Slice {self.name} of the archive takes one schema, and was given"
                f" {kind} of two; write each schema to a slice of its own."
            )
        if not batch.num_rows:
            return
        self._waiting.setdefault(kind, []).append(batch)
        self._sizes[kind] += batch.nbytes
        if self._sizes[kind] >= GROUP_BYTES:
            self._write_group(kind)

    def _write_group(self, kind: str) -> None:
        """Write a row group of what waits."""
        if not (batches := self._waiting.pop(kind, [])):
            return
        del self._sizes[kind]
        schema = self._schemas[kind]
        with refusals_explained(self._files[kind].parent):
            writer = self._writers.get(kind) or self._open(kind, schema)
            table = pa.Table.from_batches(batches, schema)
            writer.write_table(table, row_group_size=len(table))

    def _open(self, kind: str, schema: pa.Schema) -> pq.ParquetWriter:
        self._writers[kind] = pq.ParquetWriter(
            str(self._files[kind]),
            schema,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=_text_columns(schema),
        )
        return self._writers[kind]

    def _finish(self) -> None:
        for kind in list(self._waiting):
            self._write_group(kind)
        for kind, writer in self._writers.items():
            file = self._files[kind]
            with refusals_explained(file.parent):
                writer.close()
                sync(file)
                sync(file.parent)

    def _discard(self) -> None:
        """Delete what was written; what cannot be deleted now, `repair` deletes."""
        for writer in self._writers.values():
            with suppress(OSError):
                writer.close()
        for file in self._files.values():
            with suppress(OSError):
                file.unlink(missing_ok=True)


@lru_cache(maxsize=16)
def _text_columns(schema: pa.Schema) -> Any:
    """Parquet's own names of the columns that hold text.

    Only these get a dictionary: looking up every cutout and every number takes a third
    of the time of writing, and makes the files 1 % smaller.
    """
    empty = io.BytesIO()
    pq.write_table(schema.empty_table(), empty)
    columns = pq.ParquetFile(empty).schema
    leaves = (columns.column(index) for index in range(len(columns)))
    return [leaf.path for leaf in leaves if str(leaf.logical_type) == "String"]
