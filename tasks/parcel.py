"""One unit on its way: what was selected, encoded, set aside, and is to remember."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from archive.slices import MATCHES_SCHEMA
from ledger.row import LedgerRow
from ledger.transaction import MAX_MESSAGE_BYTES, Deliveries
from nightmail import Filter
from store.unit import Unit
from tasks.outbox import Outbox, Waiting
from tasks.select_alerts import Selection

OVERHEAD_BYTES = 2048
"""Room for headers and framing in a record [byte]."""


@dataclass
class Parcel:
    """One unit, and the filters that run on it now."""

    unit: Unit
    filters: Mapping[str, Filter]
    topics: Mapping[str, str]
    """Topic of each filter."""

    selection: Selection
    outbox: Outbox
    generation: int
    set_aside: set[int] = field(default_factory=set)
    """Indices of the alerts that are too large, or cannot be encoded."""

    def pack(
        self, where: slice, values: Sequence[bytes | None]
    ) -> npt.NDArray[np.bool_]:
        """Put encoded alerts into the outbox.

        Parameters
        ----------
        where
            Which rows of the selection they are.
        values
            Their Avro bytes; None for an alert that cannot be encoded.

        Returns
        -------
        numpy.ndarray of bool, shape (n,)
            True for those that can be sent.
        """
        indices = range(where.start, where.stop)
        limit = MAX_MESSAGE_BYTES - len(self.outbox.key) - OVERHEAD_BYTES
        for index, value in zip(indices, values, strict=True):
            if value is None or len(value) > limit:
                self.set_aside.add(index)
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

    def kept(self, name: str) -> list[int]:
        """Give the indices of what a filter keeps and that can be sent."""
        kept = np.flatnonzero(self.selection.masks[name]).tolist()
        return [index for index in kept if index not in self.set_aside]

    def matches(self) -> Iterator[pa.RecordBatch]:
        """Yield the archive's matches, a batch per filter that keeps something."""
        for name in self.selection.masks:
            kept = self.kept(name)
            if kept:
                columns: dict[str, Any] = {
                    "id": self.selection.ids[kept],
                    "filter": [name] * len(kept),
                    "topic": [self.topics[name]] * len(kept),
                    "class": [self.selection.classes[index] for index in kept],
                    "generation": [self.generation] * len(kept),
                    "file": [self.unit.name] * len(kept),
                }
                yield pa.RecordBatch.from_pydict(columns, schema=MATCHES_SCHEMA)

    def digest(self) -> str:
        """12 hexadecimal digits of all that decides what the archive slice holds."""
        parts = [self.unit.name, self.unit.identity, str(self.generation)]
        parts += [f"{n}:{self.filters[n].version}" for n in sorted(self.filters)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def row(self, name: str, slice_name: str | None, sent: Deliveries) -> LedgerRow:
        """Make the ledger's row of one filter."""
        if name in self.selection.failures:
            return LedgerRow(
                "failed",
                self.unit.identity,
                self.filters[name].version,
                read=self.selection.read,
                generation=self.generation,
                reason=self.selection.failures[name],
                nulls=self.selection.missing.get(name, ()),
            )
        kept = self.kept(name)
        return LedgerRow(
            "sent",
            self.unit.identity,
            self.filters[name].version,
            rows=len(kept),
            read=self.selection.read,
            digest=digest_of(self.selection.ids[kept].tolist()),
            generation=self.generation,
            archive_slice=slice_name if kept else None,
            classes=dict(Counter(self.selection.classes[i] for i in kept)),
            partitions=sent.of(self.topics[name]),
            size=sent.bytes.get(self.topics[name], 0),
            seconds=self.selection.seconds[name],
            set_aside=int(self.selection.masks[name].sum()) - len(kept),
            nulls=self.selection.nulls.get(name, ()),
        )


def digest_of(ids: Sequence[int]) -> str:
    """16 hexadecimal digits of the sha256 of the ids, sorted, one a line."""
    text = "\n".join(map(str, sorted(ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
