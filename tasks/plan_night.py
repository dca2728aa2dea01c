"""Plan a night: what is there, what was sent, and what remains."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from archive.slices import NightFolder, shard_of_slice
from cluster.access import KafkaAccess
from cluster.topics import ledger_partitions
from filters.classes import class_columns
from ledger.read import Entries, LedgerReader
from nightmail import ColumnError, Filter
from nightmail.columns import flat_columns, leaf_type, resolve
from settings import Settings
from settings.errors import StoreError
from settings.names import ID_COLUMN, stable_hash, topic
from store.footer import Footer, read_footer
from store.parquet import ParquetUnit
from store.unit import Unit, cut_into_units
from tasks.find_night import FoundNight
from tasks.list_night import list_night
from tasks.work import Work, is_done

log = logging.getLogger("nightmail")


@dataclass(frozen=True)
class NightPlan:
    """A night as the driver sees it, before anything is sent."""

    survey: str
    night: str
    folder: Path | None
    """None where the store has no such night."""

    shards: int
    """Partitions of the ledger."""

    units: tuple[Unit, ...]
    filters: Mapping[str, Filter]
    """Filters that this run is asked to complete."""

    catalogue: Mapping[str, Filter]
    """All filters of the survey."""

    work: Mapping[int, tuple[Work, ...]]
    """What remains, by shard; a shard without work has only to be repaired."""

    types: Mapping[str, pa.DataType]
    """Type of every column that a filter names and some file has."""

    done: int
    """(unit, topic) pairs that the ledger has."""

    failures: tuple[str, ...] = ()
    """What of the night cannot be read or has changed, one sentence each."""

    broken: Mapping[str, str] = field(default_factory=dict)
    """Filters that cannot be loaded, and why."""

    @property
    def rows(self) -> int:
        """Alerts of the night."""
        return sum(unit.rows for unit in self.units)


def plan_night(settings: Settings, access: KafkaAccess, found: FoundNight) -> NightPlan:
    """Compare the store with the ledger.

    Raises
    ------
    BrokerUnavailableError
        The ledger cannot be read.
    """
    survey, night, filters = found.survey, found.night, found.filters
    footers, corrupt = _read_footers(settings, found.folder)
    units = tuple(unit for footer in footers for unit in cut_into_units(footer))
    shards = ledger_partitions(access)
    done = read_done(settings, access, survey, night, shards)
    remaining = _remaining(settings, survey, units, filters, done)
    return NightPlan(
        survey=survey,
        night=night,
        folder=found.folder,
        shards=shards,
        units=units,
        filters=filters,
        catalogue=found.catalogue,
        work=_by_shard(
            remaining,
            _owners(remaining, units, done, survey),
            shards,
            NightFolder(settings.archive_root(), survey, night).pending(),
        ),
        types=_types([f.schema for f in footers], filters, survey),
        done=len(done),
        failures=(*corrupt, *_replaced(units, done)),
        broken=found.broken,
    )


def read_done(
    settings: Settings, access: KafkaAccess, survey: str, night: str, shards: int
) -> Entries:
    """Everything that the ledger has of a night."""
    with LedgerReader(access.publisher) as reader:
        return reader.read(range(shards), (settings.topics.prefix, survey, night))


def _read_footers(
    settings: Settings, folder: Path | None
) -> tuple[list[Footer], list[str]]:
    footers: list[Footer] = []
    corrupt: list[str] = []
    if folder is None:
        return footers, corrupt
    for name in list_night(settings, folder):
        try:
            footers.append(read_footer(folder, name))
        except StoreError as error:
            corrupt.append(str(error))
    return footers, corrupt


def _remaining(
    settings: Settings,
    survey: str,
    units: Sequence[Unit],
    filters: Mapping[str, Filter],
    done: Entries,
) -> dict[Unit, tuple[str, ...]]:
    prefix = settings.topics.prefix
    found = {}
    for unit in units:
        missing = tuple(
            name
            for name, made in filters.items()
            if not is_done(
                done.get((unit.name, topic(prefix, name, survey))), unit, made.version
            )
        )
        if missing and not _was_replaced(unit, done):
            found[unit] = missing
    return found


def _replaced(units: Sequence[Unit], done: Entries) -> list[str]:
    return [
        f"{unit.name} is not the file that was sent before under this name; give the"
        " new file a name of its own."
        for unit in units
        if _was_replaced(unit, done)
    ]


def _was_replaced(unit: Unit, done: Entries) -> bool:
    return any(
        name == unit.name and row.outcome == "sent" and row.identity != unit.identity
        for (name, _), row in done.items()
    )


def _owners(
    remaining: Mapping[Unit, object],
    units: Sequence[Unit],
    done: Entries,
    survey: str,
) -> dict[Unit, tuple[int, ...]]:
    """Ids in each unit that another unit owns: the one that was sent, or the first."""
    if not remaining or len(units) == 1:
        return {}
    sent = {name for (name, _), row in done.items() if row.outcome == "sent"}
    ordered = sorted(units, key=lambda unit: (unit.name not in sent, unit.name))
    ids = [_ids(unit, survey) for unit in ordered]
    everything = np.concatenate(ids)
    if len(np.unique(everything)) == len(everything):
        return {}
    owner: dict[int, int] = {}
    counts = Counter(everything.tolist())
    foreign: dict[Unit, list[int]] = defaultdict(list)
    for index, (unit, mine) in enumerate(zip(ordered, ids, strict=True)):
        for one in {i for i in mine.tolist() if counts[i] > 1}:
            if owner.setdefault(one, index) != index:
                foreign[unit].append(one)
    return {unit: tuple(sorted(these)) for unit, these in foreign.items()}


def _ids(unit: Unit, survey: str) -> npt.NDArray[np.int64]:
    try:
        batches = list(ParquetUnit(unit).columns([ID_COLUMN[survey]], {}))
    except (ColumnError, StoreError):
        return np.empty(0, np.int64)  # the walk says it, naming the file
    parts = [b.column(0).drop_null().to_numpy(zero_copy_only=False) for b in batches]
    return np.concatenate(parts or [np.empty(0)]).astype(np.int64)


def _by_shard(
    remaining: Mapping[Unit, tuple[str, ...]],
    foreign: Mapping[Unit, tuple[int, ...]],
    shards: int,
    pending: Sequence[str],
) -> dict[int, tuple[Work, ...]]:
    """Work of each shard that has any, or that a run left with a pending slice."""
    found: dict[int, list[Work]] = {shard_of_slice(name): [] for name in pending}
    for unit, names in remaining.items():
        work = Work(unit, names, foreign.get(unit, ()))
        found.setdefault(stable_hash(unit.name, shards), []).append(work)
    return {shard: tuple(works) for shard, works in sorted(found.items())}


def _types(
    schemas: Sequence[pa.Schema], filters: Mapping[str, Filter], survey: str
) -> dict[str, pa.DataType]:
    wanted = {c for f in filters.values() for c in f.columns} | {*class_columns(survey)}
    distinct = list({s.to_string(): s for s in schemas}.values())
    types: dict[str, pa.DataType] = {}
    for schema in distinct:
        for name in wanted & set(flat_columns(schema)) - set(types):
            try:
                types[name] = leaf_type(schema, resolve(schema, name))
            except ColumnError:
                continue
    return types
