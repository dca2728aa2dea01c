"""Plan a night: what is there, what was sent, and what remains."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from archive.slices import NightFolder, shard_of_slice
from cluster.access import KafkaAccess
from cluster.preflight import check_topics
from cluster.topics import count_partitions
from filters.classes import class_columns
from ledger.claim import FIRST, claim_night
from ledger.read import Entries, LedgerReader
from nightmail import Filter
from nightmail.columns import flat_columns, leaf_type
from settings import Settings
from settings.errors import NewerRunError, SettingsError
from settings.names import ID_COLUMN, LEDGER_TOPIC, stable_hash, topic
from store.footer import Footer
from store.path import StorePath
from store.reader import StoreReader
from store.unit import Unit, cut_into_units
from tasks.assign_ids import assign_ids
from tasks.find_night import FoundNight
from tasks.list_night import list_night
from tasks.read_store import reading
from tasks.work import Work, is_done, newest_rows, read_generations

Identities = dict[str, set[str]]
"""Identities under which each file was sent."""

Remaining = dict[Unit, tuple[str, ...]]
"""Filters that have yet to run, by unit."""

log = logging.getLogger("nightmail")


@dataclass(frozen=True)
class NightPlan:
    """A night as the driver sees it, before anything is sent."""

    survey: str
    night: str
    folder: StorePath | None
    """None where the store has no such night."""

    partitions: Mapping[str, int]
    """Partitions of every topic that there is."""

    units: tuple[Unit, ...]
    filters: Mapping[str, Filter]
    """Filters that this run is asked to complete."""

    catalogue: Mapping[str, Filter]
    """All filters of the survey."""

    work: Mapping[int, tuple[Work, ...]]
    """What remains, by shard; a shard without work has only to be repaired."""

    types: Mapping[str, pa.DataType]
    """Type of every column that a filter names and some file has."""

    failures: tuple[str, ...] = ()
    """What of the night cannot be read or has changed, one sentence each."""

    broken: Mapping[str, str] = field(default_factory=dict)
    """Filters that cannot be loaded, and why."""

    refused: Mapping[str, str] = field(default_factory=dict)
    """Filters whose topic would refuse their alerts, and why."""

    generations: Mapping[str, int] = field(default_factory=dict)
    """Generation of each topic that this run completes."""

    run: int | None = None
    """Number under which this run has claimed the night; None if it needs none."""

    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)
    """Schema of each file, by its name; equal ones are one."""

    @property
    def shards(self) -> int:
        """Partitions of the ledger."""
        return self.partitions[LEDGER_TOPIC]

    @property
    def rows(self) -> int:
        """Alerts of the night."""
        return sum(unit.rows for unit in self.units)


@dataclass(frozen=True)
class _Files:
    """The files of a night."""

    reader: StoreReader
    footers: Sequence[Footer] = ()
    damaged: Sequence[str] = ()
    """Why others cannot be read."""


def plan_night(settings: Settings, access: KafkaAccess, found: FoundNight) -> NightPlan:
    """Compare the store with the ledger; where work remains, claim the night for it.

    Raises
    ------
    BrokerUnavailableError
        The ledger cannot be read.
    NewerRunError
        A newer run claims the night at the same time.
    SettingsError
        The publisher may not use the ledger, or a topic is beyond the generation that
        was asked for.
    """
    log.info("Planning the night %s of %s.", found.night, found.survey)
    with reading(settings) as reader:
        files = _read_files(settings, reader, found.folder)
        plan = _look(settings, access, found, files)
        if not plan.work:
            return plan
        run, done = claim(settings, access, found, plan.shards)
        # What was sent until the claim is known now, and nobody older sends any more.
        return replace(_compare(settings, access, found, files, done), run=run)


def compare_night(
    settings: Settings, access: KafkaAccess, found: FoundNight
) -> NightPlan:
    """Compare the store with the ledger, and ask the broker what it would refuse.

    Raises
    ------
    BrokerUnavailableError
        The ledger cannot be read.
    SettingsError
        As `plan_night`.
    """
    with reading(settings) as reader:
        files = _read_files(settings, reader, found.folder)
        return _look(settings, access, found, files)


def claim(
    settings: Settings, access: KafkaAccess, found: FoundNight, shards: int
) -> tuple[int, Entries]:
    """Claim the night, and read all that was sent of it until then."""
    night = (settings.topics.prefix, found.survey, found.night)
    run = claim_night(access.publisher, night, shards)
    with LedgerReader(access.publisher) as reader:
        done = reader.read(range(shards), night)
        if reader.claims[FIRST] != run:
            raise NewerRunError(
                f"A newer run has claimed the night {found.night} of {found.survey}."
            )
    return run, done


def _look(
    settings: Settings, access: KafkaAccess, found: FoundNight, files: _Files
) -> NightPlan:
    shards = count_partitions(access)[LEDGER_TOPIC]
    done = read_done(settings, access, found, shards)
    return _compare(settings, access, found, files, done)


def _compare(
    settings: Settings,
    access: KafkaAccess,
    found: FoundNight,
    files: _Files,
    done: Entries,
) -> NightPlan:
    units = tuple(unit for footer in files.footers for unit in cut_into_units(footer))
    partitions = count_partitions(access)
    schemas = _distinct(files.footers)
    types = _types(dict.fromkeys(schemas.values()), found)
    prefix = settings.topics.prefix
    topics = {name: topic(prefix, name, found.survey) for name in found.filters}
    generations = _generations(found, topics, done)
    newest = newest_rows(done, generations)
    remaining = _remaining(found, units, topics, types, newest)
    refused = _refused(access, topics, remaining)
    willing = _without(remaining, refused)
    works = _work(settings, found, files.reader, willing, topics, done, generations)
    folder = NightFolder(settings.archive_root(), found.survey, found.night)
    return NightPlan(
        survey=found.survey,
        night=found.night,
        folder=found.folder,
        partitions=partitions,
        units=units,
        filters=found.filters,
        catalogue=found.catalogue,
        work=_by_shard(works, folder.pending(), partitions[LEDGER_TOPIC]),
        types=types,
        failures=(*files.damaged, *_replaced(units, _identities(newest))),
        broken=found.broken,
        refused=refused,
        generations=generations,
        schemas=schemas,
    )


def read_done(
    settings: Settings, access: KafkaAccess, found: FoundNight, shards: int
) -> Entries:
    """Read what the ledger has of the night, past a killed run's leftovers."""
    with LedgerReader(access.publisher) as reader:
        night = (settings.topics.prefix, found.survey, found.night)
        return reader.read_settled(range(shards), night)


def _generations(
    found: FoundNight, topics: Mapping[str, str], done: Entries
) -> dict[str, int]:
    """Give each topic the generation that it has, or the one that is asked for."""
    there = read_generations(done)
    if found.generation is None:
        return there
    mine = {where: there.get(where, 0) for where in topics.values()}
    highest = max(mine, key=lambda where: mine[where])
    if not mine[highest] <= found.generation <= mine[highest] + 1:
        raise SettingsError(
            f"{highest} is at generation {mine[highest]} of the night {found.night}:"
            f" ask for {mine[highest]} to complete it, or for {mine[highest] + 1} to"
            " send it again."
        )
    return there | dict.fromkeys(mine, found.generation)


def _refused(
    access: KafkaAccess, topics: Mapping[str, str], remaining: Remaining
) -> dict[str, str]:
    """Ask which filters that have work would be refused by their topic, and why."""
    working = {name for names in remaining.values() for name in names}
    if not working:
        return {}
    refused = check_topics(access, [LEDGER_TOPIC, *(topics[n] for n in working)])
    if LEDGER_TOPIC in refused:
        raise SettingsError(refused[LEDGER_TOPIC])
    return {n: refused[topics[n]] for n in sorted(working) if topics[n] in refused}


def _without(remaining: Remaining, refused: Mapping[str, str]) -> Remaining:
    willing = {
        unit: tuple(name for name in names if name not in refused)
        for unit, names in remaining.items()
    }
    return {unit: names for unit, names in willing.items() if names}


def _read_files(
    settings: Settings, reader: StoreReader, folder: StorePath | None
) -> _Files:
    if folder is None:
        return _Files(reader)
    footers, damaged = reader.read_footers(folder, list_night(settings, folder))
    return _Files(reader, footers, damaged)


def _remaining(
    found: FoundNight,
    units: Sequence[Unit],
    topics: Mapping[str, str],
    types: Mapping[str, pa.DataType],
    newest: Entries,
) -> Remaining:
    """Find the filters that have yet to run on each unit, where there are any."""
    remaining, identities = {}, _identities(newest)
    for unit in units:
        missing = tuple(
            name
            for name, where in topics.items()
            if not is_done(
                newest.get((unit.name, where)),
                unit,
                found.filters[name].version,
                columns=types,
                generation=0,
            )
        )
        if missing and not _was_replaced(unit, identities):
            remaining[unit] = missing
    return remaining


def _work(  # noqa: PLR0913, PLR0917 - what the plan knows by now
    settings: Settings,
    found: FoundNight,
    reader: StoreReader,
    remaining: Remaining,
    topics: Mapping[str, str],
    done: Entries,
    generations: Mapping[str, int],
) -> list[Work]:
    """Add to what remains the ids that were sent before."""
    survey = found.survey
    folder = NightFolder(settings.archive_root(), survey, found.night)
    slices = {row.archive_slice for row in done.values() if row.archive_slice}
    sent = folder.sent(slices, generations)
    return assign_ids(
        remaining,
        survey=survey,
        sent={name: sent[where] for name, where in topics.items() if where in sent},
        archived=folder.archived(slices, ID_COLUMN[survey]),
        reader=reader,
    )


def _by_shard(
    works: Sequence[Work], pending: Sequence[str], shards: int
) -> dict[int, tuple[Work, ...]]:
    """Work of each shard that has any, or that a run left with a pending slice."""
    shared: dict[int, list[Work]] = {shard_of_slice(name): [] for name in pending}
    for work in works:
        shared.setdefault(stable_hash(work.unit.name, shards), []).append(work)
    return {shard: tuple(mine) for shard, mine in sorted(shared.items())}


def _replaced(units: Sequence[Unit], identities: Identities) -> list[str]:
    return [
        f"{unit.name} is not the file that was sent before under this name; give the"
        " new file a name of its own, or send the night again by --generation."
        for unit in units
        if _was_replaced(unit, identities)
    ]


def _was_replaced(unit: Unit, identities: Identities) -> bool:
    """Tell whether another file was sent under this file's name."""
    return bool(identities.get(_file_of(unit.name), set()) - {unit.identity})


def _identities(newest: Entries) -> Identities:
    found: Identities = {}
    for (name, _), row in newest.items():
        if row.outcome == "sent":
            found.setdefault(_file_of(name), set()).add(row.identity)
    return found


def _file_of(unit_name: str) -> str:
    return unit_name.partition("#")[0]


def _distinct(footers: Sequence[Footer]) -> dict[str, pa.Schema]:
    """Give the schema of each file, equal ones as one."""
    known: dict[pa.Schema, pa.Schema] = {}
    return {f.name: known.setdefault(f.schema, f.schema) for f in footers}


def _types(schemas: Iterable[pa.Schema], found: FoundNight) -> dict[str, pa.DataType]:
    """Type of each column that a filter or a class reads and that some file has."""
    wanted = {c for f in found.filters.values() for c in f.columns}
    wanted |= {*class_columns(found.survey)}
    types: dict[str, pa.DataType] = {}
    for schema in schemas:
        known = flat_columns(schema)
        for name in wanted - set(types):
            if len(known.get(name, ())) == 1:
                types[name] = leaf_type(schema, known[name][0])
    return types
