"""Repair topics: send what the ledger says was sent and a topic no longer has."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from archive.slices import NightFolder
from cluster.access import KafkaAccess
from cluster.contents import Contents, Integers
from ledger.deliveries import Deliveries
from ledger.read import Entries
from ledger.record import Record
from ledger.row import LedgerRow, PartitionRange
from nightmail.avro import (
    compact,
    derive_schema,
    encode_batch,
    fingerprint,
    wire_batch,
)
from settings import Settings
from settings.errors import NightError
from settings.names import sent_columns
from store.footer import read_footer
from store.parquet import ParquetUnit
from store.path import StorePath
from store.unit import Unit, UnitRows, cut_into_units
from tasks.find_alerts import FoundAlerts, find_alerts
from tasks.gather_evidence import Evidence
from tasks.outbox import Outbox, Waiting
from tasks.owned_rows import OwnedRows
from tasks.verify_night import Problem

Lost = Mapping[str, Integers]
"""Ids that each topic lacks, of one file."""

log = logging.getLogger("nightmail")


def repair_topics(
    settings: Settings,
    access: KafkaAccess,
    evidence: Evidence,
    problems: Sequence[Problem],
) -> int:
    """Send again, of the same generation, exactly the alerts that topics lack.

    They come from the archive, so that neither the store nor today's filters matter.
    Each file is one transaction.

    Returns
    -------
    int
        Records that were sent.

    Raises
    ------
    NewerRunError
        A run works on the night.
    BrokerUnavailableError
        Kafka does not answer.
    NightError
        A topic refuses, or the archive lacks the alerts too.
    """
    lost: dict[str, dict[str, Integers]] = {}
    for problem in problems:
        if problem.kind == "lost" and problem.repairable:
            ids = np.array(problem.ids, np.int64)
            lost.setdefault(problem.file, {})[problem.topic] = ids
    sent = 0
    for file, topics in sorted(lost.items()):
        sent += _Repair(settings, access, evidence, file).send(topics)
        log.info("Sent again: %s records of %s.", f"{sent:,}", file)
    return sent


class _Repair:
    """One file of a night, sent again in part."""

    def __init__(
        self, settings: Settings, access: KafkaAccess, evidence: Evidence, file: str
    ) -> None:
        self.file, self.evidence, self.plan = file, evidence, evidence.plan
        self.folder = NightFolder(
            settings.archive_root(), self.plan.survey, self.plan.night
        )
        self.owned = OwnedRows(settings, access, evidence, file)
        self._light = settings.topics.without_cutouts

    def send(self, lost: Lost) -> int:
        rows = self.owned.take()
        with ExitStack() as stack:
            outboxes = list(self._outboxes(stack, lost))
            delivered = self.owned.commit(
                self._records(outboxes, lost), partial(self._remember, rows, lost)
            )
        return sum(part.count for where in lost for part in delivered.of(where))

    def _records(self, outboxes: Sequence[Outbox], lost: Lost) -> Iterator[Record]:
        topics = {where: where for where in lost}
        for outbox in outboxes:
            yield from outbox.records(
                topics,
                partitions=self.plan.partitions,
                generations=self.evidence.generations,
            )

    def _outboxes(self, stack: ExitStack, lost: Lost) -> Iterator[Outbox]:
        """Encode what topics lack, for those that get cutouts and for the others."""
        for is_light in (False, True):
            topics = [where for where in lost if self._is_light(where) == is_light]
            if topics:
                yield from self._of_slices(stack, {w: lost[w] for w in topics})

    def _of_slices(self, stack: ExitStack, lost: Lost) -> Iterator[Outbox]:
        """Encode what topics of the same columns lack, slice by slice, each once."""
        wanted = np.unique(np.concatenate(list(lost.values())))
        for part in self._archived_units():
            unit = ParquetUnit(part)
            found = find_alerts(unit, self.plan.survey, wanted)
            if len(found.rows):
                wanted = np.setdiff1d(wanted, found.ids)
                yield self._encode(stack, unit, found, lost)
        if len(wanted):
            raise NightError(
                f"The archive lacks {len(wanted)} of the alerts to be sent: send the"
                " night again by --generation."
            )

    def _is_light(self, where: str) -> bool:
        return self.evidence.names[where] in self._light

    def _archived_units(self) -> Iterator[Unit]:
        folder = self.folder.folder("alerts")
        for name in sorted(self.folder.visible()):
            if (folder / f"{name}.parquet").exists():
                yield from cut_into_units(
                    read_footer(StorePath(str(folder)), f"{name}.parquet")
                )

    def _encode(
        self, stack: ExitStack, unit: UnitRows, found: FoundAlerts, lost: Lost
    ) -> Outbox:
        cutouts = not any(self._is_light(where) for where in lost)
        columns = sent_columns(unit.schema.names, cutouts=cutouts)
        schema = derive_schema(pa.schema([unit.schema.field(n) for n in columns]))
        headers = [
            ("night", self.plan.night.encode()),
            ("fingerprint", fingerprint(schema).encode()),
        ]
        topics = {where: set(ids.tolist()) for where, ids in lost.items()}
        outbox = stack.enter_context(Outbox(compact(schema), headers))
        for places, batch in unit.rows(found.rows):
            values = encode_batch(schema, wire_batch(batch.select(columns)))
            indices = range(places.start, places.stop)
            for index, value in zip(indices, values, strict=True):
                one = int(found.ids[index])
                wanted = tuple(where for where, ids in topics.items() if one in ids)
                alert = Waiting(one, found.objects[index], len(value), wanted)
                outbox.add(alert, value)
        return outbox

    def _remember(
        self, rows: Entries, lost: Lost, delivered: Deliveries
    ) -> Iterator[Record]:
        """Make the ledger's records: all is as it was, but for where alerts stand."""
        for where in lost:
            row = rows[self.file, where]
            ranges = self._ranges(where, row, delivered)
            yield self.owned.record(where, replace(row, partitions=ranges))

    def _ranges(
        self, where: str, row: LedgerRow, delivered: Deliveries
    ) -> tuple[PartitionRange, ...]:
        there = self.evidence.topics[where]
        mine = self._ids_of(where, row.generation)
        here = np.isin(there.ids, mine) & (there.generations == row.generation)
        return join_ranges([*_ranges_of(there, here), *delivered.of(where)])

    def _ids_of(self, where: str, generation: int) -> Integers:
        mine = (
            (pc.field("file") == self.file)
            & (pc.field("topic") == where)
            & (pc.field("generation") == generation)
        )
        ids: Integers = self.evidence.matches.filter(mine).column("id").to_numpy()
        return ids


def _ranges_of(
    there: Contents, mask: npt.NDArray[np.bool_]
) -> Iterator[PartitionRange]:
    for partition in np.unique(there.partitions[mask]).tolist():
        offsets = there.offsets[mask & (there.partitions == partition)]
        first, last = int(offsets.min()), int(offsets.max())
        yield PartitionRange(partition, first, last, len(offsets))


def join_ranges(ranges: Sequence[PartitionRange]) -> tuple[PartitionRange, ...]:
    """Join the ranges of one topic: one for each partition, counts added."""
    joined: dict[int, PartitionRange] = {}
    for one in ranges:
        old = joined.get(one.partition, replace(one, count=0))
        joined[one.partition] = PartitionRange(
            one.partition,
            min(old.first_offset, one.first_offset),
            max(old.last_offset, one.last_offset),
            old.count + one.count,
        )
    return tuple(joined[partition] for partition in sorted(joined))
