"""An independent reader: it counts topics and archive with none of nightmail's code."""

import io
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import fastavro
from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

PATIENCE_S = 60.0
"""How long the topics may take to come to their end [s]."""

Offsets = dict[tuple[str, int], int]
"""Offset in each partition of each topic."""

Found = Counter[tuple[str, int]]
"""How often each id stands on each topic."""


class StalledError(Exception):
    """The topics do not come to their end."""


@dataclass
class Sighting:
    """What stands on the topics, by night."""

    nights: dict[str, Found] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    """Records whose headers do not say what their value is, a sentence each."""

    def take(self, message: Any) -> None:
        """Take one record: its alert is decoded, its headers are compared."""
        headers = dict(message.headers() or ())
        night, alert = headers["night"].decode(), _decode(message)
        one = int(alert["candid"])
        self.nights.setdefault(night, Counter())[message.topic(), one] += 1
        if headers["id"] != str(one).encode():
            where = f"{message.topic()}/{message.partition()}@{message.offset()}"
            self.strange.append(f"{where}: header {headers['id']!r}, alert {one}.")


def read_topics(servers: str, since: Offsets) -> Sighting:
    """Read what is committed, from given offsets to the end.

    Parameters
    ----------
    servers
        Where anonymous readers go, host:port.
    since
        Where to begin in each partition.

    Raises
    ------
    StalledError
        A transaction stays open, or the broker does not answer.
    """
    consumer: Any = Consumer(
        {
            "bootstrap.servers": servers,
            "log_level": 0,
            "group.id": f"chaos-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        return _read(consumer, since, find_ends(servers, since))
    finally:
        consumer.close()


def find_ends(
    servers: str, partitions: Iterable[tuple[str, int]], *, committed: bool = False
) -> Offsets:
    """Ask for the end of each partition: of all records, or of those settled."""
    level = (
        IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    )
    admin: Any = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, number): latest for topic, number in partitions}
    answers = admin.list_offsets(asked, isolation_level=level, request_timeout=30)
    return {(p.topic, p.partition): f.result().offset for p, f in answers.items()}


def count_open(servers: str, partitions: Sequence[tuple[str, int]]) -> int:
    """Count the partitions that a transaction holds open."""
    ends = find_ends(servers, partitions)
    settled = find_ends(servers, partitions, committed=True)
    return sum(settled[where] < end for where, end in ends.items())


def read_archive(root: Path, night: str) -> tuple[Counter[int], Found]:
    """Count the alerts and the matches that the archive shows of a night of ZTF."""
    files = {
        kind: sorted((root / "ztf" / kind / f"night={night}").glob("[0-9]*.parquet"))
        for kind in ("alerts", "matches")
    }
    alerts = _query("select candid from", files["alerts"])
    matches = _query("select topic, id from", files["matches"])
    return Counter(one for (one,) in alerts), Counter(matches)


def expect(
    files: Sequence[Path], conditions: Mapping[str, str]
) -> set[tuple[str, int]]:
    """Ask the store which ids belong on which topic.

    Parameters
    ----------
    files
        Parquet files of the night.
    conditions
        Condition of each topic, in SQL.
    """
    columns = ", ".join(f"{condition} as {t}" for t, condition in conditions.items())
    rows = _query(f"select candid, {columns} from", files)
    return {
        (topic, row[0])
        for row in rows
        for topic, belongs in zip(conditions, row[1:], strict=True)
        if belongs
    }


def _query(select: str, files: Sequence[Path]) -> list[Any]:
    if not files:
        return []
    names = [str(file) for file in files]
    text = f"{select} read_parquet($1, union_by_name = true, hive_partitioning = false)"
    with duckdb.connect() as connection:
        return connection.execute(text, [names]).fetchall()


def _read(consumer: Any, since: Offsets, ends: Offsets) -> Sighting:
    left = {where for where, end in ends.items() if since[where] < end}
    # A consumer that knows no leader yet would wait half a second for one.
    consumer.list_topics(timeout=PATIENCE_S)
    consumer.assign([TopicPartition(*where, since[where]) for where in left])
    seen, deadline = Sighting(), time.monotonic() + PATIENCE_S
    while left:
        if time.monotonic() > deadline:
            raise StalledError(f"{sorted(left)} do not come to their end.")
        for message in consumer.consume(500, 0.1):
            where = (message.topic(), message.partition())
            if message.error() is None:
                seen.take(message)
            # While a transaction is open, an end comes before the end.
            elif _is_end(message) and message.offset() >= ends[where]:
                left.discard(where)
    return seen


def _is_end(message: Any) -> bool:
    return bool(message.error().code() == KafkaError._PARTITION_EOF)


def _decode(message: Any) -> Any:
    schema = _parse(message.key())
    return fastavro.schemaless_reader(io.BytesIO(message.value()), schema, None)


_schemas: dict[bytes, Any] = {}


def _parse(key: bytes) -> Any:
    if key not in _schemas:
        _schemas[key] = fastavro.parse_schema(json.loads(key))
    return _schemas[key]


def partitions_of(servers: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield every partition of every topic that begins with a prefix."""
    admin: Any = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    for name, topic in sorted(admin.list_topics(timeout=30).topics.items()):
        if name.startswith(prefix):
            yield from ((name, number) for number in topic.partitions)
