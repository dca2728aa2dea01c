"""Distribute one shard of a night: what a Spark task does, and a plain process can."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from archive.slices import NightFolder
from filters import load_filters
from ledger.deliveries import Deliveries
from ledger.read import Entries, LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey
from ledger.transaction import (
    RefusedError,
    RestartError,
    Transactor,
)
from nightmail import AlertError, Filter, NightmailError, RetryableError
from nightmail.avro import (
    compact,
    derive_schema,
    encode_batch,
    fingerprint,
    wire_batch,
)
from settings.errors import ArchiveUnavailableError, NewerRunError, SettingsError
from settings.names import (
    ID_COLUMN,
    LEDGER_TOPIC,
    sent_columns,
    topic,
    transactional_id,
)
from store.parquet import ParquetUnit
from store.unit import Unit, UnitRows
from tasks.job import Job
from tasks.outbox import Outbox
from tasks.parcel import Parcel
from tasks.report import Report
from tasks.select_alerts import Selection, select_alerts
from tasks.work import Work, is_done

PATIENCE_S = 240.0
"""How long a shard starts again before it gives up, since it last got on [s].

Longer than an overdue commit and the new producer that finds out about it may take.
"""

RESTART_PAUSE_S = 2.0
"""Pause before a new producer [s]."""


OUTCOMES: dict[str, tuple[type[Exception], ...]] = {
    "newer run": (NewerRunError,),
    "denied": (SettingsError,),
    "unavailable": (RetryableError, RestartError),
}
"""What an error means to the driver; any other is `failed`."""


Open = Callable[[Unit], UnitRows]
"""What gives the rows of a unit; it may raise a StoreError."""


def distribute_shards(
    job: Job,
    plan: Iterable[tuple[int, Iterable[Work]]],
    *,
    open_unit: Open = ParquetUnit,
    at: Callable[[str], None] = lambda _: None,
) -> Iterator[Report]:
    """Distribute some shards, one after the other.

    Never raises: a raised exception would make Spark run the task again, and so fence
    the winner, or kill its neighbours.

    Parameters
    ----------
    plan
        Shard and work, as planned; each work is taken when the one before is done.
    open_unit
        Opens the rows of the unit whose turn it is, again after a new start.
    at
        Told the name of each point that is passed, so that a test can end it there.
    """
    try:
        filters = load_filters(job.survey)
        with LedgerReader(job.kafka) as reader:
            for shard, works in plan:
                turn = _Shard(job, shard, filters, reader, open_unit, at)
                for report in turn.run(works):
                    yield report
                    if report.outcome == "unavailable":
                        # The next shard would wait as long, for the same.
                        return
    except Exception as error:  # noqa: BLE001 - see above
        yield _fault(error)


def _fault(error: Exception, unit: str = "") -> Report:
    outcome = next((o for o, kinds in OUTCOMES.items() if isinstance(error, kinds)), "")
    known = isinstance(error, NightmailError)
    message = str(error) if known else f"{type(error).__name__}: {error}"
    if unit and Path(unit).name not in message:
        message = f"{unit}: {message}"
    return Report(outcome or "failed", message)


def _encode(schema: Any, batch: pa.RecordBatch) -> Sequence[bytes | AlertError]:
    """Encode a batch; where that fails, by halves, down to the alerts at fault."""
    try:
        return encode_batch(schema, wire_batch(batch))
    except AlertError as error:
        if len(batch) == 1:
            return [error]
    half = len(batch) // 2
    parts = (batch.slice(0, half), batch.slice(half))
    return [value for part in parts for value in _encode(schema, part)]


class _Shard:
    """One shard, from its producer to its last commit."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a task has, and a shard needs
        self,
        job: Job,
        shard: int,
        filters: Mapping[str, Filter],
        reader: LedgerReader,
        open_unit: Open,
        at: Callable[[str], None],
    ) -> None:
        self.job, self.shard, self.filters = job, shard, filters
        self.reader, self.open_unit, self.at = reader, open_unit, at
        self.folder = NightFolder(job.archive, job.survey, job.night, job.prefix)
        self.refused: dict[str, str] = {}
        """Topics that refused in this run, and why; the rest goes on without them."""

        self.transactor: Transactor
        self.done: Entries

    def run(self, works: Iterable[Work]) -> Iterator[Report]:
        """Do the work, starting again where only that helps."""
        coming, deadline = iter(works), time.monotonic() + PATIENCE_S
        work: Work | None = None
        while True:
            try:
                self._own()
                while True:
                    if work is None:
                        work = next(coming, None)
                        deadline = time.monotonic() + PATIENCE_S
                    if work is None:
                        break
                    yield self._report(work)
                    work = None
            except RestartError as error:
                if time.monotonic() < deadline:
                    time.sleep(RESTART_PAUSE_S)
                    continue
                yield _fault(error)
            except Exception as error:  # noqa: BLE001 - see distribute_shards
                yield _fault(error)
            break
        for why in self.refused.values():
            yield Report("failed", why)

    def _own(self) -> None:
        """Become the shard's owner, and repair what an earlier owner left."""
        job = self.job
        night = (job.prefix, job.survey, job.night)
        if job.run is not None:
            # Before anything else: becoming the owner would fence a newer run.
            self.reader.read_settled([self.shard], night)
            self._end_if_claimed(job.run)
        name = transactional_id(job.prefix, job.survey, job.night, self.shard)
        self.transactor = Transactor(job.kafka, name)
        self.at("owned")
        self.done = self.reader.read([self.shard], night)
        if job.run is not None:
            self._end_if_claimed(job.run)
        slices = {r.archive_slice for r in self.done.values() if r.archive_slice}
        self.folder.repair(self.shard, slices)
        self.at("repaired")

    def _end_if_claimed(self, run: int) -> None:
        """Leave the shard to a newer run: what we have planned may be sent by now."""
        if self.reader.claims.get(self.shard, 0) > run:
            raise NewerRunError(f"A newer run has claimed shard {self.shard}.")

    def _report(self, work: Work) -> Report:
        try:
            duplicates = self._distribute(work)
        except ArchiveUnavailableError as error:
            self.transactor.abandon()
            if newer := self._overtaken(error):
                raise newer from error
            raise
        except (RestartError, NewerRunError, RetryableError, SettingsError):
            self.transactor.abandon()
            raise
        except Exception as error:  # noqa: BLE001 - one file's fault, and reported
            self.transactor.abandon()
            self._own()
            return _fault(error, work.unit.name)
        return Report("done", duplicates=duplicates)

    def _overtaken(self, error: ArchiveUnavailableError) -> NewerRunError | None:
        """Tell whether a newer owner has cleared away the slice that we write."""
        there = self.folder.folder("alerts").is_dir()
        if there and isinstance(error.__cause__, FileNotFoundError):
            return NewerRunError(f"A newer run works on shard {self.shard}.")
        return None

    def _distribute(self, work: Work) -> int:
        """Send one unit to all topics; where one refuses, to the others without it.

        What gets other columns is another walk: encoded once for each set of columns.
        """
        light = self.job.without_cutouts
        queue = [
            [n for n in work.filters if (n in light) == is_light]
            for is_light in (False, True)
        ]
        duplicates = 0
        while queue:
            wanted = queue.pop(0)
            names = [name for name in self._missing(work) if name in wanted]
            if not names:
                continue
            try:
                duplicates = self._walk(work, {n: self.filters[n] for n in names})
            except RefusedError as error:
                queue = self._without_refused(names, error) + queue
                self.transactor.abandon()
                self._own()
        return duplicates

    def _missing(self, work: Work) -> Iterator[str]:
        for name in work.filters:
            made = self.filters.get(name)
            if made is None or self._topic(name) in self.refused:
                continue
            row = self.done.get((work.unit.name, self._topic(name)))
            if not is_done(
                row,
                work.unit,
                made.version,
                columns=self.job.types,
                generation=self.job.generations.get(self._topic(name), 0),
            ):
                yield name

    def _topic(self, name: str) -> str:
        return topic(self.job.prefix, name, self.job.survey)

    def _walk(self, work: Work, filters: Mapping[str, Filter]) -> int:
        """Read, filter, encode, archive and send one unit."""
        unit = self.open_unit(work.unit)
        selection = select_alerts(
            unit,
            filters,
            self.job,
            not_ours=work.not_ours,
        )
        self.at("selected")
        sent = self._sent_schema(unit.schema, filters)
        schema = derive_schema(sent)
        with Outbox(compact(schema), self._headers(fingerprint(schema))) as outbox:
            parcel = self._parcel(work, filters, selection, outbox)
            name = self._archive(parcel, unit, (schema, sent.names), work.archived)
            self.at("archived")
            rows: Entries = {}
            self.transactor.send(
                outbox.records(
                    parcel.topics,
                    partitions=self.job.partitions,
                    generations=self.job.generations,
                ),
                partial(self._remember, parcel, name, rows),
                at=self.at,
            )
        self.done |= rows
        if name is not None:
            self.folder.publish(name)
        self.at("published")
        return selection.duplicates

    def _sent_schema(self, schema: pa.Schema, filters: Iterable[str]) -> pa.Schema:
        """Columns that these filters' topics get; it is the same for all of them."""
        cutouts = not self.job.without_cutouts.intersection(filters)
        names = sent_columns(schema.names, cutouts=cutouts)
        return pa.schema([schema.field(name) for name in names])

    def _parcel(
        self,
        work: Work,
        filters: Mapping[str, Filter],
        selection: Selection,
        outbox: Outbox,
    ) -> Parcel:
        topics = {name: self._topic(name) for name in filters}
        generations = self.job.generations
        return Parcel(work.unit, filters, topics, selection, outbox, generations)

    def _headers(self, mark: str) -> list[tuple[str, bytes]]:
        return [
            ("night", self.job.night.encode()),
            ("fingerprint", mark.encode()),
        ]

    def _archive(
        self,
        parcel: Parcel,
        unit: UnitRows,
        sent_as: tuple[Any, list[str]],
        archived: Sequence[int],
    ) -> str | None:
        """Encode the wanted rows into the outbox, and write the pending slice.

        The topics get the columns of `sent_as`, the archive gets all.
        """
        if not len(parcel.selection.rows):
            return None
        schema, columns = sent_as
        name = self.folder.name_slice(self.shard, parcel.digest())
        there = np.union1d(self._archived(parcel.unit.name), archived)
        with self.folder.writer(name) as writer:
            for where, batch in unit.rows(parcel.selection.rows):
                sent = parcel.pack(where, _encode(schema, batch.select(columns)))
                if parcel.is_too_much(self.job.partitions):
                    raise RefusedError("It is too much for one transaction", {})
                new = sent & ~np.isin(parcel.selection.ids[where], there)
                if new.all():
                    writer.write_alerts(batch)
                elif new.any():
                    writer.write_alerts(batch.filter(pa.array(new)))
            writer.write_matches(parcel.matches())
            writer.write_set_aside(parcel.left_over())
        return name

    def _archived(self, unit_name: str) -> Any:
        """Ids of the unit's alerts that committed slices hold already."""
        slices = {
            row.archive_slice
            for (unit, _), row in self.done.items()
            if unit == unit_name and row.archive_slice
        }
        return self.folder.ids(slices, ID_COLUMN[self.job.survey])

    def _without_refused(
        self, names: list[str], error: RefusedError
    ) -> list[list[str]]:
        """Choose what comes next: the others together, or halves if none is blamed."""
        blamed = [n for n in names if self._topic(n) in error.topics]
        if not blamed and len(names) > 1:
            half = len(names) // 2
            return [names[:half], names[half:]]
        for name in blamed or names:
            why = error.topics.get(self._topic(name), error.why)
            self.refused[self._topic(name)] = f"{self._topic(name)} refuses: {why}."
        return [[n for n in names if n not in (blamed or names)]]

    def _remember(
        self,
        parcel: Parcel,
        archive_slice: str | None,
        rows: Entries,
        deliveries: Deliveries,
    ) -> Iterator[Record]:
        """Make the ledger's records of what was delivered, and note their rows."""
        job = self.job
        for name, topic_name in parcel.topics.items():
            key = LedgerKey(
                job.prefix, job.survey, job.night, parcel.unit.name, topic_name
            )
            row = parcel.row(name, archive_slice, deliveries)
            rows[parcel.unit.name, topic_name] = row
            yield Record(LEDGER_TOPIC, self.shard, key.encode(), row.encode())
