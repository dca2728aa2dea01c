"""Read back what became of a night: from the ledger and the archive, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from archive.slices import KINDS, NightFolder
from cluster.access import KafkaAccess
from ledger.read import Entries, LedgerReader
from settings import Settings
from settings.errors import ArchiveUnavailableError
from settings.names import ID_COLUMN
from tasks.plan_night import NightPlan


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
    archived: Mapping[str, Archived]
    """By topic; no entry where nothing was kept."""

    classes: Mapping[str, int]
    """Distinct alerts per class."""

    doubled: int
    """Alerts that the archive has more than once: none, or something is wrong."""

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
    entries = read_done(settings, access, plan)
    night = NightFolder(settings.archive_root(), plan.survey, plan.night)
    if not night.visible():
        return ReadBack(entries, {}, {}, 0)
    try:
        return _count(entries, night, ID_COLUMN[plan.survey])
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise ArchiveUnavailableError(
            f"The archive of {plan.survey} {plan.night} cannot be read: {why}"
        ) from error


def read_done(settings: Settings, access: KafkaAccess, plan: NightPlan) -> Entries:
    """Read all that the ledger has of the night."""
    with LedgerReader(access.publisher) as reader:
        night = (settings.topics.prefix, plan.survey, plan.night)
        return reader.read(range(plan.shards), night)


def _count(entries: Entries, night: NightFolder, id_column: str) -> ReadBack:
    """Count one night's files; the archive's views would open every night's."""
    with duckdb.connect() as connection:
        alerts, matches = (_files(night.folder(kind)) for kind in KINDS)
        connection.execute(f"create view alerts as select {id_column} as id {alerts}")
        connection.execute(f"create view matches as {matches}")
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
    return ReadBack(entries, _by_topic(counted), dict(classes), (doubled or (0,))[0])


def _files(folder: Path) -> str:
    quoted = str(folder / "[0-9]*.parquet").replace("'", "''")
    return (
        f"from read_parquet('{quoted}', union_by_name = true,"
        " hive_partitioning = false)"
    )


def _by_topic(counted: list[tuple[str, str, int]]) -> dict[str, Archived]:
    classes: dict[str, dict[str, int]] = {}
    for name, label, count in counted:
        classes.setdefault(name, {})[label] = count
    return {n: Archived(sum(c.values()), c) for n, c in classes.items()}
