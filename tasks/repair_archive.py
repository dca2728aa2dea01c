"""Repair the archive: write again, out of the store, what its slices have lost."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder, shard_of_slice
from cluster.access import KafkaAccess
from cluster.contents import Integers
from ledger.deliveries import Deliveries
from ledger.read import Entries
from ledger.record import Record
from settings import Settings
from settings.names import stable_hash
from store.reader import StoreReader
from store.unit import Unit
from tasks.find_alerts import FoundAlerts, find_alerts
from tasks.gather_evidence import Evidence
from tasks.owned_rows import OwnedRows, own_shard
from tasks.parcel import digest_of
from tasks.read_store import reading
from tasks.verification import Problem

NOTHING = np.empty(0, np.int64)
"""No ids."""

log = logging.getLogger("nightmail")


def settle_slices(settings: Settings, access: KafkaAccess, evidence: Evidence) -> int:
    """Show what an interrupted run left unseen and the ledger names; delete the rest.

    Until then nobody can say what the archive lacks.

    Returns
    -------
    int
        Shards that had something.

    Raises
    ------
    NewerRunError
        A run works on the night.
    BrokerUnavailableError
        Kafka does not answer.
    ArchiveUnavailableError
        The disk refuses.
    """
    plan = evidence.plan
    folder = NightFolder(
        settings.archive_root(), plan.survey, plan.night, settings.topics.prefix
    )
    there = {shard_of_slice(name) for name in evidence.pending}
    shards = sorted(there & {*range(plan.shards)})
    for shard in shards:
        _, rows = own_shard(settings, access, plan, shard)
        names = {row.archive_slice for row in rows.values() if row.archive_slice}
        folder.repair(shard, names)
    return len(shards)


def repair_archive(
    settings: Settings,
    access: KafkaAccess,
    evidence: Evidence,
    problems: Sequence[Problem],
) -> int:
    """Write again what the archive lacks and the topics have; nothing is sent.

    The new slice is made known by the ledger before it is shown, as any slice is.

    Returns
    -------
    int
        Slices that were written.

    Raises
    ------
    NewerRunError
        A run works on the night.
    BrokerUnavailableError
        Kafka does not answer.
    ArchiveUnavailableError
        The disk refuses.
    StoreError
        A file is damaged.
    """
    lacking: dict[str, dict[str, Integers]] = {}
    for problem in problems:
        if problem.kind == "unarchived" and problem.repairable:
            ids = np.array(problem.ids, np.int64)
            lacking.setdefault(problem.file, {})[problem.topic] = ids
    units = {unit.name: unit for unit in evidence.plan.units}
    alerts = _missing_alerts(evidence)
    files = sorted({*lacking, *alerts} - _waiting(evidence))
    there = evidence.alerts
    if not files:
        return 0
    with reading(settings) as reader:
        for file in files:
            mine = [*lacking.get(file, {}).values(), alerts.get(file, NOTHING)]
            missing = np.setdiff1d(np.concatenate(mine), there)
            repair = _Repair(settings, access, evidence, units[file])
            repair.write(reader, lacking.get(file, {}), missing)
            there = np.union1d(there, missing)
            log.info("Archived again: %s.", file)
    return len(files)


def _missing_alerts(evidence: Evidence) -> dict[str, Integers]:
    """Ids that have matches, and no alert in the archive, by file.

    Only of files that the store still has as they were sent.
    """
    ids = evidence.matches.column("id").to_numpy()
    files = np.asarray(evidence.matches.column("file").to_pylist(), object)
    gone = ~np.isin(ids, evidence.alerts)
    return {
        str(file): np.unique(ids[gone & (files == file)])
        for file in set(files[gone].tolist()) & _unchanged(evidence)
    }


def _unchanged(evidence: Evidence) -> set[str]:
    """Find the files that the store has as they were sent to every topic."""
    identities = {unit.name: unit.identity for unit in evidence.plan.units}
    sent = {k: r.identity for k, r in evidence.ledger.items() if r.outcome == "sent"}
    others = {file for (file, _), one in sent.items() if one != identities.get(file)}
    return {file for file, _ in sent} - others


def _waiting(evidence: Evidence) -> set[str]:
    """Find the files that have something in a slice that waits to be shown."""
    rows = evidence.ledger.items()
    return {file for (file, _), r in rows if r.archive_slice in evidence.pending}


class _Repair:
    """One file of a night, archived again in part."""

    def __init__(
        self, settings: Settings, access: KafkaAccess, evidence: Evidence, unit: Unit
    ) -> None:
        self.evidence, self.unit, plan = evidence, unit, evidence.plan
        self.survey = plan.survey
        self.folder = NightFolder(
            settings.archive_root(), plan.survey, plan.night, settings.topics.prefix
        )
        self.shard = stable_hash(unit.name, plan.shards)
        self.owned = OwnedRows(settings, access, evidence, unit.name)

    def write(
        self, reader: StoreReader, lacking: Mapping[str, Integers], missing: Integers
    ) -> None:
        """Write a slice of some matches and some alerts, and show it."""
        rows = self.owned.take()
        unit = reader.open_unit(self.unit)
        wanted = np.unique(np.concatenate([*lacking.values(), missing]))
        found = find_alerts(unit, self.survey, wanted)
        name = self.folder.name_slice(self.shard, digest_of(wanted.tolist())[:12])
        with self.folder.writer(name) as writer:
            for places, batch in unit.rows(found.rows):
                new = np.isin(found.ids[places], missing)
                if new.any():
                    writer.write_alerts(batch.filter(pa.array(new)))
            for batch in self._matches(lacking, found):
                writer.write_matches(batch)
        self.owned.commit([], partial(self._remember, rows, lacking, name))
        self.folder.publish(name)

    def _matches(
        self, lacking: Mapping[str, Integers], found: FoundAlerts
    ) -> Iterator[pa.RecordBatch]:
        for where, ids in lacking.items():
            mine = np.flatnonzero(np.isin(found.ids, ids)).tolist()
            columns: dict[str, Any] = {
                "id": found.ids[mine],
                "filter": [self.evidence.names[where]] * len(mine),
                "topic": [where] * len(mine),
                "class": [found.classes[index] for index in mine],
                "generation": [self.evidence.generations[where]] * len(mine),
                "file": [self.unit.name] * len(mine),
            }
            yield pa.RecordBatch.from_pydict(columns, schema=MATCHES_SCHEMA)

    def _remember(
        self,
        rows: Entries,
        lacking: Mapping[str, Integers],
        name: str,
        _sent: Deliveries,
    ) -> Iterator[Record]:
        """Name the new slice in the rows of its topics.

        One of alerts alone is named by none, since a row's slice is where its matches
        are: if it is never shown, it is written once more. But one row is changed, so
        that whoever has read it before us finds that we were here.
        """
        for where in lacking:
            row = rows[self.unit.name, where]
            yield self.owned.record(where, replace(row, archive_slice=name))
        if not lacking:
            told = f"Alerts were archived again as {name}."
            (_, where), row = next(r for r in rows.items() if r[1].outcome == "sent")
            yield self.owned.record(where, replace(row, reason=told))
