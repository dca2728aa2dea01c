"""Memory of a task that publishes is flat in the night's size."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.conftest import environment, plugin

__all__ = ["environment", "plugin"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WORKER = """
import resource
import sys

from cluster.local import running
from settings.load import load
from tasks.distribute_shard import distribute_shards
from tasks.find_night import find_night
from tasks.job import Job
from tasks.plan_night import plan_night
from tasks.prepare_topics import prepare_topics

settings = load()
with running(settings) as access:
    found = find_night(settings, survey="ztf", night=sys.argv[1])
    prepare_topics(settings, access, found)
    plan = plan_night(settings, access, found)
    job = Job(
        survey="ztf",
        night=plan.night,
        prefix=settings.topics.prefix,
        partitions=plan.partitions,
        archive=settings.archive_root(),
        kafka=access.publisher,
        types=plan.types,
        run=plan.run,
        generations=plan.generations,
    )
    reports = list(distribute_shards(job, list(plan.work.items())))
assert {r.outcome for r in reports} == {"done"}, reports
print(len(reports), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
"""Distributes a night in one process; prints its files, and its peak memory [MB]."""

EVERYTHING = """
from nightmail import alert_filter

@alert_filter(owner="someone@example.org", survey="ztf")
def every_alert(candidate_magpsf):
    "All alerts."
    return candidate_magpsf > 0
"""

ROWS_PER_FILE = 100
"""Alerts of a file: about 2 MB."""

NIGHTS = (("20260301", 12), ("20260302", 48))
"""Nights, and how many files they have."""


def test_memory_is_flat(
    simulated_night: Callable[..., Path],
    environment: dict[str, str],
    plugin: Callable[[str], str],
) -> None:
    """A night of four times as many files needs no more than a tenth more."""
    variables = environment | {"PYTHONPATH": plugin(EVERYTHING)}
    peaks = {}
    for night, files in NIGHTS:
        simulated_night(
            night=night, alerts=files * ROWS_PER_FILE, rows_per_file=ROWS_PER_FILE
        )
        done = subprocess.run(
            [sys.executable, "-c", WORKER, night],
            env=variables,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        count, peaks[night] = (int(word) for word in done.stdout.split())
        assert count == files

    assert peaks["20260302"] < 1.1 * peaks["20260301"]
