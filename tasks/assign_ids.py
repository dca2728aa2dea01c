"""Assign ids: each alert is sent once to a topic, in however many files it stands."""

from collections.abc import Mapping, Sequence

import numpy as np

from settings.names import ID_COLUMN
from store.reader import NONE, Integers, StoreReader
from store.unit import Unit
from tasks.work import Work


def assign_ids(
    remaining: Mapping[Unit, Sequence[str]],
    *,
    survey: str,
    sent: Mapping[str, Integers],
    archived: Integers,
    reader: StoreReader,
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
    reader
        What reads the store.

    Raises
    ------
    StoreUnavailableError
        The store does not answer.
    """
    units = sorted(remaining, key=lambda unit: unit.name)
    if len(units) < 2 and not len(archived):  # noqa: PLR2004 - nothing to share
        return [Work(unit, tuple(remaining[unit])) for unit in units]
    ids = reader.read_ids(units, ID_COLUMN[survey])
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
