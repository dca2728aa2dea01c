"""A night walked in this process: all the steps, without Spark and without Prefect."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from archive.totals import Summary
from cluster.access import KafkaAccess
from cluster.local import running
from nightmail import Filter
from settings.model import Settings
from tasks.distribute_shard import distribute_shards
from tasks.find_night import FoundNight, find_night
from tasks.job import Job
from tasks.plan_night import NightPlan, plan_night
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.report import Report
from tasks.summarise_night import summarise_night


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

    def run(
        survey: str = "ztf",
        night: str = "20260301",
        *,
        filters: Sequence[Filter] | None = None,
        at: Callable[[str], None] = lambda _: None,
    ) -> Walked:
        found = find_night(settings, survey=survey, night=night)
        if filters is not None:
            made = {f.name: f for f in filters}
            found = FoundNight(survey, night, found.folder, made, made, {})
            monkeypatch.setattr("tasks.distribute_shard.load_filters", lambda _: made)
        prepare_topics(settings, access, found)
        plan = plan_night(settings, access, found)
        job = Job(
            survey=survey,
            night=night,
            prefix=settings.topics.prefix,
            partitions=plan.partitions,
            archive=settings.archive_root(),
            kafka=access.publisher,
            types=plan.types,
        )
        reports = list(distribute_shards(job, list(plan.work.items()), at=at))
        failures = [*plan.failures, *(r.message for r in reports if r.message)]
        back = read_back(settings, access, plan)
        summary = summarise_night(settings, access, plan, back, failures=failures)
        return Walked(plan, reports, summary)

    return run
