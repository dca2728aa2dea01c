"""What remains to be done for a unit, and when nothing does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ledger.read import Entries
from ledger.row import LedgerRow
from store.unit import Unit


@dataclass(frozen=True)
class Work:
    """A unit, and the filters that have yet to run on it."""

    unit: Unit
    filters: tuple[str, ...]
    not_ours: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Ids that each filter leaves out here, since they were sent before."""

    archived: tuple[int, ...] = ()
    """Ids whose alert the archive has already."""


def is_done(
    row: LedgerRow | None,
    unit: Unit,
    version: str,
    *,
    columns: Collection[str],
    generation: int,
) -> bool:
    """Tell whether a unit needs no more work on a topic.

    What was sent stays sent, until a higher generation is asked for. What failed would
    fail again, until the file or the filter changes, or a file of the night brings the
    column that was missing.

    Parameters
    ----------
    columns
        Columns that some file of the night has.
    generation
        The topic's, in this night.
    """
    if row is None or row.generation < generation:
        return False
    if row.outcome == "sent":
        return True
    same = row.identity == unit.identity and row.filter_version == version
    return same and not set(row.nulls) & set(columns)


def read_generations(done: Entries) -> dict[str, int]:
    """Find the generation of every topic that the ledger has: the highest of its rows.

    A higher one that was begun is what every later run completes.
    """
    found: dict[str, int] = {}
    for (_, where), row in done.items():
        found[where] = max(found.get(where, 0), row.generation)
    return found


def newest_rows(done: Entries, generations: Mapping[str, int]) -> Entries:
    """Leave out rows of generations that a later one replaces."""
    return {
        (unit, where): row
        for (unit, where), row in done.items()
        if row.generation >= generations.get(where, 0)
    }
