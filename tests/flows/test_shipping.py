"""Our code travels: a cluster's workers run what the driver sent, and nothing else."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyspark
import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

TWO_NIGHTS = """
from archive.summary import to_json
from cluster.access import connect
from runtime.spark import spark_session
from settings.load import load
from tasks.distribute_night import distribute_night
from tasks.find_night import find_night
from tasks.plan_night import plan_night
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.summarise_night import summarise_night

settings = load()
access = connect(settings)
with spark_session(settings):
    for survey in ("ztf", "lsst"):
        found = find_night(settings, survey=survey, night="20260301")
        prepare_topics(settings, access, found)
        plan = plan_night(settings, access, found)
        reports = distribute_night(settings, access, plan)
        back = read_back(settings, access, plan)
        failures = [r.message for r in reports if r.message]
        summary = summarise_night(settings, access, plan, back, failures=failures)
        print(to_json(summary).replace("\\n", " "))
"""
"""What runs both surveys' nights on one cluster."""

DECOY = 'raise ImportError("this folder is not ours")\n'
"""A package `filters` of someone else, in the folder where the command is typed."""


@pytest.fixture
def _no_work_left() -> Iterator[None]:
    """Remove the folders in which a local cluster's executors stood."""
    work = Path(pyspark.__file__).parent / "work"
    before = set(work.glob("*"))
    was_there = work.is_dir()
    yield
    for folder in set(work.glob("*")) - before:
        shutil.rmtree(folder)
    if not was_there and work.is_dir():
        work.rmdir()


@pytest.mark.usefixtures("_no_work_left")
def test_workers_of_a_cluster_run_our_code(
    simulated_night: Callable[..., Path], environment: dict[str, str], tmp_path: Path
) -> None:
    """Both surveys' nights are complete on executors that have no checkout at hand."""
    for survey in ("ztf", "lsst"):
        simulated_night(survey, alerts=60, rows_per_file=30)
    stand = tmp_path / "some folder"
    (stand / "filters").mkdir(parents=True)
    (stand / "filters" / "__init__.py").write_text(DECOY)
    script = tmp_path / "two nights.py"
    script.write_text(TWO_NIGHTS)

    ended = subprocess.run(
        [sys.executable, script],
        cwd=stand,
        env=environment | {"NIGHTMAIL_SPARK__MASTER": "local-cluster[2,1,1024]"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    summaries = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [s["survey"] for s in summaries] == ["ztf", "lsst"]
    for summary in summaries:
        assert summary["status"] == "complete", summary["failures"]
        assert (summary["files"], summary["alerts"]) == (2, 60)
        assert summary["kept"] > 0
