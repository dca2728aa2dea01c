"""Repair topics: send what the ledger says was sent and a topic no longer has."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from archive.slices import NightFolder, shard_of_slice
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
from settings.names import sent_columns, stable_hash
from store.footer import read_footer
from store.parquet import ParquetUnit
from store.path import StorePath
from store.reader import StoreReader
from store.unit import UnitRows, cut_into_units
from tasks.find_alerts import FoundAlerts, find_alerts
from tasks.gather_evidence import Evidence
from tasks.outbox import Outbox, Waiting
from tasks.owned_rows import OwnedRows
from tasks.read_store import reading
from tasks.verification import Problem

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

    They come from the file that was sent, and from the archive where the store does
    not have it any more; today's filters do not matter. Each file and topic is one
    transaction, as small as a night's own may be.

    Returns
    -------
    int
        Records that were sent.

    Raises
    ------
    NewerRunError
        A run works on the night, or has since the evidence was gathered.
    BrokerUnavailableError
        Kafka does not answer.
    StoreUnavailableError
        The store does not answer.
    NightError
        A topic refuses, or the alerts are nowhere any more.
    """
    lost: dict[str, dict[str, Integers]] = {}
    for problem in problems:
        if problem.kind == "lost" and problem.repairable:
            ids = np.array(problem.ids, np.int64)
            lost.setdefault(problem.file, {})[problem.topic] = ids
    sent = 0
    if not lost:
        return sent
    with reading(settings) as reader:
        for file, topics in sorted(lost.items()):
            sent += _Repair(settings, access, evidence, reader, file).send(topics)
            log.info("Sent again: %s records of %s.", f"{sent:,}", file)
    return sent


class _Repair:
    """One file of a night, sent again in part."""

    def __init__(
        self,
        settings: Settings,
        access: KafkaAccess,
        evidence: Evidence,
        reader: StoreReader,
        file: str,
    ) -> None:
        self.reader = reader
        self.file, self.evidence, self.plan = file, evidence, evidence.plan
        self.folder = NightFolder(
            settings.archive_root(),
            self.plan.survey,
            self.plan.night,
            settings.topics.prefix,
        )
        self.owned = OwnedRows(settings, access, evidence, file)
        self._light = settings.topics.without_cutouts

    def send(self, lost: Lost) -> int:
        rows, sent = self.owned.take(), 0
        for mine, units in self._sources(rows, lost):
            with ExitStack() as stack:
                outboxes = list(self._outboxes(stack, mine, units))
                for where in mine:
                    sent += self._send(rows, where, outboxes)
        return sent

    def _send(self, rows: Entries, where: str, outboxes: Sequence[Outbox]) -> int:
        """Send what one topic lacks, in a transaction of its own."""
        delivered = self.owned.commit(
            self._records(outboxes, where), partial(self._remember, rows, where)
        )
        return sum(part.count for part in delivered.of(where))

    def _records(self, outboxes: Sequence[Outbox], where: str) -> Iterator[Record]:
        for outbox in outboxes:
            yield from outbox.records(
                {where: where},
                partitions=self.plan.partitions,
                generations=self.evidence.generations,
            )

    def _sources(
        self, rows: Entries, lost: Lost
    ) -> Iterator[tuple[Lost, Iterable[UnitRows]]]:
        """Share the topics out by where their alerts are read, and what they get.

        That is the very file that was sent, where the store still has it, else the
        archive.
        """
        units = [unit for unit in self.plan.units if unit.name == self.file]
        identities = {unit.identity for unit in units}
        places: dict[tuple[bool, bool], dict[str, Integers]] = {}
        for where, ids in lost.items():
            is_stored = rows[self.file, where].identity in identities
            places.setdefault((is_stored, self._is_light(where)), {})[where] = ids
        for (is_stored, _), mine in places.items():
            stored = map(self.reader.open_unit, units)
            yield mine, stored if is_stored else self._archived_units()

    def _outboxes(
        self, stack: ExitStack, lost: Lost, units: Iterable[UnitRows]
    ) -> Iterator[Outbox]:
        """Encode what topics lack, each alert once."""
        wanted = np.unique(np.concatenate(list(lost.values())))
        for unit in units:
            found = find_alerts(unit, self.plan.survey, wanted)
            if len(found.rows):
                wanted = np.setdiff1d(wanted, found.ids)
                yield self._encode(stack, unit, found, lost)
            if not len(wanted):
                return
        raise NightError(
            f"{len(wanted)} of the alerts of {self.file} are nowhere any more: send the"
            " night again by --generation."
        )

    def _is_light(self, where: str) -> bool:
        return self.evidence.names[where] in self._light

    def _archived_units(self) -> Iterator[UnitRows]:
        """Open the archive's slices, those of the file's own shard first."""
        folder = self.folder.folder("alerts")
        own = stable_hash(self.file, self.plan.shards)
        names = self.folder.visible()
        for name in sorted(names, key=lambda n: (shard_of_slice(n) != own, n)):
            if (folder / f"{name}.parquet").exists():
                footer = read_footer(StorePath(str(folder)), f"{name}.parquet")
                yield from map(ParquetUnit, cut_into_units(footer))

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
        self, rows: Entries, where: str, delivered: Deliveries
    ) -> Iterator[Record]:
        """Make the ledger's record: all is as it was, but for where alerts stand."""
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
