"""How a driver reads a store: the footers of its files, their ids, and their rows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nightmail import ColumnError
from settings.errors import StoreError
from store.footer import Footer, read_footer
from store.parquet import ParquetUnit
from store.path import StorePath
from store.unit import Unit, UnitRows

Integers = npt.NDArray[np.int64]

THREADS = 16
"""Files that are asked at once: a distant store lets one wait most of the time."""

NONE: Integers = np.empty(0, np.int64)
"""No ids."""


class StoreReader(Protocol):
    """What reads a store, by Arrow or otherwise."""

    def read_footers(
        self, folder: StorePath, names: Sequence[str]
    ) -> tuple[list[Footer], list[str]]:
        """Read the footers of a night's files.

        Returns
        -------
        list of Footer
            Of the files that can be read, in the order of `names`.
        list of str
            Why the others cannot be, one sentence each.

        Raises
        ------
        StoreUnavailableError
            The file system does not answer.
        """

    def read_ids(self, units: Sequence[Unit], column: str) -> list[Integers]:
        """Read the ids of units; none where they cannot be, which the walk tells.

        Parameters
        ----------
        column
            Name of the column that names an alert.

        Returns
        -------
        list of numpy.ndarray of int64, shape (n,)
            Of each unit, each id once, ascending.

        Raises
        ------
        StoreUnavailableError
            The file system does not answer.
        """

    def open_unit(self, unit: Unit) -> UnitRows:
        """Open the rows of a unit.

        Raises
        ------
        StoreError
            The file cannot be opened, or is another than the unit's.
        StoreUnavailableError
            The file system does not answer.
        """


class ArrowReader:
    """Reads a store of Parquet, on any file system that Arrow opens."""

    def read_footers(
        self, folder: StorePath, names: Sequence[str]
    ) -> tuple[list[Footer], list[str]]:
        """Read the footers of a night's files, see `StoreReader`."""
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(partial(_try_footer, folder), names))
        damaged = [str(one) for one in answers if isinstance(one, StoreError)]
        return [one for one in answers if isinstance(one, Footer)], damaged

    def read_ids(self, units: Sequence[Unit], column: str) -> list[Integers]:
        """Read the ids of units, see `StoreReader`."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(partial(_read_ids, column=column), units))

    def open_unit(self, unit: Unit) -> UnitRows:
        """Open the rows of a unit, see `StoreReader`."""
        return ParquetUnit(unit)


def _try_footer(folder: StorePath, name: str) -> Footer | StoreError:
    try:
        return read_footer(folder, name)
    except StoreError as error:
        return error


def _read_ids(unit: Unit, column: str) -> Integers:
    try:
        batches = list(ParquetUnit(unit).columns([column], {}))
    except (ColumnError, StoreError):
        return NONE
    parts = [b.column(0).drop_null().to_numpy(zero_copy_only=False) for b in batches]
    found = np.concatenate([NONE, *(p for p in parts if p.dtype.kind in "iu")])
    return np.unique(found.astype(np.int64))
