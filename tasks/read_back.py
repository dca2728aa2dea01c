"""Read back what became of a night: from the ledger and the archive, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from archive.slices import NightFolder
from cluster.access import KafkaAccess
from ledger.claim import FIRST
from ledger.read import Entries, LedgerReader
from settings import Settings
from settings.errors import ArchiveUnavailableError, NewerRunError
from settings.names import ID_COLUMN
from tasks.plan_night import NightPlan
from tasks.work import newest_rows, read_generations

VISIBLE = "[0-9]*.parquet"
"""Slices that readers see."""


@dataclass(frozen=True)
class Archived:
    """What the archive has of one topic."""

    alerts: int
    """Matches whose alert is there too."""

    classes: Mapping[str, int]
    """Matches per class."""


@dataclass(frozen=True)
class ReadBack:
    """A night as ledger and archive have it."""

    entries: Entries
    """Rows of each topic's generation."""

    archived: Mapping[str, Archived]
    """By topic; no entry where nothing was kept."""

    classes: Mapping[str, int]
    """Distinct alerts per class, of each topic's generation."""

    doubled: int
    """Alerts that the archive has more than once: none, or something is wrong."""

    generations: Mapping[str, int] = field(default_factory=dict)
    """Generation of each topic."""

    @property
    def kept(self) -> int:
        """Distinct alerts that some filter kept."""
        return sum(self.classes.values())


def read_back(settings: Settings, access: KafkaAccess, plan: NightPlan) -> ReadBack:
    """Read the rows of a night in the ledger, and count them in the archive.

    Raises
    ------
    BrokerUnavailableError
        The ledger cannot be read.
    ArchiveUnavailableError
        The archive cannot be read.
    """
    done = read_done(settings, access, plan)
    generations = {**read_generations(done), **plan.generations}
    entries = newest_rows(done, generations)
    night = NightFolder(
        settings.archive_root(), plan.survey, plan.night, settings.topics.prefix
    )
    if not any(night.folder("matches").glob(VISIBLE)):
        return ReadBack(entries, {}, {}, 0, generations)
    try:
        archived, classes, doubled = _count(night, plan.survey, generations)
        return ReadBack(entries, archived, classes, doubled, generations)
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise ArchiveUnavailableError(
            f"The archive of {plan.survey} {plan.night} cannot be read: {why}"
        ) from error


def read_done(settings: Settings, access: KafkaAccess, plan: NightPlan) -> Entries:
    """Read all that the ledger has of the night.

    Raises
    ------
    NewerRunError
        A newer run has claimed the night since it was planned: it is that one's.
    """
    with LedgerReader(access.publisher) as reader:
        night = (settings.topics.prefix, plan.survey, plan.night)
        done = reader.read(range(plan.shards), night)
        if plan.run is not None and reader.claims.get(FIRST, 0) > plan.run:
            raise NewerRunError(
                f"A newer run works on the night {plan.night} of {plan.survey}."
            )
        return done


def _count(
    night: NightFolder, survey: str, generations: Mapping[str, int]
) -> tuple[dict[str, Archived], dict[str, int], int]:
    """Count one night's files; the archive's views would open every night's."""
    with duckdb.connect() as connection:
        alerts, every = (_files(night.folder(kind)) for kind in ("alerts", "matches"))
        connection.execute(
            f"create view alerts as select {ID_COLUMN[survey]} as id {alerts}"
        )
        connection.execute(f"create view every as {every}")
        connection.execute("create table newest (topic varchar, generation int)")
        if generations:
            connection.executemany(
                "insert into newest values (?, ?)", list(generations.items())
            )
        connection.execute(
            "create view matches as from every where not exists (from newest"
            " where topic = every.topic and generation > every.generation)"
        )
        counted = connection.execute(
            """
            select topic, class, count(*) from matches
            where id in (select id from alerts) group by all order by all
            """
        ).fetchall()
        classes = connection.execute(
            "select class, count(distinct id) from matches group by all order by all"
        ).fetchall()
        doubled = connection.execute(
            "select count(*) - count(distinct id) from alerts"
        ).fetchone()
    return _by_topic(counted), dict(classes), (doubled or (0,))[0]


def _files(folder: Path) -> str:
    quoted = str(folder / VISIBLE).replace("'", "''")
    return (
        f"from read_parquet('{quoted}', union_by_name = true,"
        " hive_partitioning = false)"
    )


def _by_topic(counted: list[tuple[str, str, int]]) -> dict[str, Archived]:
    classes: dict[str, dict[str, int]] = {}
    for name, label, count in counted:
        classes.setdefault(name, {})[label] = count
    return {n: Archived(sum(c.values()), c) for n, c in classes.items()}
