"""Whether topics hold what they must: the same ids, and the same alerts."""

import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from benchmarks._maps import map_sorter
from benchmarks._night_answer import Answer, digest
from cluster.access import KafkaAccess
from nightmail.silence import silent_logger
from settings.names import ID_COLUMN, topic

SILENCE_S = 30.0
"""How long a topic may give nothing before it has ended [s]."""

BATCH = 1000

WAIT_S = 0.1
"""How long to wait for a batch [s]."""


@dataclass
class Checker:
    """Compares topics with the answer of one night."""

    answer: Answer
    access: KafkaAccess
    _same: dict[bytes, int] = field(default_factory=dict)
    """Id of the alert, by the digest of values that are encoded in another way."""

    def check(self, prefix: str) -> str | None:
        """Read all topics of a prefix, and say what is wrong; None if nothing is."""
        answer = self.answer
        names = {topic(prefix, n, answer.survey): n for n in answer.filters}
        found: dict[str, Counter[int]] = {where: Counter() for where in names}
        for message in _read(self.access, list(names)):
            if message.key() != answer.key:
                return f"{message.topic()} has a record whose key is another."
            alert = self._alert(message.value())
            if alert is None:
                return f"{message.topic()} has an alert that is not as it must be."
            found[message.topic()][alert] += 1
        return next(filter(None, map(self._wrong, names.items(), found.values())), None)

    def _wrong(self, where: tuple[str, str], found: Counter[int]) -> str | None:
        expected = self.answer.ids_of(where[1])
        if found == expected:
            return None
        return (
            f"{where[0]} has {found.total()} alerts and must have {expected.total()};"
            f" {len(expected - found)} are missing, {len(found - expected)} too many."
        )

    def _alert(self, value: bytes) -> int | None:
        """Give the id of an alert, if it is equal to the one that must be there."""
        mark = digest(value)
        alert = self.answer.digests.get(mark) or self._same.get(mark)
        if alert is None:
            alert = self._decode_and_compare(value)
            if alert is not None:
                self._same[mark] = alert
        return alert

    def _decode_and_compare(self, value: bytes) -> int | None:
        """Compare decoded alerts: in a map, the order of the entries is free."""
        record = self._decode(value)
        alert: int = record[ID_COLUMN[self.answer.survey]]
        numbers = (self.answer.ids == alert).nonzero()[0]
        if not len(numbers):
            return None
        first, last = self.answer.span(int(numbers[0]))
        with self.answer.values.open("rb") as file:
            file.seek(first)
            expected = self._decode(file.read(last - first))
        # As text, because NaN is not equal to NaN.
        return alert if repr(record) == repr(expected) else None

    def _decode(self, value: bytes) -> Any:
        """Decode an alert, the entries of its maps in order."""
        record = fastavro.schemaless_reader(io.BytesIO(value), self._schema, None)
        return self._sort(record) if self._sort else record

    @cached_property
    def _schema(self) -> Any:
        return fastavro.parse_schema(json.loads(self.answer.key))

    @cached_property
    def _sort(self) -> Callable[[Any], Any] | None:
        return map_sorter(json.loads(self.answer.key))


def _read(access: KafkaAccess, names: Sequence[str]) -> Iterator[Any]:
    """Yield all records of some topics that are committed."""
    config: Mapping[str, Any] = dict(access.reader) | {
        "group.id": "benchmarks",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(dict(config), logger=silent_logger())
    try:
        topics = consumer.list_topics(timeout=SILENCE_S).topics
        parts = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name in names
            for number in topics[name].partitions
        ]
        consumer.assign(parts)
        yield from _until_ends(consumer, len(parts))
    finally:
        consumer.close()


def _until_ends(consumer: Any, left: int) -> Iterator[Any]:
    end = time.monotonic() + SILENCE_S
    while left:
        # It waits for as long as it may unless it gets the whole batch.
        messages = consumer.consume(BATCH, WAIT_S)
        if messages:
            end = time.monotonic() + SILENCE_S
        elif time.monotonic() > end:
            raise RuntimeError("Kafka gives no more records, and no end.")
        for message in messages:
            if message.error() is None:
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                left -= 1
            else:
                raise RuntimeError(message.error().str())
