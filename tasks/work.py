"""What remains to be done for a unit, and when nothing does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ledger.row import LedgerRow
from store.unit import Unit


@dataclass(frozen=True)
class Work:
    """A unit, and the filters that have yet to run on it."""

    unit: Unit
    filters: tuple[str, ...]
    not_ours: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Ids that each filter leaves out here: sent before, or another unit's to send."""

    archived: tuple[int, ...] = ()
    """Ids whose alert the archive has already."""


def is_done(
    row: LedgerRow | None, unit: Unit, version: str, columns: Collection[str]
) -> bool:
    """Tell whether a unit needs no more work on a topic.

    What was sent stays sent. What failed would fail again, until the file or the
    filter changes, or a file of the night brings the column that was missing.

    Parameters
    ----------
    columns
        Columns that some file of the night has.
    """
    if row is None or row.outcome == "sent":
        return row is not None
    same = row.identity == unit.identity and row.filter_version == version
    return same and not set(row.nulls) & set(columns)
