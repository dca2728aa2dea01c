"""A unit of work: a file, or a run of row groups of a large one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail.columns import Path, pick
from store.footer import Footer
from store.path import StorePath

NARROW_ROWS = 10_000
"""Most rows of a narrow batch, on which filters run."""

BATCH_BYTES = 64 << 20
"""Size that no batch should exceed, narrow or wide [byte, uncompressed]."""

UNIT_BYTES = 1 << 30
"""A file above this is cut into several units [byte, uncompressed]."""


@dataclass(frozen=True)
class Unit:
    """Rows that are filtered, sent and remembered together."""

    name: str
    """The file's name within the night; `#first-last` row group where it is cut."""

    path: StorePath
    identity: str
    """Identity of the file, see `store.footer`."""

    groups: tuple[int, ...]
    """Row groups of the file."""

    rows: int
    bytes: int
    """Uncompressed size [byte]."""


class UnitRows(Protocol):
    """Rows of a unit, however they are read: narrow columns first, whole rows later."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the file, nested as the survey has them."""

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

        Raises
        ------
        StoreError
            The file is damaged.
        """

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

        Raises
        ------
        StoreError
            The file is damaged.
        """


def cut_into_units(footer: Footer) -> Iterator[Unit]:
    """Cut a file into units of at most about 1 GB each."""
    runs = list(_runs(footer.group_bytes))
    for first, last in runs:
        groups = tuple(range(first, last + 1))
        whole = len(runs) == 1
        yield Unit(
            name=footer.name if whole else f"{footer.name}#{first}-{last}",
            path=footer.path,
            identity=footer.identity,
            groups=groups,
            rows=sum(footer.group_rows[g] for g in groups),
            bytes=sum(footer.group_bytes[g] for g in groups),
        )


def name_columns(
    batch: pa.RecordBatch, paths: Mapping[str, Path], absent: Mapping[str, Any]
) -> pa.RecordBatch:
    """Make a narrow batch of some nested columns.

    Parameters
    ----------
    batch
        Rows of the store.
    paths
        Where the column of each flat name stands.
    absent
        Types of the columns that become nulls.
    """
    picked = {n: pick(batch.column(p[0]), p[1:]) for n, p in paths.items()}
    nulls: dict[str, Any] = {n: pa.nulls(len(batch), t) for n, t in absent.items()}
    return pa.RecordBatch.from_pydict(picked | nulls)


def _runs(sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First and last index of runs whose sizes add up to UNIT_BYTES or less."""
    first, total = 0, 0
    for index, size in enumerate(sizes):
        if total + size > UNIT_BYTES and index > first:
            yield first, index - 1
            first, total = index, 0
        total += size
    yield first, len(sizes) - 1
