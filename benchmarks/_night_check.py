"""Whether topics hold what they must: the same ids, and the same alerts."""

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fastavro
from confluent_kafka import OFFSET_BEGINNING

from benchmarks._maps import map_sorter
from benchmarks._night_answer import Answer, digest
from cluster.access import KafkaAccess, open_admin
from cluster.reading import (
    await_settled,
    list_partitions,
    open_reader,
    read_to_end,
)
from settings.names import ID_COLUMN, topic


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
        wrong: list[str] = []

        def take(message: Any) -> None:
            if message.key() != answer.key:
                wrong.append(f"{message.topic()} has a record whose key is another.")
                return
            alert = self._alert(message.value())
            if alert is None:
                where = message.topic()
                wrong.append(f"{where} has an alert that is not as it must be.")
            else:
                found[message.topic()][alert] += 1

        _read(self.access, list(names), take)
        wrong += filter(None, map(self._wrong, names.items(), found.values()))
        return next(iter(wrong), None)

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


def _read(
    access: KafkaAccess, names: Sequence[str], take: Callable[[Any], None]
) -> None:
    """Read all records of some topics that are committed."""
    with open_reader(access.reader) as consumer:
        starts = list_partitions(consumer, names)
        places = [(start.topic, start.partition) for start in starts]
        if hidden := await_settled(open_admin(access), places):
            raise RuntimeError(f"Transactions stay open on {sorted(hidden)}.")
        for start in starts:
            start.offset = OFFSET_BEGINNING
        read_to_end(consumer, starts, take)
