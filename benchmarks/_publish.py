"""What one publishing process of `exactly_once.py` does, exactly once or plainly.

Both sides import what a publishing process of the product does, and both keep what they
free: so only exactly-once differs.
"""

import hashlib
import json
import mmap
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from confluent_kafka import Producer

from ledger.deliveries import Deliveries
from ledger.read import LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import (
    MAX_MESSAGE_BYTES,
    QUEUE_KBYTES,
    Transactor,
)
from nightmail.silence import silent_logger
from runtime.memory import keep_freed_memory
from settings.names import LEDGER_TOPIC, transactional_id

SURVEY = "ztf"
"""Survey of the packets."""

FIRST_ID = 2_481_000_000_000_000_000
"""Id of the first alert that is sent; the others follow it."""

BATCHING = {
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "compression.type": "zstd",
    "compression.level": 1,
    "queue.buffering.max.kbytes": QUEUE_KBYTES,
    "message.max.bytes": MAX_MESSAGE_BYTES,
}
"""What the plain producer shares with that of `ledger.transaction`."""


@dataclass(frozen=True)
class Packets:
    """Encoded alerts in a file, one behind the other."""

    path: str
    key: str
    """Record key of them all: the Avro schema as JSON."""

    fingerprint: str
    spans: Sequence[tuple[int, int]]
    """First byte, and the one after the last, of each."""

    objects: Sequence[int]
    """Hash of each one's object."""


@dataclass(frozen=True)
class Part:
    """Rows of a night that one transaction sends: what the product calls a unit."""

    name: str
    first: int
    last: int
    """The row after the last."""


@dataclass(frozen=True)
class Assignment:
    """What one publishing process is told, on its standard input."""

    exactly_once: bool
    kafka: Mapping[str, Any] = field(repr=False)
    prefix: str
    night: str
    topics: Sequence[str]
    """Row after row goes to the next of them."""

    partitions: int
    """Of every topic."""

    shards: Sequence[tuple[int, Sequence[Part]]]
    packets: Packets

    def encode(self) -> bytes:
        """Bytes for the process's standard input."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read what `encode` wrote."""
        told = json.loads(text)
        told["packets"] = Packets(**told["packets"])
        told["shards"] = [
            (s, [Part(**p) for p in parts]) for s, parts in told["shards"]
        ]
        return cls(**told)

    def rows_of(self, topic: str, part: Part) -> range:
        """Rows of a part that go to a topic."""
        count = len(self.topics)
        first = part.first + (self.topics.index(topic) - part.first) % count
        return range(first, part.last, count)


@dataclass(frozen=True)
class Account:
    """What exactly-once took in one process; a plain one has nothing to tell."""

    commits_s: Sequence[float] = ()
    """How long each commit took [s]."""

    owner_cpu_s: Sequence[float] = ()
    """CPU time to become the owner of each shard, and to read its ledger [s]."""


def publish() -> None:
    """Publish what standard input says, and print the account as JSON."""
    keep_freed_memory()
    told = Assignment.decode(sys.stdin.buffer.read())
    send = _send_exactly_once if told.exactly_once else _send_plainly
    with (
        Path(told.packets.path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as values,
    ):
        print(json.dumps(asdict(send(told, values))))


class _Commits:
    """Times the commits of transactions by the points that they pass."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begun = 0.0

    def note(self, point: str) -> None:
        if point == "before commit":
            self._begun = time.monotonic()
        elif point == "after commit":
            self.seconds.append(time.monotonic() - self._begun)


def _send_exactly_once(told: Assignment, values: mmap.mmap) -> Account:
    """Send as `tasks.distribute_shard` does: an owner a shard, the ledger, commits."""
    commits, owner_cpu_s = _Commits(), []
    night = (told.prefix, SURVEY, told.night)
    with LedgerReader(told.kafka) as reader:
        for shard, parts in told.shards:
            begun = time.process_time()
            name = transactional_id(told.prefix, SURVEY, told.night, shard)
            reader.read_settled([shard], night)  # where the product looks for claims
            transactor = Transactor(told.kafka, name)
            done = reader.read([shard], night)
            owner_cpu_s.append(time.process_time() - begun)
            for part in parts:
                missing = [t for t in told.topics if (part.name, t) not in done]
                transactor.send(
                    _records(told, part, values),
                    partial(_remember, told, shard, part, missing),
                    at=commits.note,
                )
    return Account(commits.seconds, owner_cpu_s)


def _send_plainly(told: Assignment, values: mmap.mmap) -> Account:
    """Send as a careful idempotent producer does, which looks at every report."""
    refused: list[str] = []

    def note(error: Any, _: object) -> None:
        if error is not None:
            refused.append(error.str())

    config = dict(told.kafka) | {"enable.idempotence": True} | BATCHING
    producer = Producer(config, logger=silent_logger())
    for _, parts in told.shards:
        for part in parts:
            for record in _records(told, part, values):
                _produce(producer, record, note)
    left = producer.flush()
    if refused or left:
        raise RuntimeError(f"{left} alerts are not sent; refused: {refused[:1]}")
    return Account()


def _produce(
    producer: Producer, record: Record, note: Callable[[Any, object], None]
) -> None:
    while True:
        try:
            producer.produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                headers=list(record.headers),
                on_delivery=note,
            )
        except BufferError:
            producer.poll(0.05)
        else:
            producer.poll(0)
            return


def _records(told: Assignment, part: Part, values: mmap.mmap) -> Iterator[Record]:
    """Yield a record per row, each packet again and again under another id."""
    packets = told.packets
    key = packets.key.encode()
    headers = (
        ("night", told.night.encode()),
        ("generation", b"0"),
        ("fingerprint", packets.fingerprint.encode()),
    )
    for row in range(part.first, part.last):
        number = row % len(packets.spans)
        first, last = packets.spans[number]
        yield Record(
            told.topics[row % len(told.topics)],
            packets.objects[number] % told.partitions,
            key,
            values[first:last],
            (*headers, ("id", str(FIRST_ID + row).encode())),
        )


def _remember(
    told: Assignment,
    shard: int,
    part: Part,
    topics: Iterable[str],
    deliveries: Deliveries,
) -> Iterator[Record]:
    """Make the ledger's records of a part, a row per topic."""
    slice_name = f"{shard:03d}-{part.name}"
    for name in topics:
        ids = [str(FIRST_ID + row) for row in told.rows_of(name, part)]
        key = LedgerKey(told.prefix, SURVEY, told.night, part.name, name)
        row = LedgerRow(
            "sent",
            identity=_digest(part.name),
            filter_version=_digest(name),
            rows=len(ids),
            read=part.last - part.first,
            digest=_digest(*ids),
            archive_slice=slice_name,
            classes={"Unknown": len(ids)},
            partitions=deliveries.of(name),
            size=deliveries.size(name),
            seconds=0.01,
        )
        yield Record(LEDGER_TOPIC, shard, key.encode(), row.encode())


def _digest(*lines: str) -> str:
    """16 hexadecimal digits of the sha256 of lines, as the ledger's rows have them."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
