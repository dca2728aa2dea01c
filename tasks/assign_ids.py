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
    reader
        What reads the store.

    Returns
    -------
    works, deferred
        What is done now, by the units' names, and the units that have to wait.

    Raises
    ------
    StoreUnavailableError
        The store does not answer.
    """
    units = sorted(remaining, key=lambda unit: unit.name)
    sent = {name: np.unique(ids) for name, ids in sent.items()}
    anywhere = np.unique(np.concatenate([NONE, *sent.values()]))
    archived = np.unique(archived)
    if len(units) < 2 and not len(anywhere) + len(archived):  # noqa: PLR2004
        return [Work(unit, tuple(remaining[unit])) for unit in units], []
    works, deferred, taken = [], [], NONE
    ids = reader.read_ids(units, ID_COLUMN[survey])
    values, counts = np.unique(np.concatenate([NONE, *ids]), return_counts=True)
    several = values[counts > 1]
    for unit, mine in zip(units, ids, strict=True):
        repeated = _common(mine, several)
        if np.isin(repeated, taken).any():
            deferred.append(unit)
            continue
        taken = np.union1d(taken, repeated)
        # Few of a unit's alerts were sent, and there are many filters to ask of.
        few = _common(mine, anywhere)
        not_ours = {
            name: tuple(_common(few, sent.get(name, NONE)).tolist())
            for name in remaining[unit]
        }
        there = tuple(_common(mine, archived).tolist())
        works.append(Work(unit, tuple(remaining[unit]), not_ours, there))
    return works, deferred


def _common(mine: Integers, others: Integers) -> Integers:
    """Take, once each and in order, the ids that are also in `others`, sorted ones."""
    if not len(mine) or not len(others):
        return NONE
    nearest = np.minimum(np.searchsorted(others, mine), len(others) - 1)
    return np.unique(mine[others[nearest] == mine])
