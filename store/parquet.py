"""Rows of a unit, read from Parquet by Arrow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from nightmail.columns import resolve_all
from settings.errors import StoreError
from store.footer import read_metadata
from store.path import damage_named
from store.unit import BATCH_BYTES, NARROW_ROWS, Unit, name_columns

WIDE_ROWS = 1000
"""Most rows of a batch that holds whole alerts."""


class ParquetUnit:
    """One unit of a night: `UnitRows` that Arrow reads.

    A local file is mapped into memory and not buffered. Of another, what one call needs
    is asked for at once: the narrow columns of a unit, the whole alerts of a row group.

    Parameters
    ----------
    unit
        The file and its row groups.

    Raises
    ------
    StoreError
        The file cannot be opened, or is another than the unit's.
    StoreUnavailableError
        The file system does not answer; reading raises it too.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        with damage_named(unit.path):
            file = unit.path.open()
            metadata, identity = read_metadata(file)
            if identity != unit.identity:
                raise StoreError(f"{unit.path} changed while the night ran.")
            self._file = pq.ParquetFile(
                file, metadata=metadata, pre_buffer=not unit.path.is_local
            )
        self.schema: pa.Schema = self._file.schema_arrow
        self._leaves = list(_leaf_paths(self.schema))

    def columns(
        self, names: Sequence[str], absent: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """Yield narrow batches, see `UnitRows`."""
        paths = resolve_all(self.schema, names)
        leaves = self._leaves_below(set(paths.values()))
        rows = self._fitting(NARROW_ROWS, self._unit.groups, leaves)
        for batch in self._batches(rows, self._unit.groups, leaves):
            yield name_columns(batch, paths, absent)

    def rows(
        self, wanted: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Yield whole alerts, see `UnitRows`."""
        start = 0
        for group in self._unit.groups:
            end = start + self._file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(wanted, (start, end))
            if low < high:
                mine = wanted[low:high]
                yield from self._rows_of_group(group, start, mine, int(low))
            start = end

    def _rows_of_group(
        self, group: int, start: int, wanted: npt.NDArray[np.int64], offset: int
    ) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Yield the wanted rows of a group; what lies behind them is not decoded."""
        done = 0
        rows = self._fitting(WIDE_ROWS, (group,), range(len(self._leaves)))
        for batch in self._batches(rows, (group,), None):
            high = int(np.searchsorted(wanted, start + len(batch)))
            if done < high:
                mine = batch.take(wanted[done:high] - start)
                yield slice(offset + done, offset + high), mine
            start, done = start + len(batch), high
            if done == len(wanted):
                return

    def _fitting(self, most: int, groups: Sequence[int], leaves: Sequence[int]) -> int:
        """Rows of some leaves, at most so many, that fit in BATCH_BYTES."""
        found = [self._file.metadata.row_group(group) for group in groups]
        size = sum(
            g.column(leaf).total_uncompressed_size for g in found for leaf in leaves
        )
        mean = max(1, size // max(1, sum(group.num_rows for group in found)))
        return int(min(most, max(1, BATCH_BYTES // mean)))

    def _batches(
        self, rows: int, groups: Sequence[int], leaves: Sequence[int] | None
    ) -> Iterator[pa.RecordBatch]:
        columns: Any = None
        if leaves is not None:
            columns = [self._file.schema.column(leaf).path for leaf in leaves]
        with damage_named(self._unit.path):
            yield from self._file.iter_batches(
                batch_size=rows,
                row_groups=[*groups],
                columns=columns,
                use_threads=False,
            )

    def _leaves_below(self, paths: set[tuple[str, ...]]) -> list[int]:
        """Numbers of the leaves below some paths, as Parquet counts them."""
        return [
            number
            for number, leaf in enumerate(self._leaves)
            if any(leaf[:depth] in paths for depth in range(1, len(leaf) + 1))
        ]


def _leaf_paths(schema: pa.Schema) -> Iterator[tuple[str, ...]]:
    """Yield the path of every leaf, in the order of Parquet's own columns."""
    for field in schema:
        yield from _leaves_below(field.type, (field.name,))


def _leaves_below(
    kind: pa.DataType, path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    if pat.is_map(kind):
        yield from _leaves_below(kind.key_type, (*path, "key"))
        yield from _leaves_below(kind.item_type, (*path, "value"))
    elif pat.is_list(kind) or pat.is_large_list(kind) or pat.is_fixed_size_list(kind):
        yield from _leaves_below(kind.value_type, path)
    elif pat.is_struct(kind):
        for field in kind:
            yield from _leaves_below(field.type, (*path, field.name))
    else:
        yield path
