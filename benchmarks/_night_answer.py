"""What a night's topics must hold: found slowly, before any design is timed."""

import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._night_filters import read_filters
from nightmail import Filter
from nightmail.avro import (
    compact,
    derive_schema,
    encode_batch,
    fingerprint,
    wire_batch,
)
from nightmail.columns import narrow
from nightmail.evaluate import evaluate
from settings.names import ID_COLUMN, OBJECT_COLUMNS, stable_hash

HASHES = 1 << 32
"""Values that the hash of an object can have."""


@dataclass(frozen=True)
class Answer:
    """The alerts of a night that some filter keeps, and what is sent of them."""

    survey: str
    rows: int
    """Alerts of the night."""

    files: Mapping[str, npt.NDArray[np.int64]]
    """Row numbers of the wanted alerts, ascending, by file."""

    key: bytes
    """Record key of all: the Avro schema as JSON."""

    fingerprint: str
    filters: Sequence[str]
    masks: npt.NDArray[np.bool_]
    """Which filter keeps each alert, shape (alerts, filters)."""

    ids: npt.NDArray[np.int64]
    objects: Sequence[int]
    """Hash of each one's object."""

    ends: Sequence[int]
    """Where each value ends in the file of values [byte]."""

    digests: Mapping[bytes, int]
    """Id of the alert, by the digest of its value."""

    values: Path
    """File of all values, one behind the other."""

    @property
    def alerts(self) -> int:
        """Alerts that some filter keeps."""
        return len(self.ids)

    @property
    def records(self) -> int:
        """Records of all topics."""
        return int(self.masks.sum())

    def ids_of(self, name: str) -> Counter[int]:
        """Ids that a filter keeps."""
        kept = self.masks[:, list(self.filters).index(name)]
        return Counter(self.ids[kept].tolist())

    def span(self, number: int) -> tuple[int, int]:
        """Where a value begins and ends in the file of values [byte]."""
        return (self.ends[number - 1] if number else 0), self.ends[number]

    def save(self, path: Path) -> None:
        """Write it for another process."""
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> "Answer":
        """Read what `save` wrote."""
        answer: Answer = pickle.loads(path.read_bytes())  # noqa: S301 - our own
        return answer


@dataclass(frozen=True)
class Part:
    """The wanted alerts of one file."""

    rows: npt.NDArray[np.int64]
    """Row numbers, ascending."""

    masks: npt.NDArray[np.bool_]
    """Which filter keeps each, shape (rows, filters)."""

    ids: npt.NDArray[np.int64]
    objects: Sequence[int]
    """Hash of each one's object."""


def find_answer(survey: str, files: Sequence[Path], values: Path) -> Answer:
    """Filter and encode a night, file by file.

    Parameters
    ----------
    files
        Files of the night, of one schema.
    values
        File that is written.
    """
    filters = read_filters(survey).filters
    ends, digests, parts, read = [0], {}, [], 0
    with values.open("wb") as output:
        for path in files:
            part = select(survey, path, list(filters.values()))
            parts.append(part)
            read += pq.read_metadata(path).num_rows
            for alert, value in zip(part.ids, _encoded(path, part.rows), strict=True):
                output.write(value)
                ends.append(ends[-1] + len(value))
                digests[digest(value)] = int(alert)
    schema = derive_schema(pq.read_schema(files[0]))
    return Answer(
        survey=survey,
        rows=read,
        files={str(f): p.rows for f, p in zip(files, parts, strict=True)},
        key=compact(schema),
        fingerprint=fingerprint(schema),
        filters=tuple(filters),
        masks=np.concatenate([p.masks for p in parts]),
        ids=np.concatenate([p.ids for p in parts]),
        objects=[o for p in parts for o in p.objects],
        ends=ends[1:],
        digests=digests,
        values=values,
    )


def digest(value: bytes) -> bytes:
    """Give 16 bytes that tell a value from all others."""
    return blake2b(value, digest_size=16).digest()


def select(survey: str, path: Path, filters: Sequence[Filter]) -> Part:
    """Run filters on a file as the client does."""
    names = {c for one in filters for c in one.columns}
    names |= {ID_COLUMN[survey], *OBJECT_COLUMNS[survey]}
    there = pq.read_schema(path).names
    tops = [t for t in there if any(n.startswith(t) for n in names)]
    table = pq.read_table(path, columns=tops).combine_chunks()
    [batch] = table.to_batches()
    found = narrow(batch, sorted(names))
    done = evaluate(filters, found)
    if done.failures:
        raise RuntimeError(f"The filters fail: {done.failures}")
    masks = np.stack([done.masks[one.name] for one in filters], axis=1)
    rows = np.flatnonzero(masks.any(axis=1))
    objects = (
        found.column(OBJECT_COLUMNS[survey][0])
        .take(pa.array(rows, pa.int64()))
        .to_pylist()
    )
    ids = np.asarray(found.column(ID_COLUMN[survey]).to_numpy(), np.int64)
    return Part(
        rows, masks[rows], ids[rows], [stable_hash(str(o), HASHES) for o in objects]
    )


def _encoded(path: Path, rows: npt.NDArray[np.int64]) -> Iterator[bytes]:
    """Encode the wanted rows of a file."""
    start = 0
    schema: Any = None
    for batch in pq.ParquetFile(path).iter_batches(batch_size=500):
        mine = rows[(rows >= start) & (rows < start + len(batch))] - start
        start += len(batch)
        if len(mine):
            wire = wire_batch(batch.take(pa.array(mine, pa.int64())))
            schema = schema or derive_schema(wire.schema)
            yield from map(bytes, encode_batch(schema, wire))
