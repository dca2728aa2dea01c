"""Gather evidence: what store, ledger, topics and archive each say of a night."""

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from archive.slices import NightFolder
from cluster.access import KafkaAccess
from cluster.contents import Contents, Integers, read_contents
from ledger.read import Entries
from settings import Settings
from settings.names import ID_COLUMN, topic
from tasks.find_night import FoundNight
from tasks.plan_night import NightPlan, compare_night
from tasks.read_back import read_done
from tasks.read_store import reading
from tasks.work import newest_rows, read_generations

DAY = dt.timedelta(days=1)
"""Nothing of a night is sent earlier than this before its morning."""

SAY_EVERY = 50_000
"""Records between two lines of progress."""

log = logging.getLogger("nightmail")


@dataclass(frozen=True)
class Evidence:
    """One night as its four witnesses have it."""

    plan: NightPlan
    """What the store has, and what of it the ledger lacks."""

    ledger: Entries
    """Rows of each topic's newest generation, by unit and topic."""

    generations: Mapping[str, int]
    """Newest generation of each topic."""

    topics: Mapping[str, Contents]
    """What stands on each topic; no entry for one that does not exist."""

    matches: pa.Table
    """Columns `id`, `topic`, `generation`, `file`."""

    set_aside: pa.Table
    """The same columns, of what cannot be sent."""

    alerts: Integers
    """Ids of the archive's alerts, shape (n,); each should stand there once."""

    pending: tuple[str, ...]
    """Slices that wait to be shown."""

    stored: Mapping[str, Integers]
    """Ids of each unit of the store, shape (n,)."""

    names: Mapping[str, str]
    """Filter of every topic of the night."""


def gather_evidence(
    settings: Settings, access: KafkaAccess, found: FoundNight
) -> Evidence:
    """Ask store, ledger, topics and archive what they have of a night.

    Raises
    ------
    BrokerUnavailableError
        Kafka does not answer.
    ArchiveUnavailableError
        The archive cannot be read.
    """
    with reading(settings) as reader:
        plan = compare_night(settings, access, found)
        ids = reader.read_ids(plan.units, ID_COLUMN[found.survey])
    done = read_done(settings, access, plan)
    generations = {**read_generations(done), **plan.generations}
    night = NightFolder(
        settings.archive_root(), found.survey, found.night, settings.topics.prefix
    )
    columns = ["id", "topic", "generation", "file"]
    # First: what is shown between two readings must not look lost.
    pending = tuple(night.pending())
    matches = night.rows("matches", columns)
    names = _name_topics(settings, plan, {where for _, where in done}, matches)
    return Evidence(
        plan=plan,
        ledger=newest_rows(done, generations),
        generations=generations,
        topics=_read_topics(access, sorted(names), found.night),
        matches=matches,
        set_aside=night.rows("set_aside", columns),
        alerts=night.ids(sorted(night.visible()), ID_COLUMN[found.survey]),
        pending=pending,
        stored={u.name: mine for u, mine in zip(plan.units, ids, strict=True)},
        names=names,
    )


def _name_topics(
    settings: Settings, plan: NightPlan, sent: set[str], matches: pa.Table
) -> dict[str, str]:
    """Name the topics that had or should have alerts, and the filter of each."""
    prefix, suffix = settings.topics.prefix, f"_{plan.survey}"
    mine = {topic(prefix, name, plan.survey) for name in plan.filters}
    archived = {str(w) for w in matches.column("topic").unique().to_pylist()}
    every = mine | sent | {where for where in archived if where.startswith(prefix)}
    return {w: w.removeprefix(prefix).removesuffix(suffix) for w in sorted(every)}


def _read_topics(
    access: KafkaAccess, names: list[str], night: str
) -> dict[str, Contents]:
    log.info("Reading %s topics.", len(names))
    said = [0]

    def say(seen: int) -> None:
        if seen >= said[0] + SAY_EVERY:
            said[0] = seen
            log.info("Read %s records.", f"{seen:,}")

    morning = dt.datetime.strptime(night, "%Y%m%d").replace(tzinfo=dt.UTC)
    now = dt.datetime.now(dt.UTC)
    # A night of the future is a rehearsal's: all that there is may be of it.
    since = (
        morning - DAY if morning - DAY < now else dt.datetime.fromtimestamp(0, dt.UTC)
    )
    # The publisher may not read what it has sent.
    return read_contents(access.admin, names, night=night, since=since, say=say)
