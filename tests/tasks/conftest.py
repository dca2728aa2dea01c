"""A night walked in this process: all the steps, without Spark and without Prefect."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from confluent_kafka import Consumer, TopicPartition

from archive.totals import Summary
from archive.views import open_archive
from cluster.access import KafkaAccess
from cluster.local import running
from nightmail import Filter, alert_filter
from settings.model import Settings
from tasks.distribute_shard import distribute_shards
from tasks.find_night import FoundNight, find_night
from tasks.job import Job
from tasks.plan_night import NightPlan, needs_another_pass, plan_night
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.report import Report
from tasks.summarise_night import summarise_night

Sent = Counter[tuple[str, int, int]]
"""How often each (filter, id, generation) was found."""


def make_filter(
    function: Callable[..., Any], version: str = "1", name: str | None = None
) -> Filter:
    """Make a filter of ZTF out of a function."""
    function.__name__ = name or function.__name__
    made = alert_filter(owner="someone@example.org")(function)
    return Filter(**(vars(made) | {"survey": "ztf", "version": version}))


def bright(candidate_magpsf: pd.Series) -> pd.Series:
    """Bright alerts."""
    return candidate_magpsf < 18


def faint(candidate_magpsf: pd.Series) -> pd.Series:
    """Faint alerts."""
    return candidate_magpsf > 18


BRIGHT, FAINT = make_filter(bright), make_filter(faint)


@dataclass(frozen=True)
class Walked:
    """What a walk gave."""

    plan: NightPlan
    reports: Sequence[Report]
    summary: Summary

    @property
    def delivered(self) -> dict[str, int]:
        """Alerts on each filter's topic."""
        return {t.filter: t.delivered for t in self.summary.topics}

    @property
    def failures(self) -> dict[str, tuple[str, ...]]:
        """What failed, by filter."""
        return {t.filter: t.failures for t in self.summary.topics if t.failures}


@pytest.fixture
def access(settings: Settings) -> Iterator[KafkaAccess]:
    """Give the one Kafka."""
    with running(settings) as reached:
        yield reached


@pytest.fixture
def walk(
    settings: Settings, access: KafkaAccess, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Walked]:
    """Walk a night; `filters` stands for the survey's own, `at` is told each point."""

    def run(  # noqa: PLR0913 - what a run can ask for
        survey: str = "ztf",
        night: str = "20260301",
        *,
        filters: Sequence[Filter] | None = None,
        generation: int | None = None,
        at: Callable[[str], None] = lambda _: None,
        access: KafkaAccess = access,
    ) -> Walked:
        found = find_night(settings, survey=survey, night=night, generation=generation)
        if filters is not None:
            made = {f.name: f for f in filters}
            found = FoundNight(survey, night, found.folder, made, made, {}, generation)
            monkeypatch.setattr("tasks.distribute_shard.load_filters", lambda _: made)
        return walk_night(settings, access, found, at=at)

    return run


def walk_night(
    settings: Settings,
    access: KafkaAccess,
    found: FoundNight,
    *,
    at: Callable[[str], None] = lambda _: None,
) -> Walked:
    """Walk a night that was found, to the summary."""
    prepare_topics(settings, access, found)
    plan = plan_night(settings, access, found, at=at)
    reports = list(_distribute(settings, access, plan, at))
    while needs_another_pass(plan, reports):
        plan = plan_night(settings, access, found, after=plan, at=at)
        reports += _distribute(settings, access, plan, at)
    failures = [*plan.failures, *(r.message for r in reports if r.message)]
    back = read_back(settings, access, plan)
    summary = summarise_night(settings, access, plan, back, failures=failures)
    return Walked(plan, reports, summary)


def _distribute(
    settings: Settings,
    access: KafkaAccess,
    plan: NightPlan,
    at: Callable[[str], None],
) -> Iterator[Report]:
    job = Job(
        survey=plan.survey,
        night=plan.night,
        prefix=settings.topics.prefix,
        partitions=plan.partitions,
        archive=settings.archive_root(),
        kafka=access.publisher,
        types=plan.types,
        without_cutouts=frozenset(settings.topics.without_cutouts),
        run=plan.run,
        generations=plan.generations,
    )
    return distribute_shards(job, list(plan.work.items()), at=at)


@pytest.fixture
def read_topics(access: KafkaAccess) -> Callable[[list[str]], dict[str, list[Any]]]:
    """Ids and generations on topics, read anonymously, by no code of ours."""

    def read(topics: list[str]) -> dict[str, list[Any]]:
        consumer = Consumer(
            {
                "bootstrap.servers": access.public_servers,
                "group.id": "some-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        known = consumer.list_topics(timeout=10).topics
        parts = [TopicPartition(t, p, 0) for t in topics for p in known[t].partitions]
        consumer.assign(parts)
        found: dict[str, list[Any]] = {topic: [] for topic in topics}
        ends = 0
        while ends < len(parts):
            message: Any = consumer.poll(20)
            if message.error():
                ends += 1
                continue
            headers = dict(message.headers())
            one = int(headers["id"]), int(headers["generation"])
            found[message.topic()].append(one)
        consumer.close()
        return found

    return read


@pytest.fixture
def agree(settings: Settings, read_topics: Any) -> Callable[[Walked], Sent]:
    """Assert that topics, ledger and archive have the same alerts, each once."""

    def compare(walked: Walked) -> Sent:
        topics = walked.summary.topics
        read = read_topics([t.topic for t in topics])
        on_topics = Counter((t.filter, *one) for t in topics for one in read[t.topic])
        assert on_topics == find_matches(settings)
        assert set(on_topics.values()) <= {1}
        assert find_alerts(settings) == Counter({i for _, i, _ in on_topics})
        assert walked.delivered == {
            t.filter: len(_newest(read[t.topic])) for t in topics
        }
        return on_topics

    return compare


def find_matches(settings: Settings) -> Sent:
    """Read the matches that the archive shows."""
    with open_archive(settings.archive_root(), "ztf") as archive:
        rows = archive.execute("select filter, id, generation from matches").fetchall()
    return Counter(rows)


def find_alerts(settings: Settings) -> Counter[int]:
    """Read the alerts that the archive shows."""
    with open_archive(settings.archive_root(), "ztf") as archive:
        rows = archive.execute("select candid from alerts").fetchall()
    return Counter(one for (one,) in rows)


def _newest(read: list[tuple[int, int]]) -> list[int]:
    """Ids of the highest generation."""
    highest = max((generation for _, generation in read), default=0)
    return [one for one, generation in read if generation == highest]
