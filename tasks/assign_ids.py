"""Assign ids: each alert is sent once to a topic, in however many files it stands."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nightmail import ColumnError
from settings.errors import StoreError
from settings.names import ID_COLUMN
from store.parquet import ParquetUnit
from store.unit import Unit
from tasks.work import Work

Integers = npt.NDArray[np.int64]

NONE = np.empty(0, np.int64)
"""No ids."""


def assign_ids(
    remaining: Mapping[Unit, Sequence[str]],
    *,
    survey: str,
    sent: Mapping[str, Integers],
    archived: Integers,
) -> list[Work]:
    """Say for each unit which ids its filters leave out.

    Files are no identity: stores get merged into other files, and an id may stand in
    two of them. So what the archive has as sent is left out by id, wherever it stands
    now; of what remains, the first unit that has an id sends it.

    Parameters
    ----------
    remaining
        Filters that have yet to run on each unit.
    sent
        Ids that were sent before, by filter.
    archived
        Ids whose alert the archive has.
    """
    units = sorted(remaining, key=lambda unit: unit.name)
    if len(units) < 2 and not len(archived):  # noqa: PLR2004 - nothing to share
        return [Work(unit, tuple(remaining[unit])) for unit in units]
    ids = [read_ids(unit, survey) for unit in units]
    values, counts = np.unique(np.concatenate([NONE, *ids]), return_counts=True)
    claimed: dict[str, Integers] = {}
    works = []
    for unit, mine in zip(units, ids, strict=True):
        repeated = np.intersect1d(mine, values[counts > 1])
        not_ours = {}
        for name in remaining[unit]:
            others = claimed.get(name, NONE)
            before = np.union1d(others, sent.get(name, NONE))
            not_ours[name] = tuple(np.intersect1d(mine, before).tolist())
            claimed[name] = np.union1d(others, repeated)
        known = tuple(np.intersect1d(mine, archived).tolist())
        works.append(Work(unit, tuple(remaining[unit]), not_ours, known))
    return works


def read_ids(unit: Unit, survey: str) -> Integers:
    """Read the ids of a unit; none where they cannot be, which the walk says by name.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Each once, ascending.
    """
    try:
        batches = list(ParquetUnit(unit).columns([ID_COLUMN[survey]], {}))
    except (ColumnError, StoreError):
        return NONE
    parts = [b.column(0).drop_null().to_numpy(zero_copy_only=False) for b in batches]
    found = np.concatenate([NONE, *(p for p in parts if p.dtype.kind in "iu")])
    return np.unique(found.astype(np.int64))
