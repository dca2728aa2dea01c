"""Read back what became of a night: from the ledger and the archive, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from archive.views import open_archive
from cluster.access import KafkaAccess
from ledger.read import Entries
from settings import Settings
from settings.names import ID_COLUMN
from tasks.plan_night import NightPlan, read_done


@dataclass(frozen=True)
class Archived:
    """What the archive has of one filter."""

    alerts: int
    """Matches whose alert is there too."""

    classes: Mapping[str, int]
    """Matches per class."""


@dataclass(frozen=True)
class ReadBack:
    """A night as ledger and archive have it."""

    entries: Entries
    archived: Mapping[str, Archived]
    """By filter; no entry where nothing was kept."""

    classes: Mapping[str, int]
    """Distinct alerts per class."""

    @property
    def kept(self) -> int:
        """Distinct alerts that some filter kept."""
        return sum(self.classes.values())


def read_back(settings: Settings, access: KafkaAccess, plan: NightPlan) -> ReadBack:
    """Read the rows of a night in the ledger, and count them in the archive."""
    connection = open_archive(settings.archive_root(), plan.survey)
    generation = 0
    try:
        counted = connection.execute(
            f"""
            select m.filter, m.class, count(*)
            from matches m
            where m.night = $1 and m.generation = $2
              and m.id in (
                select {ID_COLUMN[plan.survey]} from alerts where night = $1
              )
            group by all
            """,  # noqa: S608 - the name is ours
            [plan.night, generation],
        ).fetchall()
        classes = connection.execute(
            """
            select class, count(distinct id) from matches where night = $1 group by all
            """,
            [plan.night],
        ).fetchall()
    finally:
        connection.close()
    entries = read_done(settings, access, plan.survey, plan.night, plan.shards)
    return ReadBack(entries, _by_filter(counted), dict(classes))


def _by_filter(counted: list[tuple[str, str, int]]) -> dict[str, Archived]:
    classes: dict[str, dict[str, int]] = {}
    for name, label, count in counted:
        classes.setdefault(name, {})[label] = count
    return {n: Archived(sum(c.values()), c) for n, c in classes.items()}
