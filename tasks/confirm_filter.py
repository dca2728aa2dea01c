"""Confirm a filter: what it kept was delivered and archived, or say what was not."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.row import LedgerRow
from settings import Settings
from settings.names import topic
from tasks.plan_night import NightPlan
from tasks.read_back import Archived, ReadBack
from tasks.work import is_done


@dataclass(frozen=True)
class Confirmation:
    """One filter's night, counted in the ledger and in the archive."""

    filter: str
    rows: tuple[LedgerRow, ...]
    """The ledger's rows, one per unit that was done."""

    archived: int
    failures: tuple[str, ...]
    """One sentence each; none where all adds up."""


def confirm_filter(
    settings: Settings, plan: NightPlan, back: ReadBack, name: str
) -> Confirmation:
    """Compare what the ledger says was sent with what the archive has."""
    if name in plan.broken:
        return Confirmation(name, (), 0, (plan.broken[name],))
    where = topic(settings.topics.prefix, name, plan.survey)
    rows = {u: row for (u, w), row in sorted(back.entries.items()) if w == where}
    archived = back.archived.get(where, Archived(0, {})).alerts
    there = {unit.name for unit in plan.units}
    failures = [*_failed({u: row for u, row in rows.items() if u in there})]
    left = find_undone(plan, rows, name)
    if name in plan.refused:
        failures.append(plan.refused[name])
    elif left:
        failures.append(f"It has not run on {_files(left)}.")
    failures += _set_aside(rows)
    delivered = sum(r.rows for r in rows.values())
    counted = sum(p.count for r in rows.values() for p in r.partitions)
    if delivered != counted:
        failures.append(f"{delivered} alerts were kept, {counted} delivered.")
    if delivered != archived:
        failures.append(f"{delivered} alerts were delivered, {archived} archived.")
    return Confirmation(name, tuple(rows.values()), archived, tuple(failures))


def _failed(rows: dict[str, LedgerRow]) -> list[str]:
    """Reasons of failure, and in how many files."""
    reasons: dict[str, list[str]] = {}
    for unit, row in rows.items():
        if row.outcome == "failed":
            reasons.setdefault(row.reason or "unknown", []).append(unit)
    return [f"{reason} (in {_files(units)})" for reason, units in reasons.items()]


def find_undone(plan: NightPlan, rows: Mapping[str, LedgerRow], name: str) -> list[str]:
    """Name the units on which a filter has yet to run.

    Parameters
    ----------
    rows
        The filter's rows of the ledger, by unit.
    """
    if name not in plan.catalogue:
        return []
    version = plan.catalogue[name].version
    return [
        unit.name
        for unit in plan.units
        if not is_done(
            rows.get(unit.name), unit, version, columns=plan.types, generation=0
        )
    ]


def _set_aside(rows: dict[str, LedgerRow]) -> list[str]:
    count = sum(row.set_aside for row in rows.values())
    if not count:
        return []
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    return [f"{alerts} cannot be sent: the archive's view set_aside says why."]


def _files(names: list[str]) -> str:
    first, *others = names
    if not others:
        return first
    return f"{first} and {len(others)} more file{'s' if len(others) > 1 else ''}"
