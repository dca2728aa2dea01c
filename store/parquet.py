"""Rows of a unit, read from Parquet by Arrow: narrow columns first, wanted rows later.

The interface that a store which Arrow cannot open will have too: `schema`,
`columns(names)`, `rows(indices)`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from nightmail.columns import pick, resolve
from settings.errors import StoreError
from store.footer import read_identity
from store.unit import Unit

NARROW_ROWS = 10_000
"""Rows of a narrow batch, on which filters run."""

WIDE_ROWS = 1000
"""Most rows of a batch that holds whole alerts."""

WIDE_BYTES = 64 << 20
"""Size that a batch of whole alerts should not exceed [byte, uncompressed]."""


class ParquetUnit:
    """One unit of a night, memory-mapped.

    Parameters
    ----------
    unit
        The file and its row groups.

    Raises
    ------
    StoreError
        The file cannot be opened; reading raises it too, for a file that is damaged
        behind its footer.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        with _translated(unit):
            self._file = pq.ParquetFile(unit.path, memory_map=True, pre_buffer=False)
            if read_identity(Path(unit.path)) != unit.identity:
                raise StoreError(f"{Path(unit.path).name} changed while the night ran.")
        self.schema: pa.Schema = self._file.schema_arrow
        self._leaves = list(_leaf_paths(self.schema))

    def columns(
        self, names: Sequence[str], absent: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """Yield narrow batches, their columns named as filters name them.

        Parameters
        ----------
        names
            Flat names, each of which the file has.
        absent
            Flat names that other files of the night have, and their types: columns of
            nulls here.
        """
        paths = {name: resolve(self.schema, name) for name in names}
        leaves = self._parquet_columns(set(paths.values()))
        for batch in self._batches(NARROW_ROWS, self._unit.groups, leaves):
            picked = {n: pick(batch.column(p[0]), p[1:]) for n, p in paths.items()}
            nulls: dict[str, Any] = {
                n: pa.nulls(len(batch), t) for n, t in absent.items()
            }
            yield pa.RecordBatch.from_pydict(picked | nulls)

    def rows(
        self, wanted: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Yield whole alerts, a bounded number at a time.

        Parameters
        ----------
        wanted
            Row numbers within the unit, ascending.

        Yields
        ------
        slice
            Which of `wanted` the batch holds.
        pyarrow.RecordBatch
            Their rows, in that order.
        """
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
        for batch in self._batches(self._wide_rows(group), (group,), None):
            high = int(np.searchsorted(wanted, start + len(batch)))
            if done < high:
                rows = batch.take(wanted[done:high] - start)
                yield slice(offset + done, offset + high), rows
            start, done = start + len(batch), high
            if done == len(wanted):
                return

    def _wide_rows(self, group: int) -> int:
        """Rows of a row group that fit in WIDE_BYTES."""
        metadata = self._file.metadata.row_group(group)
        mean = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
        return int(min(WIDE_ROWS, max(1, WIDE_BYTES // mean)))

    def _batches(
        self, rows: int, groups: Sequence[int], columns: list[str] | None
    ) -> Iterator[pa.RecordBatch]:
        with _translated(self._unit):
            yield from self._file.iter_batches(
                batch_size=rows,
                row_groups=[*groups],
                columns=columns,
                use_threads=False,
            )

    def _parquet_columns(self, paths: set[tuple[str, ...]]) -> list[str]:
        """Parquet's own names of the leaves below some paths."""
        return [
            self._file.schema.column(index).path
            for index, leaf in enumerate(self._leaves)
            if any(leaf[: len(path)] == path for path in paths)
        ]


@contextmanager
def _translated(unit: Unit) -> Iterator[None]:
    """Arrow's complaints about a damaged file become a StoreError that names it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = str(error).strip().splitlines()[0]
        name = Path(unit.path).name
        raise StoreError(f"{name} cannot be read as Parquet: {why}") from error


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
