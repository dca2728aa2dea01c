"""Look at a night: its files in the store, and what of them the ledger has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from archive.slices import NightFolder, shard_of_slice
from filters.classes import class_columns
from ledger.read import Entries
from nightmail.columns import flat_columns, leaf_type
from settings import Settings
from settings.errors import SettingsError
from settings.names import LEDGER_TOPIC, topic
from store.footer import Footer
from store.path import StorePath
from store.reader import StoreReader
from store.unit import Unit, cut_into_units
from tasks.find_night import FoundNight
from tasks.list_night import list_night
from tasks.work import is_done, newest_rows, read_generations

Identities = dict[str, set[str]]
"""Identities under which each file was sent."""

Remaining = dict[Unit, tuple[str, ...]]
"""Filters that have yet to run, by unit."""


@dataclass(frozen=True)
class StoredFiles:
    """What the store has of a night."""

    footers: Sequence[Footer]
    damaged: Sequence[str]
    """Why the others cannot be read, a sentence each."""


@dataclass(frozen=True)
class NightView:
    """A night's store beside its ledger: enough to tell whether there is work."""

    found: FoundNight
    folder: NightFolder
    units: tuple[Unit, ...]
    partitions: Mapping[str, int]
    """Partitions of every topic that there is."""

    schemas: Mapping[str, pa.Schema]
    """Schema of each file, by its name; equal ones are one."""

    types: Mapping[str, pa.DataType]
    """Type of every column that a filter names and some file has."""

    topics: Mapping[str, str]
    """Topic of each filter of this run."""

    done: Entries
    newest: Entries
    """Rows of each topic's generation."""

    generations: Mapping[str, int]
    remaining: Remaining
    failures: Sequence[str]
    """What of the night cannot be read or has changed, one sentence each."""

    @property
    def shards(self) -> int:
        """Partitions of the ledger."""
        return self.partitions[LEDGER_TOPIC]

    @property
    def pending(self) -> list[str]:
        """Slices that a killed run has left, of shards that there are."""
        there = range(self.shards)
        return [n for n in self.folder.pending() if shard_of_slice(n) in there]


def read_files(
    settings: Settings, reader: StoreReader, folder: StorePath | None
) -> StoredFiles:
    """Read the footers of a night's files; none where the store has no such night.

    Raises
    ------
    StoreUnavailableError
        The store does not answer.
    """
    if folder is None:
        return StoredFiles((), ())
    return StoredFiles(*reader.read_footers(folder, list_night(settings, folder)))


def look_at_night(  # noqa: PLR0913 - all that is known of it
    settings: Settings,
    found: FoundNight,
    *,
    stored: StoredFiles,
    done: Entries,
    partitions: Mapping[str, int],
    tried: frozenset[str],
) -> NightView:
    """Compare the store with the ledger's rows.

    Parameters
    ----------
    tried
        Units that this run does not work on any more.

    Raises
    ------
    SettingsError
        A topic is beyond the generation that was asked for.
    """
    units = tuple(u for footer in stored.footers for u in cut_into_units(footer))
    schemas = _distinct(stored.footers)
    types = _types(dict.fromkeys(schemas.values()), found)
    prefix, archive = settings.topics.prefix, settings.archive_root()
    topics = {name: topic(prefix, name, found.survey) for name in found.filters}
    generations = _generations(found, topics, done)
    newest = newest_rows(done, generations)
    identities = _identities(newest, topics)
    left = [unit for unit in units if unit.name not in tried]
    return NightView(
        found=found,
        folder=NightFolder(archive, found.survey, found.night, prefix),
        units=units,
        partitions=partitions,
        schemas=schemas,
        types=types,
        topics=topics,
        done=done,
        newest=newest,
        generations=generations,
        remaining=_remaining(found, left, topics, types, newest),
        failures=(*stored.damaged, *_replaced(units, identities)),
    )


def _generations(
    found: FoundNight, topics: Mapping[str, str], done: Entries
) -> dict[str, int]:
    """Give each topic the generation that it has, or the one that is asked for."""
    there = read_generations(done)
    if found.generation is None or not topics:
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


def _remaining(
    found: FoundNight,
    units: Sequence[Unit],
    topics: Mapping[str, str],
    types: Mapping[str, pa.DataType],
    newest: Entries,
) -> Remaining:
    """Find the filters that have yet to run on each unit, where there are any."""
    remaining, identities = {}, _identities(newest, topics)
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


def _identities(newest: Entries, topics: Mapping[str, str]) -> Identities:
    """Find under which identities files were sent to the topics of this run."""
    found: Identities = {}
    asked = set(topics.values())
    for (name, where), row in newest.items():
        if row.outcome == "sent" and where in asked:
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
