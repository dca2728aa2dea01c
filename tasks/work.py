"""What remains to be done for a unit, and when nothing does."""

from dataclasses import dataclass

from ledger.row import LedgerRow
from store.unit import Unit


@dataclass(frozen=True)
class Work:
    """A unit, and the filters that have yet to run on it."""

    unit: Unit
    filters: tuple[str, ...]
    not_ours: tuple[int, ...] = ()
    """Ids that another unit of the night owns."""


def is_done(row: LedgerRow | None, unit: Unit, version: str) -> bool:
    """Tell whether a unit needs no more work on a topic.

    What was sent stays sent. What failed would fail again, until the file or the
    filter changes.
    """
    if row is None:
        return False
    same = row.identity == unit.identity and row.filter_version == version
    return row.outcome == "sent" or same
