"""What the records of nights say about topics: how many alerts stand where."""

import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fastavro

__all__ = ["Count", "NightRecords", "Nights", "Range", "count_alerts", "count_lag"]

Place = tuple[str, int]
"""Topic and number of a partition."""

_logger = logging.getLogger("nightmail")


@dataclass(frozen=True, order=True)
class Range:
    """Where on a partition the alerts of one night stand."""

    first: int
    last: int
    count: int
    """Alerts; fewer than offsets, since the ends of transactions have some."""


@dataclass(frozen=True)
class Count:
    """How many alerts there are."""

    number: int
    is_exact: bool
    """Otherwise it is the most that there may be."""

    def __add__(self, other: "Count") -> "Count":
        """Count of both."""
        return Count(self.number + other.number, self.is_exact and other.is_exact)

    def __str__(self) -> str:
        return f"{'' if self.is_exact else '≤ '}{self.number:,}"


@dataclass(frozen=True)
class Nights:
    """What the last record of each night says."""

    ranges: Mapping[Place, Sequence[Range]]
    """For each partition of a topic of alerts, its nights in the order of offsets."""

    records: Sequence[Mapping[str, Any]] = ()
    """The records themselves, as schemas/night.avsc has them."""

    def sent(self, topic: str, first: Mapping[int, int]) -> int:
        """Add up what was sent of the nights that are still on a topic, all of it.

        Parameters
        ----------
        topic
            Its name.
        first
            First offset that each of its partitions still has.

        Returns
        -------
        int
            Sum of keys and values, before Kafka compresses them [bytes].
        """
        return sum(
            mine["bytes"]
            for record in self.records
            for mine in record["topics"]
            if mine["topic"] == topic
            and all(
                p["first_offset"] >= first.get(p["partition"], 0)
                for p in mine["partitions"]
            )
        )


class NightRecords:
    """Messages of the topics of nights, gathered.

    Of several of one night on one topic the last holds. A Kafka may have the topics of
    several pipelines, each with its own record of a night.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str, str], dict[str, Any]] = {}

    def take(self, message: Any) -> None:
        """Take a message in; one that is no night is said and passed over."""
        try:
            record = _decode(message)
            key = (message.topic(), record["survey"], record["night"])
            self._newest[key] = record
        except Exception as error:  # noqa: BLE001  whatever fastavro makes of any bytes
            name, offset = message.topic(), message.offset()
            _logger.warning("%s has no night at offset %s: %s.", name, offset, error)

    def nights(self) -> Nights:
        """Give what they say."""
        records = tuple(self._newest.values())
        return Nights(_by_place(records), records)


def count_alerts(ranges: Iterable[Range], first: int, end: int) -> Count:
    """Count the alerts of a partition.

    Parameters
    ----------
    ranges
        Nights of this partition.
    first
        First offset that it still has.
    end
        Offset behind its last.

    Returns
    -------
    Count
        Exact where nights cover all offsets; elsewhere as many as there are offsets.
        The one behind a night's last alert is no alert, but the end of its transaction.

    Examples
    --------
    >>> str(count_alerts([Range(0, 9, 9)], 0, 11))
    '9'
    >>> str(count_alerts([Range(0, 9, 9)], 0, 15))
    '≤ 13'
    """
    total, at = Count(0, is_exact=True), first
    for one in sorted(ranges):
        if one.last < first or one.first >= end:
            continue
        total += _between(at, one.first, is_behind=at != first)
        total += _within(one, first)
        at = max(at, one.last + 1)
    return total + _between(at, end, is_behind=at != first)


def count_lag(ranges: Iterable[Range], committed: int, end: int) -> Count:
    """Count the alerts of a partition that a group has not read.

    Parameters
    ----------
    ranges
        Nights of this partition.
    committed
        Offset at which the group goes on. Behind a night's last alert stands the end
        of its transaction, which nobody reads.
    end
        Offset behind the partition's last.

    Examples
    --------
    >>> str(count_lag([Range(0, 9, 10)], 10, 11))
    '0'
    >>> str(count_lag([Range(0, 9, 10)], 4, 11))
    '6'
    """
    ranges = list(ranges)
    if any(one.last + 1 == committed for one in ranges):
        committed += 1
    return count_alerts(ranges, committed, max(committed, end))


def _between(start: int, stop: int, *, is_behind: bool) -> Count:
    """Count offsets of which no night tells."""
    number = max(stop - start - is_behind, 0)
    return Count(number, is_exact=number == 0)


def _within(one: Range, first: int) -> Count:
    """Count a night's alerts, of which the oldest may be gone."""
    if one.first >= first:
        return Count(one.count, is_exact=True)
    left = min(one.count, one.last + 1 - first)
    return Count(left, is_exact=one.count == one.last + 1 - one.first)


def _decode(message: Any) -> dict[str, Any]:
    schema = fastavro.parse_schema(json.loads(message.key()))
    value = io.BytesIO(message.value())
    record: Any = fastavro.schemaless_reader(value, schema, None)
    return dict(record)


def _by_place(nights: Iterable[Mapping[str, Any]]) -> dict[Place, list[Range]]:
    found: dict[Place, list[Range]] = {}
    for night in nights:
        for topic in night["topics"]:
            for one in topic["partitions"]:
                place = (topic["topic"], one["partition"])
                span = Range(one["first_offset"], one["last_offset"], one["count"])
                found.setdefault(place, []).append(span)
    return {place: sorted(ranges) for place, ranges in found.items()}
