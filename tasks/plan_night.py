"""Plan a night: what is there, what was sent, and what remains."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from archive.slices import shard_of_slice
from cluster.access import KafkaAccess
from cluster.preflight import check_topics
from cluster.topics import count_partitions
from ledger.claim import FIRST, claim_night
from ledger.read import Entries, LedgerReader
from nightmail import Filter
from settings import Settings
from settings.errors import ArchiveUnavailableError, NewerRunError, SettingsError
from settings.names import ID_COLUMN, LEDGER_TOPIC, stable_hash
from store.path import StorePath
from store.reader import StoreReader
from store.unit import Unit
from tasks.assign_ids import assign_ids
from tasks.find_night import FoundNight
from tasks.look_at_night import NightView, Remaining, look_at_night, read_files
from tasks.read_store import reading
from tasks.report import Report
from tasks.work import Work

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
    """All filters of the survey that are on, or were asked for."""

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

    tried: frozenset[str] = frozenset()
    """Units that this run works on, now or in an earlier pass."""

    deferred: tuple[str, ...] = ()
    """Units left to the next pass, since they have alerts of units at work."""

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


def plan_night(
    settings: Settings,
    access: KafkaAccess,
    found: FoundNight,
    *,
    after: NightPlan | None = None,
    at: Callable[[str], None] = lambda _: None,
) -> NightPlan:
    """Compare the store with the ledger; where work remains, claim the night for it.

    An alert may stand in several units. Only one of them is worked on at a time, so
    that the others know what became of it: they are `deferred`, and planned once more
    after that.

    Parameters
    ----------
    after
        The pass of this run before this one; what it has tried is not tried again.
    at
        Told the name of each point that is passed.

    Raises
    ------
    BrokerUnavailableError
        The ledger cannot be read.
    StoreUnavailableError
        The store does not answer.
    ArchiveUnavailableError
        The archive lacks what the ledger says was sent, so that it cannot be left out.
    NewerRunError
        A newer run claims the night at the same time.
    SettingsError
        The publisher may not use the ledger, or a topic is beyond the generation that
        was asked for.
    """
    log.info("Planning the night %s of %s.", found.night, found.survey)
    with reading(settings) as reader:
        look = partial(
            look_at_night,
            settings,
            found,
            stored=read_files(settings, reader, found.folder),
            partitions=count_partitions(access),
            tried=after.tried if after else frozenset(),
        )
        view = look(done=read_settled(settings, access, found))
        refused = _refused(access, view.topics, view.remaining)
        run = None
        if view.remaining or view.pending:
            run, done = claim(settings, access, found, view.shards, at=at)
            # What was sent until the claim is known now, and nobody older sends more.
            view = look(done=done)
            _check_archive(view)
        plan = _plan(view, reader, refused, run, after)
    at("planned")
    return plan


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
        view = look_at_night(
            settings,
            found,
            stored=read_files(settings, reader, found.folder),
            done=read_settled(settings, access, found),
            partitions=count_partitions(access),
            tried=frozenset(),
        )
        refused = _refused(access, view.topics, view.remaining)
        return _plan(view, reader, refused)


def read_settled(settings: Settings, access: KafkaAccess, found: FoundNight) -> Entries:
    """Read what the ledger has of the night, past a killed run's leftovers."""
    shards = count_partitions(access)[LEDGER_TOPIC]
    with LedgerReader(access.publisher) as reader:
        night = (settings.topics.prefix, found.survey, found.night)
        return reader.read_settled(range(shards), night)


def needs_another_pass(plan: NightPlan, reports: Iterable[Report]) -> bool:
    """Tell whether units were deferred, and nothing speaks against going on."""
    return bool(plan.deferred) and all(r.outcome in {"done", "failed"} for r in reports)


def claim(
    settings: Settings,
    access: KafkaAccess,
    found: FoundNight,
    shards: int,
    *,
    at: Callable[[str], None],
) -> tuple[int, Entries]:
    """Claim the night, and read all that was sent of it until then."""
    night = (settings.topics.prefix, found.survey, found.night)
    run = claim_night(access.publisher, night, shards, at=at)
    with LedgerReader(access.publisher) as reader:
        done = reader.read(range(shards), night)
        if reader.claims[FIRST] != run:
            raise NewerRunError(
                f"A newer run has claimed the night {found.night} of {found.survey}."
            )
    return run, done


def _check_archive(view: NightView) -> None:
    """Refuse to work where the archive lacks what was sent, which is left out by it."""
    slices = {r.archive_slice for r in view.newest.values() if r.rows}
    lacking = view.folder.lacking({name for name in slices if name})
    if lacking and view.remaining:
        raise ArchiveUnavailableError(
            f"{view.folder.folder('matches')} lacks {len(lacking)} of the slices that"
            f" the ledger names ({lacking[0]} is one), so what was sent cannot be left"
            " out: mount or restore the archive, or nightmail verify --repair."
        )


def _plan(
    view: NightView,
    reader: StoreReader,
    refused: Mapping[str, str],
    run: int | None = None,
    after: NightPlan | None = None,
) -> NightPlan:
    found = view.found
    works, deferred = _assign(view, reader, _without(view.remaining, refused))
    return NightPlan(
        survey=found.survey,
        night=found.night,
        folder=found.folder,
        partitions=view.partitions,
        units=view.units,
        filters=found.filters,
        catalogue=found.catalogue,
        work=_by_shard(works, view.pending, view.shards),
        types=view.types,
        schemas=view.schemas,
        failures=tuple(view.failures),
        broken=found.broken,
        refused={**(after.refused if after else {}), **refused},
        generations=view.generations,
        run=run,
        tried=frozenset(w.unit.name for w in works) | (after.tried if after else set()),
        deferred=tuple(unit.name for unit in deferred),
    )


def _assign(
    view: NightView, reader: StoreReader, remaining: Remaining
) -> tuple[list[Work], list[Unit]]:
    """Share out what remains, without the ids that were sent before."""
    if not remaining:
        return [], []
    slices = {row.archive_slice for row in view.done.values() if row.archive_slice}
    sent = view.folder.sent(slices, view.generations)
    return assign_ids(
        remaining,
        survey=view.found.survey,
        sent={n: sent[where] for n, where in view.topics.items() if where in sent},
        archived=view.folder.archived(slices, ID_COLUMN[view.found.survey]),
        reader=reader,
    )


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


def _by_shard(
    works: Sequence[Work], pending: Sequence[str], shards: int
) -> dict[int, tuple[Work, ...]]:
    """Work of each shard that has any, or that a run left with a pending slice."""
    shared: dict[int, list[Work]] = {shard_of_slice(name): [] for name in pending}
    for work in works:
        shared.setdefault(stable_hash(work.unit.name, shards), []).append(work)
    return {shard: tuple(mine) for shard, mine in sorted(shared.items())}
