"""Workers of a cluster read, too: processes with a Java of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.spark_source.conftest import MakeTopic

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

PROGRAM = """
import sys
from pathlib import Path
from nightmail.spark import register
from runtime.spark import spark_session
from settings.model import Settings, Spark

folder, servers, topic = sys.argv[1:]
master = Spark(master="local-cluster[2,1,1024]")
with spark_session(Settings(state_dir=Path(folder), spark=master)) as spark:
    register(spark)
    options = {"servers": servers, "topics": topic}
    alerts = spark.read.format("nightmail").options(**options).load()
    print(sorted(row.candid for row in alerts.collect()))
"""
"""A program that reads by two executors."""


def test_executors_read(make_topic: MakeTopic, tmp_path: Path) -> None:
    """Each its partition, with our code shipped to it."""
    topic = make_topic(partitions=2)
    topic.send_small(1, 2, partition=0)
    topic.send_small(3, partition=1)
    servers = topic.access.public_servers or ""

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), servers, topic.name],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "[1, 2, 3]\n", done.stderr
