"""One unit on its way: what was selected, encoded, set aside, and is to remember."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from archive.kinds import MATCHES_SCHEMA, SET_ASIDE_SCHEMA
from ledger.deliveries import Deliveries
from ledger.row import LedgerRow
from ledger.transaction import MAX_MESSAGE_BYTES
from nightmail import AlertError, Filter
from store.unit import Unit
from tasks.outbox import Outbox, Waiting
from tasks.select_alerts import Selection

OVERHEAD_BYTES = 2048
"""Room for headers and framing in a record [byte]."""


MAX_RECORDS = 100_000
"""Records above which topics are sent in several transactions."""

MAX_BYTES = 2 << 30
"""Size of the records, keys included, above which they are [byte]."""

MAX_PARTITIONS = 500
"""Partitions above which they are: each costs a commit about half a millisecond."""


@dataclass
class Parcel:
    """One unit, and the filters that run on it now."""

    unit: Unit
    filters: Mapping[str, Filter]
    topics: Mapping[str, str]
    """Topic of each filter."""

    selection: Selection
    outbox: Outbox
    generations: Mapping[str, int]
    """Generation of each topic; 0 where there is no entry."""

    set_aside: dict[int, str] = field(default_factory=dict)
    """Why an alert cannot be sent, by its index."""

    def pack(
        self, where: slice, values: Sequence[bytes | AlertError]
    ) -> npt.NDArray[np.bool_]:
        """Put encoded alerts into the outbox.

        Parameters
        ----------
        where
            Which rows of the selection they are.
        values
            Their Avro bytes, or why an alert cannot be encoded.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)
            True for those that can be sent.
        """
        indices = range(where.start, where.stop)
        limit = MAX_MESSAGE_BYTES - len(self.outbox.key) - OVERHEAD_BYTES
        for index, value in zip(indices, values, strict=True):
            if isinstance(value, AlertError):
                self.set_aside[index] = str(value)
            elif len(value) > limit:
                self.set_aside[index] = (
                    f"It is too large: {len(value):,} bytes, of {limit:,} at most."
                )
            else:
                self.outbox.add(self._waiting(index, len(value)), value)
        return np.array([index not in self.set_aside for index in indices], bool)

    def _waiting(self, index: int, length: int) -> Waiting:
        return Waiting(
            int(self.selection.ids[index]),
            self.selection.objects[index],
            length,
            tuple(n for n, mask in self.selection.masks.items() if mask[index]),
        )

    def is_too_much(self, partitions: Mapping[str, int]) -> bool:
        """Tell whether one transaction for all topics would be too large.

        A single topic is never split: its part of a unit is what the ledger remembers.

        Parameters
        ----------
        partitions
            How many partitions each topic has.
        """
        return len(self.topics) > 1 and (
            self.outbox.records_of.total() > MAX_RECORDS
            or self.outbox.bytes_of.total() > MAX_BYTES
            or sum(partitions[t] for t in self.topics.values()) > MAX_PARTITIONS
        )

    def kept(self, name: str) -> list[int]:
        """Give the indices of what a filter keeps and that can be sent."""
        kept = np.flatnonzero(self.selection.masks[name]).tolist()
        return [index for index in kept if index not in self.set_aside]

    def matches(self) -> pa.RecordBatch:
        """Make the archive's matches: a row for each alert that a filter keeps."""
        kept = {name: self.kept(name) for name in self.selection.masks}
        return pa.RecordBatch.from_pydict(self._columns(kept), schema=MATCHES_SCHEMA)

    def left_over(self) -> pa.RecordBatch:
        """Make what the archive keeps of the alerts that cannot be sent."""
        aside = sorted(self.set_aside)
        left = {n: [i for i in aside if m[i]] for n, m in self.selection.masks.items()}
        rows = [index for indices in left.values() for index in indices]
        columns = self._columns(left) | {
            "row": self.selection.rows[rows],
            "reason": [self.set_aside[index] for index in rows],
        }
        return pa.RecordBatch.from_pydict(columns, schema=SET_ASIDE_SCHEMA)

    def _columns(self, chosen: Mapping[str, list[int]]) -> dict[str, Any]:
        """Make columns of the indices that are chosen of each filter."""
        rows = [index for indices in chosen.values() for index in indices]
        names = [name for name, indices in chosen.items() for _ in indices]
        return {
            "id": self.selection.ids[rows],
            "filter": names,
            "topic": [self.topics[name] for name in names],
            "class": [self.selection.classes[index] for index in rows],
            "generation": [self._generation(name) for name in names],
            "file": [self.unit.name] * len(rows),
        }

    def _generation(self, name: str) -> int:
        return self.generations.get(self.topics[name], 0)

    def digest(self) -> str:
        """12 hexadecimal digits of all that decides what the archive slice holds."""
        parts = [self.unit.name, self.unit.identity]
        parts += [
            f"{n}:{self.filters[n].version}:{self._generation(n)}"
            for n in sorted(self.filters)
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def row(self, name: str, slice_name: str | None, sent: Deliveries) -> LedgerRow:
        """Make the ledger's row of one filter."""
        if name in self.selection.failures:
            return LedgerRow(
                "failed",
                self.unit.identity,
                self.filters[name].version,
                read=self.selection.read,
                generation=self._generation(name),
                reason=self.selection.failures[name],
                nulls=self.selection.missing.get(name, ()),
            )
        kept = self.kept(name)
        left = int(self.selection.masks[name].sum()) - len(kept)
        return LedgerRow(
            "sent",
            self.unit.identity,
            self.filters[name].version,
            rows=len(kept),
            read=self.selection.read,
            digest=digest_of(self.selection.ids[kept].tolist()),
            generation=self._generation(name),
            archive_slice=slice_name if kept or left else None,
            classes=dict(Counter(self.selection.classes[i] for i in kept)),
            partitions=sent.of(self.topics[name]),
            size=sent.size(self.topics[name]),
            seconds=self.selection.seconds[name],
            set_aside=left,
            nulls=self.selection.nulls.get(name, ()),
        )


def digest_of(ids: Sequence[int]) -> str:
    """16 hexadecimal digits of the sha256 of the ids, sorted, one a line."""
    text = "\n".join(map(str, sorted(ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
