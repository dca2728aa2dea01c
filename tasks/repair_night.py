"""Repair a night: send what the ledger says was sent and a topic no longer has."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from archive.slices import NightFolder
from cluster.access import KafkaAccess
from cluster.contents import Contents, Integers
from ledger.read import Entries, LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow, PartitionRange
from ledger.transaction import Deliveries, RefusedError, RestartError, Transactor
from nightmail.avro import (
    compact,
    derive_schema,
    encode_batch,
    fingerprint,
    wire_batch,
)
from nightmail.columns import flat_columns
from settings import Settings
from settings.errors import BrokerUnavailableError, NightError
from settings.names import (
    ID_COLUMN,
    LEDGER_TOPIC,
    OBJECT_COLUMNS,
    stable_hash,
    transactional_id,
)
from store.footer import read_footer
from store.parquet import ParquetUnit
from store.unit import cut_into_units
from tasks.gather_evidence import Evidence
from tasks.outbox import Outbox, Waiting
from tasks.select_alerts import HASHES, name_objects
from tasks.verify_night import Problem

Lost = Mapping[str, Integers]
"""Ids that each topic lacks, of one file."""

log = logging.getLogger("nightmail")


def repair_night(
    settings: Settings,
    access: KafkaAccess,
    evidence: Evidence,
    problems: Sequence[Problem],
) -> int:
    """Send again, of the same generation, exactly the alerts that topics lack.

    They come from the archive, so that neither the store nor today's filters matter.
    Each file is one transaction of its shard, under the id that a run of the night
    has: whoever else works on it is fenced, or fences us.

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
        A topic refuses.
    """
    lost: dict[str, dict[str, Integers]] = {}
    for problem in problems:
        if problem.repairable:
            ids = np.array(problem.ids, np.int64)
            lost.setdefault(problem.file, {})[problem.topic] = ids
    sent = 0
    for file, topics in sorted(lost.items()):
        sent += _Repair(settings, access, evidence).send(file, topics)
        log.info("Sent again: %s records of %s.", f"{sent:,}", file)
    return sent


@dataclass(frozen=True)
class _Alerts:
    """Alerts of a slice: row numbers, ids, and hashes of their objects."""

    rows: Integers
    ids: Integers
    objects: list[int]


class _Repair:
    """One file of a night, sent again in part."""

    def __init__(
        self, settings: Settings, access: KafkaAccess, evidence: Evidence
    ) -> None:
        self.evidence, self.plan, self.access = evidence, evidence.plan, access
        self.prefix = settings.topics.prefix
        self.folder = NightFolder(
            settings.archive_root(), self.plan.survey, self.plan.night
        )

    def send(self, file: str, lost: Lost) -> int:
        shard = stable_hash(file, self.plan.shards)
        plan = self.plan
        owner = transactional_id(self.prefix, plan.survey, plan.night, shard)
        try:
            producer = Transactor(self.access.publisher, owner)
            rows = self._check_ledger(shard, file, lost)
            with ExitStack() as stack:
                records = self._records(stack, lost)
                delivered = producer.send(
                    records,
                    lambda found: self._remember(shard, file, rows, found),
                )
        except RestartError as error:
            raise BrokerUnavailableError(
                f"{file} could not be sent again ({error}): try once more."
            ) from error
        except RefusedError as error:
            why = " ".join(error.topics.values()) or error.why
            raise NightError(f"{file} could not be sent again: {why}.") from error
        return sum(part.count for where in lost for part in delivered.of(where))

    def _check_ledger(self, shard: int, file: str, lost: Lost) -> Entries:
        """Read the ledger as its owner: nobody may have sent it meanwhile."""
        with LedgerReader(self.access.publisher) as reader:
            night = (self.prefix, self.plan.survey, self.plan.night)
            now = reader.read([shard], night)
        rows = {(file, where): now.get((file, where)) for where in lost}
        before = {key: self.evidence.ledger.get(key) for key in rows}
        if rows != before:
            raise BrokerUnavailableError(
                f"{file} was sent by another run meanwhile: verify the night again."
            )
        return {key: row for key, row in rows.items() if row is not None}

    def _records(self, stack: ExitStack, lost: Lost) -> Iterator[Record]:
        """Yield the records that topics lack, from every slice that has some."""
        generations, partitions = self.evidence.generations, self.plan.partitions
        topics = {where: where for where in lost}
        for outbox in self._outboxes(stack, lost):
            yield from outbox.records(
                topics, partitions=partitions, generations=generations
            )

    def _outboxes(self, stack: ExitStack, lost: Lost) -> Iterator[Outbox]:
        """Encode what topics lack, slice by slice, each alert once."""
        wanted = np.unique(np.concatenate(list(lost.values())))
        folder = self.folder.folder("alerts")
        for name in sorted(self.folder.visible()):
            if not (folder / f"{name}.parquet").exists():
                continue
            for unit in cut_into_units(read_footer(folder, f"{name}.parquet")):
                found = self._find(ParquetUnit(unit), wanted)
                if len(found.rows):
                    wanted = np.setdiff1d(wanted, found.ids)
                    yield self._encode(stack, ParquetUnit(unit), found, lost)
        if len(wanted):
            raise NightError(
                f"The archive lacks {len(wanted)} of the alerts to be sent: send the"
                " night again by --generation."
            )

    def _encode(
        self, stack: ExitStack, unit: ParquetUnit, found: "_Alerts", lost: Lost
    ) -> Outbox:
        schema = derive_schema(unit.schema)
        headers = [
            ("night", self.plan.night.encode()),
            ("fingerprint", fingerprint(schema).encode()),
        ]
        topics = {where: set(ids.tolist()) for where, ids in lost.items()}
        outbox = stack.enter_context(Outbox(compact(schema), headers))
        for places, batch in unit.rows(found.rows):
            values = encode_batch(schema, wire_batch(batch))
            indices = range(places.start, places.stop)
            for index, value in zip(indices, values, strict=True):
                one = int(found.ids[index])
                wanted = tuple(where for where, ids in topics.items() if one in ids)
                outbox.add(
                    Waiting(one, found.objects[index], len(value), wanted), value
                )
        return outbox

    def _find(self, unit: ParquetUnit, wanted: Integers) -> "_Alerts":
        """Find alerts in a slice."""
        survey = self.plan.survey
        known = flat_columns(unit.schema)
        names = [n for n in (ID_COLUMN[survey], *OBJECT_COLUMNS[survey]) if n in known]
        rows, ids, objects, start = [], [], [], 0
        for batch in unit.columns(names, {}):
            mine = batch.column(ID_COLUMN[survey]).to_numpy(zero_copy_only=False)
            places = np.flatnonzero(np.isin(mine, wanted))
            rows.append(places + start)
            ids.append(mine[places].astype(np.int64))
            few = batch.take(places)
            objects += [stable_hash(o, HASHES) for o in name_objects(few, survey)]
            start += len(batch)
        return _Alerts(np.concatenate(rows), np.concatenate(ids), objects)

    def _remember(
        self, shard: int, file: str, rows: Entries, delivered: Deliveries
    ) -> Iterator[Record]:
        """Make the ledger's records: all is as it was, but for where alerts stand."""
        plan = self.plan
        for (_, where), row in rows.items():
            new = replace(row, partitions=self._ranges(file, where, row, delivered))
            key = LedgerKey(self.prefix, plan.survey, plan.night, file, where)
            yield Record(LEDGER_TOPIC, shard, key.encode(), new.encode())

    def _ranges(
        self, file: str, where: str, row: LedgerRow, delivered: Deliveries
    ) -> tuple[PartitionRange, ...]:
        there = self.evidence.topics[where]
        mine = self._ids_of(file, where, row.generation)
        here = np.isin(there.ids, mine) & (there.generations == row.generation)
        return join_ranges([*_ranges_of(there, here), *delivered.of(where)])

    def _ids_of(self, file: str, where: str, generation: int) -> Integers:
        mine = (
            (pc.field("file") == file)
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
