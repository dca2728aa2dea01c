"""Find alerts by their ids in a file, of the store or of the archive."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.classes import class_columns, classify
from nightmail.columns import flat_columns
from settings.names import ID_COLUMN, OBJECT_COLUMNS, stable_hash
from store.unit import UnitRows
from tasks.select_alerts import HASHES, name_objects

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FoundAlerts:
    """Alerts of a unit, in its order."""

    rows: Integers
    """Row numbers within the unit, shape (n,)."""

    ids: Integers
    """Their ids, shape (n,)."""

    objects: list[int]
    """Hash of each one's object, by which topics are partitioned, length n."""

    classes: list[str]
    """Class of each, length n."""


def find_alerts(unit: UnitRows, survey: str, wanted: Integers) -> FoundAlerts:
    """Find the first row of each wanted id that a unit has.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    names = _known(unit, survey, [*OBJECT_COLUMNS[survey], *class_columns(survey)])
    rows, ids = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    objects: list[int] = []
    classes: list[str] = []
    start = 0
    for batch in unit.columns([ID_COLUMN[survey], *names], {}):
        here = batch.column(ID_COLUMN[survey]).to_numpy(zero_copy_only=False)
        new = np.isin(here, np.setdiff1d(wanted, np.concatenate(ids)))
        places = np.flatnonzero(new)[
            np.sort(np.unique(here[new], return_index=True)[1])
        ]
        few = batch.take(places)
        rows.append(places + start)
        ids.append(here[places].astype(np.int64))
        objects += [stable_hash(o, HASHES) for o in name_objects(few, survey)]
        classes += [str(label) for label in classify(survey, few).to_pylist()]
        start += len(batch)
    return FoundAlerts(np.concatenate(rows), np.concatenate(ids), objects, classes)


def _known(unit: UnitRows, survey: str, names: Iterable[str]) -> list[str]:
    known = flat_columns(unit.schema)
    distinct = dict.fromkeys(names)
    distinct.pop(ID_COLUMN[survey], None)
    return [name for name in distinct if len(known.get(name, ())) == 1]
