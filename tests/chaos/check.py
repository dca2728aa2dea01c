"""Whether a night is as it must be: topics and archive against the store."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.conditions import CONDITIONS
from tests.chaos.nights import Night
from tests.chaos.reader import (
    Offsets,
    Sighting,
    count_open,
    expect,
    find_ends,
    partitions_of,
    read_archive,
    read_topics,
)

MOST_NAMED = 20
"""How many ids of a kind the evidence names."""


@dataclass
class Verdict:
    """What is wrong with a night; all zero where nothing is."""

    records: int = 0
    """Records that stand on the topics."""

    lost: int = 0
    """Alerts that are not on a topic where they belong."""

    doubled: int = 0
    """Records more than one of an alert on a topic."""

    strange: int = 0
    """Records that belong on no topic, or whose headers are not their value's."""

    archive: int = 0
    """Rows of the archive that are missing, doubled or strange."""

    evidence: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.strange or self.archive)


@dataclass(frozen=True)
class Checker:
    """Who compares; it knows where things are, and nothing of how they got there."""

    servers: str
    """Where anonymous readers go, host:port."""

    prefix: str
    archive: Path

    def ends(self) -> Offsets:
        """Note where the topics end now; those that are not there yet have no entry."""
        topics = {self.topic(name) for name in CONDITIONS}
        there = partitions_of(self.servers, self.prefix)
        return find_ends(self.servers, [p for p in there if p[0] in topics])

    def count_open(self) -> int:
        """Count the partitions that a transaction holds open."""
        return count_open(self.servers, sorted(self.ends()))

    def check(self, night: Night, since: Offsets) -> Verdict:
        """Compare a night with its store.

        Parameters
        ----------
        since
            Ends of the topics before the night began; 0 where there is none.
        """
        since = dict.fromkeys(self.ends(), 0) | since
        wanted = self.wanted(night)
        seen = read_topics(self.servers, since)
        verdict = compare(seen, night.name, wanted)
        alerts, matches = read_archive(self.archive, night.name)
        wrong = [w for kind in _differ(matches, wanted) for w in kind]
        wrong += [w for kind in _differ(alerts, {i for _, i in wanted}) for w in kind]
        verdict.archive = len(wrong)
        verdict.evidence += _named("archive", wrong)
        return verdict

    def wanted(self, night: Night) -> set[tuple[str, int]]:
        """Ask the store what belongs on the topics."""
        conditions = {self.topic(name): CONDITIONS[name].sql for name in night.names}
        return expect(night.files(), conditions)

    def topic(self, name: str) -> str:
        """Topic of a filter."""
        return f"{self.prefix}{name}_ztf"


def compare(seen: Sighting, night: str, wanted: set[tuple[str, int]]) -> Verdict:
    """Compare what stands on the topics for a night with what belongs there."""
    found = seen.nights.get(night, Counter())
    lost, doubled, foreign = _differ(found, wanted)
    return Verdict(
        records=found.total(),
        lost=len(lost),
        doubled=len(doubled),
        strange=len(foreign) + len(seen.strange),
        evidence=[
            *_named("lost", lost),
            *_named("doubled", doubled),
            *_named("foreign", foreign),
            *_named("strange", seen.strange),
        ],
    )


def _differ(found: Counter[Any], wanted: set[Any]) -> tuple[list[Any], ...]:
    """Give what is missing, what is there too often, and what does not belong."""
    doubled = [one for one, times in found.items() for _ in range(times - 1)]
    return sorted(wanted - set(found)), sorted(doubled), sorted(set(found) - wanted)


def _named(kind: str, which: Sequence[object]) -> Iterator[str]:
    if which:
        yield f"{kind} ({len(which)}): {', '.join(map(str, which[:MOST_NAMED]))}"
