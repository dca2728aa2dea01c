"""What became of the records of a transaction, as the delivery reports tell."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError

from ledger.row import PartitionRange
from ledger.verdict import At, Verdict, judge

Listener = Callable[[KafkaError | None, Any], None]
"""Takes a delivery report: the error, if any, and the message."""


@dataclass(slots=True)
class Tally:
    """Where the records of one partition stand.

    It takes a report for every record of the night, so it does no more than it must.
    """

    topic: str
    partition: int
    first: int = 0
    """Offset of the first."""

    last: int = 0
    """Offset of the last."""

    count: int = 0
    size: int = 0
    """Of their values together [byte]."""

    errors: list[tuple[str, KafkaError]] = field(default_factory=list)
    """Topic and error of what was not delivered, shared with other partitions."""

    def report(self, error: KafkaError | None, message: Any) -> None:
        """Take one report; those of a partition come in the order of offsets."""
        if error is not None:
            self.errors.append((self.topic, error))
            return
        self.last = message.offset()
        if not self.count:
            self.first = self.last
        self.count += 1
        self.size += len(message)


class Deliveries:
    """What became of all the records of a transaction."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._errors: list[tuple[str, KafkaError]] = []

    def listener(self, topic: str, partition: int) -> Listener:
        """Give who takes the reports of a partition."""
        place = (topic, partition)
        listener = self._listeners.get(place)
        if listener is None:
            tally = Tally(topic, partition, errors=self._errors)
            self._tallies[place] = tally
            listener = self._listeners[place] = tally.report
        return listener

    @property
    def refused(self) -> dict[str, str]:
        """Why each topic that is to blame has refused."""
        reasons: dict[str, str] = {}
        for topic, error in self._errors:
            if judge(error, At.REPORT) is Verdict.BLAME:
                reasons.setdefault(topic, error.str())
        return reasons

    @property
    def lost(self) -> str:
        """Why a record is lost, and with it the transaction; empty while none is."""
        for topic, error in self._errors:
            if judge(error, At.REPORT) is Verdict.RESTART:
                return f"{topic}: {error.name()}: {error.str()}"
        return ""

    def of(self, topic: str) -> tuple[PartitionRange, ...]:
        """Ranges of one topic, by partition."""
        return tuple(
            PartitionRange(tally.partition, tally.first, tally.last, tally.count)
            for place, tally in sorted(self._tallies.items())
            if place[0] == topic and tally.count
        )

    def size(self, topic: str) -> int:
        """Size of all values that one topic has [byte]."""
        return sum(t.size for (where, _), t in self._tallies.items() if where == topic)
