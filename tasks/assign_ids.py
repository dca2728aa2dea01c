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
) -> tuple[list[Work], list[Unit]]:
    """Say which units are worked on now, and which ids their filters leave out.

    Files are no identity: stores get merged into other files, and an id may stand in
    two of them. So what the archive has as sent is left out by id, wherever it stands
    now. Of units that share an id, the first is worked on, the others later: if it
    sends the alert, they leave it out then, and if it fails or vanishes, one of them
    sends it.

    Parameters
    ----------
    remaining
        Filters that have yet to run on each unit.
    sent
        Ids that were sent before, by filter.
    archived
        Ids whose alert the archive has.

    Returns
    -------
    works, deferred
        What is done now, by the units' names, and the units that have to wait.
    """
    units = sorted(remaining, key=lambda unit: unit.name)
    known = [archived, *sent.values()]
    if len(units) < 2 and not any(map(len, known)):  # noqa: PLR2004 - nothing to share
        return [Work(unit, tuple(remaining[unit])) for unit in units], []
    works, deferred, taken = [], [], NONE
    ids = [read_ids(unit, survey) for unit in units]
    values, counts = np.unique(np.concatenate([NONE, *ids]), return_counts=True)
    for unit, mine in zip(units, ids, strict=True):
        repeated = np.intersect1d(mine, values[counts > 1])
        if np.isin(repeated, taken).any():
            deferred.append(unit)
            continue
        taken = np.union1d(taken, repeated)
        not_ours = {n: _common(mine, sent.get(n, NONE)) for n in remaining[unit]}
        there = _common(mine, archived)
        works.append(Work(unit, tuple(remaining[unit]), not_ours, there))
    return works, deferred


def _common(mine: Integers, others: Integers) -> tuple[int, ...]:
    return tuple(np.intersect1d(mine, others).tolist())


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
