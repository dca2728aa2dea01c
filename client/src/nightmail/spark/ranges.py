"""Ranges of offsets: what one Spark task reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pyspark.sql.datasource import InputPartition

__all__ = ["Offsets", "Place", "Range", "limit", "make_ranges", "split"]

Place = tuple[str, int]
"""Topic and number of a partition."""

Offsets = Mapping[Place, int]
"""An offset of each partition."""


@dataclass(frozen=True)
class Range(InputPartition):
    """Offsets of one partition; some may be marks of transactions, or aborted."""

    topic: str
    partition: int
    start: int
    end: int
    """The first offset that is not read any more."""

    @property
    def size(self) -> int:
        """How many offsets it has."""
        return self.end - self.start

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return self.topic, self.partition


def make_ranges(starts: Offsets, ends: Offsets) -> list[Range]:
    """Make the ranges between offsets; a partition without any has none.

    Parameters
    ----------
    starts
        A partition that is missing here begins at 0: it was made later.
    ends
        First offsets that are not read any more.
    """
    ranges = (Range(*place, starts.get(place, 0), end) for place, end in ends.items())
    return sorted((r for r in ranges if r.size > 0), key=lambda r: r.place)


def split(ranges: Sequence[Range], fewest: int) -> list[Range]:
    """Cut the ranges into pieces of about one size, so that there are enough.

    Parameters
    ----------
    ranges
        One a partition.
    fewest
        How many are wished.
    """
    if fewest <= len(ranges):
        return list(ranges)
    size = max(1, sum(r.size for r in ranges) // fewest)
    return [piece for one in ranges for piece in _cut(one, -(-one.size // size))]


def limit(starts: Offsets, ends: Offsets, most: int) -> dict[Place, int]:
    """Give ends that leave each partition its share of so many offsets.

    Parameters
    ----------
    starts, ends
        What there is.
    most
        How many offsets together; each partition that has any gets one at least.
    """
    lengths = {r.place: r.size for r in make_ranges(starts, ends)}
    total = sum(lengths.values())
    if total <= most:
        return dict(ends)
    # One each, and of the rest what each has more than that, in proportion.
    spare, more = max(0, most - len(lengths)), max(1, total - len(lengths))
    shares = {place: 1 + spare * (n - 1) // more for place, n in lengths.items()}
    return {
        place: starts.get(place, 0) + shares[place] if place in shares else end
        for place, end in ends.items()
    }


def _cut(one: Range, pieces: int) -> Iterator[Range]:
    marks = [one.start + one.size * n // pieces for n in range(pieces + 1)]
    for start, end in pairwise(marks):
        yield Range(one.topic, one.partition, start, end)
