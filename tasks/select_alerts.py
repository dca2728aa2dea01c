"""Run the filters on a unit's narrow columns, and say which rows are wanted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.classes import class_columns, classify
from nightmail import ColumnError, Filter, SchemaError
from nightmail.columns import flat_columns, resolve
from nightmail.evaluate import evaluate
from settings.names import ID_COLUMN, OBJECT_COLUMNS, stable_hash
from store.unit import UnitRows
from tasks.job import Job

Integers = npt.NDArray[np.int64]

HASHES = 1 << 64
"""Number of values that the hash of an object's name can have."""


@dataclass
class Selection:
    """What the filters keep of one unit."""

    rows: Integers
    """Row numbers that some filter keeps, ascending, shape (n,)."""

    ids: Integers
    """Their ids, shape (n,)."""

    objects: list[int]
    """Hash of each one's object, by which topics are partitioned, length n."""

    classes: list[str]
    """Class of each, length n."""

    masks: dict[str, npt.NDArray[np.bool_]]
    """Which of the rows each filter keeps, shape (n,); no entry for one that failed."""

    failures: dict[str, str]
    """Filters that failed, and why."""

    seconds: dict[str, float]
    """CPU time of each filter [s]."""

    nulls: dict[str, tuple[str, ...]]
    """Columns of each filter that the file does not have, taken as null."""

    read: int
    """Rows of the unit that are ours to send, duplicates left out."""

    duplicates: int
    """Rows left out because their id stands in another row, or was sent before."""

    missing: dict[str, tuple[str, ...]]
    """Columns of a failed filter that no file of the night has."""


@dataclass
class _Columns:
    """Which flat columns to read, and which to make of nulls."""

    present: set[str] = field(default_factory=set)
    absent: dict[str, pa.DataType] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    nulls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)


def select_alerts(
    unit: UnitRows,
    filters: Mapping[str, Filter],
    job: Job,
    *,
    not_ours: Mapping[str, Sequence[int]],
) -> Selection:
    """Evaluate all filters in one pass over the columns that they name.

    Parameters
    ----------
    not_ours
        Ids that each filter leaves out here.

    Raises
    ------
    SchemaError
        The file has no id column, or an id is null.
    StoreError
        The file is damaged.
    """
    columns = _choose_columns(unit.schema, filters, job)
    running = [f for n, f in filters.items() if n not in columns.failures]
    parts, seen, start = [], np.empty(0, np.int64), 0
    left_out = {n: np.asarray(ids, np.int64) for n, ids in not_ours.items() if ids}
    anywhere = np.unique(np.concatenate([seen, *left_out.values()]))
    failures, seconds = dict(columns.failures), dict.fromkeys(filters, 0.0)
    for batch in unit.columns(sorted(columns.present), columns.absent):
        ids = _ids(batch, job.survey)
        ours = _first_of_each(ids, seen)
        seen = np.union1d(seen, ids)
        done = evaluate([f for f in running if f.name not in failures], batch)
        failures |= done.failures
        for name, spent in done.seconds.items():
            seconds[name] += spent
        masks = {name: mask & ours for name, mask in done.masks.items()}
        for name in masks.keys() & left_out:
            masks[name] &= ~np.isin(ids, left_out[name])
        part = _select(batch, start, ours, masks, job)
        part.others = int((~ours | np.isin(ids, anywhere)).sum())
        parts.append(part)
        start += len(batch)
    columns.failures |= failures
    return _join(parts, running, columns, seconds)


@dataclass
class _Part:
    """The selection of one narrow batch."""

    rows: Integers
    ids: Integers
    objects: list[int]
    classes: list[str]
    masks: dict[str, npt.NDArray[np.bool_]]
    ours: int
    others: int = 0
    """Rows that were left out."""


def _select(
    batch: pa.RecordBatch,
    start: int,
    ours: npt.NDArray[np.bool_],
    masks: Mapping[str, npt.NDArray[np.bool_]],
    job: Job,
) -> _Part:
    nothing = np.zeros(len(ours), bool)
    wanted = np.flatnonzero(np.any([*masks.values(), nothing], axis=0))
    known = [n for n in _our_columns(job.survey) if n in batch.schema.names]
    narrow = batch.select(known).take(wanted)
    return _Part(
        rows=wanted + start,
        ids=_ids(narrow, job.survey),
        objects=[stable_hash(o, HASHES) for o in name_objects(narrow, job.survey)],
        classes=[str(c) for c in classify(job.survey, narrow).to_pylist()],
        masks={name: mask[wanted] for name, mask in masks.items()},
        ours=int(ours.sum()),
    )


def _join(
    parts: Sequence[_Part],
    running: Sequence[Filter],
    columns: _Columns,
    seconds: dict[str, float],
) -> Selection:
    names = [f.name for f in running if f.name not in columns.failures]
    empty = np.empty(0, np.int64)
    joined = Selection(
        rows=np.concatenate([empty, *(p.rows for p in parts)]),
        ids=np.concatenate([empty, *(p.ids for p in parts)]),
        objects=[o for p in parts for o in p.objects],
        classes=[c for p in parts for c in p.classes],
        masks={
            n: np.concatenate([np.empty(0, bool), *(p.masks[n] for p in parts)])
            for n in names
        },
        failures=columns.failures,
        seconds=seconds,
        nulls=columns.nulls,
        read=sum(p.ours for p in parts),
        duplicates=sum(p.others for p in parts),
        missing=columns.missing,
    )
    return _without_unwanted(joined)


def _without_unwanted(selection: Selection) -> Selection:
    """Leave out rows that only a filter wanted which failed later in the unit."""
    masks = [*selection.masks.values(), np.zeros(len(selection.rows), bool)]
    wanted = np.any(masks, axis=0)
    if wanted.all():
        return selection
    selection.rows = selection.rows[wanted]
    selection.ids = selection.ids[wanted]
    selection.objects = list(compress(selection.objects, wanted))
    selection.classes = list(compress(selection.classes, wanted))
    selection.masks = {n: m[wanted] for n, m in selection.masks.items()}
    return selection


def _choose_columns(
    schema: pa.Schema, filters: Mapping[str, Filter], job: Job
) -> _Columns:
    chosen, known = _Columns(), flat_columns(schema)
    for name, made in filters.items():
        absent = tuple(c for c in made.columns if c not in known)
        missing = tuple(c for c in absent if c not in job.types)
        ambiguous = [c for c in made.columns if len(known.get(c, ())) > 1]
        if missing or ambiguous:
            chosen.failures[name] = _why(schema, (*missing, *ambiguous)[0])
            chosen.missing[name] = missing
            continue
        chosen.present |= set(made.columns) - set(absent)
        chosen.absent |= {c: job.types[c] for c in absent}
        if absent:
            chosen.nulls[name] = absent
    ours = _our_columns(job.survey)
    chosen.present |= {c for c in ours if len(known.get(c, ())) == 1}
    if ID_COLUMN[job.survey] not in chosen.present:
        raise SchemaError(
            f"There is no column {ID_COLUMN[job.survey]}: is it a file of {job.survey}?"
        )
    return chosen


def _our_columns(survey: str) -> set[str]:
    """Name the columns that we read ourselves, whatever the filters do."""
    return {ID_COLUMN[survey], *OBJECT_COLUMNS[survey], *class_columns(survey)}


def _why(schema: pa.Schema, name: str) -> str:
    """Say why a name is no column, and which are near."""
    try:
        resolve(schema, name)
    except ColumnError as error:
        return str(error)
    return f"There is no column {name}."


def _ids(batch: pa.RecordBatch, survey: str) -> Integers:
    column = batch.column(ID_COLUMN[survey])
    if column.null_count:
        raise SchemaError(f"{column.null_count} alerts have no {ID_COLUMN[survey]}.")
    if not pa.types.is_integer(column.type):
        raise SchemaError(f"{ID_COLUMN[survey]} is {column.type}, and no integer.")
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _first_of_each(ids: Integers, seen: Integers) -> npt.NDArray[np.bool_]:
    """Tell which ids stand here for the first time, and were not seen before."""
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    return first & ~np.isin(ids, seen)


def name_objects(batch: pa.RecordBatch, survey: str) -> Iterator[str]:
    """Yield what names the object of each alert, by which topics are partitioned."""
    there = [n for n in OBJECT_COLUMNS[survey] if n in batch.schema.names]
    columns = [_null_for_zero(batch.column(n)).to_pylist() for n in there]
    columns.append(_ids(batch, survey).tolist())
    for values in zip(*columns, strict=True):
        yield next(str(v) for v in values if v is not None)


def _null_for_zero(column: Any) -> Any:
    if not pa.types.is_integer(column.type):
        return column
    zero = pc.equal(column, pa.scalar(0, column.type))
    return pc.if_else(zero, pa.scalar(None, column.type), column)
