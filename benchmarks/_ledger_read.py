"""How long it takes to read the ledger when it is large."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from cluster.access import KafkaAccess
from cluster.topics import count_partitions, ensure_ledger
from ledger.deliveries import Deliveries
from ledger.read import LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow, PartitionRange
from ledger.transaction import Transactor
from settings.model import Settings
from settings.names import LEDGER_TOPIC, topic, transactional_id

SURVEY = "ztf"
TOPICS = 20
PARTITIONS = 4
"""Of a topic."""

PARTS_PER_NIGHT = 1000
"""Files of a night, each with a row per topic."""

PARTS_PER_FILL = 50
"""Files whose rows are written by one transaction."""

READS = 3
"""Times that it is read; the median is told."""

LACKING = "19991231"
"""A night that the ledger lacks."""


@dataclass(frozen=True)
class Reading:
    """One read of the ledger, all partitions."""

    rows: int
    """Rows of the ledger."""

    found: int
    """Rows of the night that was asked for."""

    cpu_s: float
    """From the consumer's start to its end, the same for the other [s]."""

    wall_s: float


def read_ledgers(
    settings: Settings, access: KafkaAccess, sizes: Sequence[int]
) -> Iterator[Reading]:
    """Fill the ledger to each size, and read a night of it and one that it lacks.

    Parameters
    ----------
    settings
        Prefix of the topics.
    access
        A Kafka whose ledger is still empty.
    sizes
        Rows of the ledger, rounded down to whole files.
    """
    ensure_ledger(access, settings)
    shards = count_partitions(access)[LEDGER_TOPIC]
    prefix, parts = settings.topics.prefix, 0
    for size in sorted(sizes):
        _fill(access, prefix, range(parts, size // TOPICS), shards)
        parts = size // TOPICS
        for night in (_night(0), LACKING):
            yield _read(access, (prefix, SURVEY, night), parts * TOPICS, shards)


def _night(part: int) -> str:
    return str(20260000 + part // PARTS_PER_NIGHT)


def _fill(access: KafkaAccess, prefix: str, parts: range, shards: int) -> None:
    """Write the rows of files, one per topic, to the shards in turns."""
    name = transactional_id(prefix, SURVEY, _night(0), "fill")
    transactor = Transactor(access.publisher, name)
    for first in range(parts.start, parts.stop, PARTS_PER_FILL):
        numbers = range(first, min(parts.stop, first + PARTS_PER_FILL))
        rows = [row for number in numbers for row in _rows(prefix, number, shards)]
        transactor.send((), partial(_same, rows))


def _same(rows: Sequence[Record], _: Deliveries) -> Sequence[Record]:
    return rows


def _rows(prefix: str, number: int, shards: int) -> Iterator[Record]:
    night, part = _night(number), f"part-{number:05d}.parquet"
    shard = number % shards
    for index in range(TOPICS):
        name = topic(prefix, f"filter{index:02d}", SURVEY)
        key = LedgerKey(prefix, SURVEY, night, part, name)
        row = _row(f"{shard:03d}", part, name, count=10 + index)
        yield Record(LEDGER_TOPIC, shard, key.encode(), row.encode())


def _row(shard: str, part: str, name: str, *, count: int) -> LedgerRow:
    """Make a row as the product does, `count` alerts to each partition."""
    return LedgerRow(
        "sent",
        identity=_digest(part),
        filter_version=_digest(name),
        rows=PARTITIONS * count,
        read=1000,
        digest=_digest(part, name),
        archive_slice=f"{shard}-{_digest(part, shard)[:12]}-{_digest(shard)[:8]}",
        classes={"Unknown": count, "SN candidate": (PARTITIONS - 1) * count},
        partitions=tuple(
            PartitionRange(number, 1000, 999 + count, count)
            for number in range(PARTITIONS)
        ),
        size=PARTITIONS * count * 60_000,
        seconds=count / 1000,
    )


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _read(
    access: KafkaAccess, night: tuple[str, str, str], rows: int, shards: int
) -> Reading:
    cpu_s, wall_s, found = [], [], 0
    for _ in range(READS):
        begun = time.process_time(), time.monotonic()
        with LedgerReader(access.publisher) as reader:
            found = len(reader.read(range(shards), night))
        cpu_s.append(time.process_time() - begun[0])
        wall_s.append(time.monotonic() - begun[1])
    return Reading(rows, found, median(cpu_s), median(wall_s))
