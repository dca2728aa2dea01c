"""What became of a night, as one value that must add up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["complete", "partial", "failed", "empty", "no data"]
"""How a night ended: `partial` has filters that have yet to run on some file, `empty`
has files without alerts, `no data` has no files."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """What a topic's partition got of one night."""

    partition: int
    """Its number, from 0."""

    first_offset: int
    """Offset of the night's first alert."""

    last_offset: int
    """Offset of the night's last alert."""

    count: int
    """Alerts between them; transaction markers and other nights take offsets too."""


@dataclass(frozen=True, kw_only=True)
class TopicSummary:
    """What one filter kept of one night, and where it went."""

    topic: str
    """Kafka topic."""

    filter: str
    """Name of the filter."""

    summary: str
    """What the filter keeps, in a sentence."""

    owner: str
    """Who answers for the filter."""

    kept: int
    """Alerts that the filter kept."""

    delivered: int
    """Alerts committed on the topic."""

    archived: int
    """Matches visible in the archive."""

    set_aside: int
    """Alerts that the filter kept and that could not be encoded."""

    bytes: int
    """Size of the delivered values, uncompressed [byte]."""

    seconds: float
    """Time in the filter, over all tasks [s]."""

    classes: Mapping[str, int]
    """Delivered alerts by class."""

    failures: tuple[str, ...] = ()
    """What went wrong, a sentence each."""

    partitions: tuple[Partition, ...] = ()
    """Where on the topic the delivered alerts are."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What became of one night."""

    survey: str
    """`ztf` or `lsst`."""

    night: str
    """Date of the morning on which the night ends, YYYYMMDD."""

    day_obs: str
    """Rubin's name of the night: the date of the evening before, YYYYMMDD."""

    status: Status
    """How the night ended."""

    files: int
    """Files of the night in the store."""

    alerts: int
    """Alerts in them."""

    kept: int
    """Alerts in the archive: each counted once, however many filters kept it."""

    generation: int
    """0, or the number of a deliberate re-send."""

    classes: Mapping[str, int]
    """Alerts in the archive by class."""

    failures: tuple[str, ...] = ()
    """What went wrong outside of single filters, a sentence each."""

    topics: tuple[TopicSummary, ...] = ()
    """One for each filter, by name."""

    def problems(self) -> list[str]:
        """Sentences that say where the summary does not add up; none when it does."""
        found = [text for topic in self.topics for text in _topic_problems(topic)]
        return found + list(_night_problems(self))

    def all_failures(self) -> list[str]:
        """Every failure, those of a filter with its name in front."""
        of_filters = [f"{t.filter}: {text}" for t in self.topics for text in t.failures]
        return [*self.failures, *of_filters]


def _topic_problems(topic: TopicSummary) -> Iterator[str]:
    if topic.kept != topic.delivered + topic.set_aside:
        yield (
            f"{topic.filter}: {topic.kept} alerts were kept, but {topic.delivered} were"
            f" delivered and {topic.set_aside} set aside."
        )
    if topic.delivered != topic.archived:
        yield (
            f"{topic.filter}: {topic.delivered} alerts were delivered, but the archive"
            f" has {topic.archived}."
        )
    if (classified := sum(topic.classes.values())) != topic.delivered:
        yield (
            f"{topic.filter}: {topic.delivered} alerts were delivered, but their"
            f" classes add up to {classified}."
        )
    if (placed := sum(p.count for p in topic.partitions)) != topic.delivered:
        yield (
            f"{topic.filter}: {topic.delivered} alerts were delivered, but the"
            f" partitions add up to {placed}."
        )
    for part in topic.partitions:
        if part.count > part.last_offset - part.first_offset + 1:
            yield (
                f"{topic.filter}: partition {part.partition} has {part.count} alerts"
                f" between offsets {part.first_offset} and {part.last_offset}."
            )


def _night_problems(summary: Summary) -> Iterator[str]:
    if (classified := sum(summary.classes.values())) != summary.kept:
        yield (
            f"{summary.kept} alerts are in the archive, but their classes add up to"
            f" {classified}."
        )
    if summary.kept > summary.alerts:
        yield f"{summary.kept} alerts are in the archive, of {summary.alerts} read."
    archived = [topic.archived for topic in summary.topics]
    if not max(archived, default=0) <= summary.kept <= sum(archived):
        yield (
            f"{summary.kept} alerts are in the archive, but its topics have"
            f" {max(archived, default=0)} at most and {sum(archived)} together."
        )
    if summary.status == "complete" and summary.all_failures():
        yield "The night is called complete, although it has failures."
