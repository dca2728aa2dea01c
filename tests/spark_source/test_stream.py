"""A topic is a stream: each alert in one batch, whatever ends the query."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions
from pyspark.errors import StreamingQueryException

from cluster.access import KafkaAccess, open_admin
from nightmail.cli import INTERRUPTED
from nightmail.spark import find_reason
from tests.spark_source.conftest import SMALL, MakeTopic, Topic, small

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

PATIENCE_S = 120.0
"""Longest that a batch may take on a busy machine [s]."""

COMMAND = (sys.executable, "-m", "nightmail", "start", "distribution_test")
"""The command of the manual."""

QUERY = """
import sys
from pathlib import Path
from nightmail.cli import INTERRUPTED
from nightmail.spark import register
from runtime.spark import spark_session
from settings.model import Settings, Spark

servers, topic, folder = sys.argv[1:]
settings = Settings(state_dir=Path(folder), spark=Spark(master="local[2]"))
with spark_session(settings) as spark:
    register(spark)
    frame = spark.readStream.format("nightmail").options(
        servers=servers, topics=topic, maxOffsetsPerTrigger="40", columns="candid"
    ).load()
    query = frame.writeStream.format("parquet").option("path", folder + "/alerts")
    query = query.option("checkpointLocation", folder + "/checkpoint").start()
    query.awaitTermination()
"""
"""A program that copies a topic into a folder, for ever."""


class Copy:
    """A topic copied to Parquet, by query after query on one checkpoint."""

    def __init__(self, spark: Any, topic: Topic, folder: Path) -> None:
        self._spark, self._topic, self.folder = spark, topic, folder

    def run(self, **options: str) -> list[Any]:
        """Copy what there is, and end; give the progress of each batch."""
        query = self.start(availableNow=True, **options)
        assert query.awaitTermination(PATIENCE_S)
        return [p for p in query.recentProgress if p["numInputRows"]]

    def start(self, *, availableNow: bool | None = None, **options: str) -> Any:
        """Start a query."""
        reader = self._spark.readStream.format("nightmail")
        frame = reader.options(**self._topic.options(**options)).load()
        writer = frame.writeStream.format("parquet")
        writer = writer.option("path", str(self.folder / "alerts"))
        writer = writer.option("checkpointLocation", str(self.folder / "checkpoint"))
        if availableNow:
            writer = writer.trigger(availableNow=True)
        return writer.start()

    def candids(self) -> list[int]:
        """Give what was copied, doubled ones too."""
        return copied(self._spark, self.folder)


def copied(spark: Any, folder: Path) -> list[int]:
    """Give the alerts that committed batches have written."""
    frame = spark.read.parquet(str(folder / "alerts"))
    return sorted(row.candid for row in frame.collect())


@pytest.fixture
def copy(spark: Any, topic: Topic, tmp_path: Path) -> Copy:
    """Give a copy of the test's topic."""
    return Copy(spark, topic, tmp_path)


def test_what_is_new_is_read_by_the_next_query(topic: Topic, copy: Copy) -> None:
    """From its checkpoint, without loss or doubling, and nothing if nothing is new."""
    topic.send_small(1, 2)
    copy.run()
    topic.send_small(3)
    copy.run()
    copy.run()
    topic.send_small(4, 5)
    copy.run()

    assert copy.candids() == [1, 2, 3, 4, 5]


def test_a_query_that_runs_sees_a_topic_grow(topic: Topic, copy: Copy) -> None:
    """What is not committed yet comes when it is, what is aborted never."""
    topic.send_small(1)
    query = copy.start()
    query.processAllAvailable()
    is_open = topic.begin(*small(2))
    topic.begin(*small(3)).abort_transaction(30)
    topic.send_small(4)
    query.processAllAvailable()
    before = copy.candids()
    is_open.commit_transaction(30)
    _await(lambda: copy.candids() == [1, 2, 4])

    query.stop()

    assert before == [1]
    assert copy.candids() == [1, 2, 4]


def test_batches_have_a_limit(topic: Topic, copy: Copy) -> None:
    """Of offsets, marks of transactions included; what there is comes in several."""
    topic.send_small(*range(100))

    batches = copy.run(maxOffsetsPerTrigger="40")

    assert [p["numInputRows"] for p in batches] == [40, 40, 20]
    assert copy.candids() == list(range(100))


def test_a_new_partition_is_read_from_its_beginning(
    spark: Any, make_topic: MakeTopic, access: KafkaAccess, tmp_path: Path
) -> None:
    """That of a topic that got more of them while nobody looked."""
    topic = make_topic()
    copy = Copy(spark, topic, tmp_path)
    topic.send_small(1)
    copy.run()
    admin = open_admin(access)
    for answer in admin.create_partitions([NewPartitions(topic.name, 3)]).values():
        answer.result(30)
    _await(lambda: len(_partitions(admin, topic.name)) == 3)
    topic.send_small(2, partition=2)

    copy.run()

    assert copy.candids() == [1, 2]


def test_a_new_query_may_begin_at_the_end(topic: Topic, copy: Copy) -> None:
    """With startingOffsets=latest, what was there before it is left out."""
    topic.send_small(1)
    copy.run(startingOffsets="latest")
    topic.send_small(2)

    copy.run(startingOffsets="latest")

    assert copy.candids() == [2]


def test_a_killed_query_goes_on_where_it_was(
    spark: Any, topic: Topic, tmp_path: Path
) -> None:
    """Killed in the middle, again and again, it writes each alert once."""
    topic.send_small(*range(400))

    for batches in (2, 5):
        with _program(topic, tmp_path):
            _await(partial(_has_commits, tmp_path, batches))
        topic.send_small(*range(1000 * batches, 1000 * batches + 20))
    Copy(spark, topic, tmp_path).run(columns="candid")

    expected = [*range(400), *range(2000, 2020), *range(5000, 5020)]
    assert copied(spark, tmp_path) == expected


def test_records_that_are_gone_end_a_query(
    topic: Topic, copy: Copy, access: KafkaAccess
) -> None:
    """What retention took before it was read is told; one may go on without it."""
    topic.send_small(1, 2)
    copy.run()
    topic.send_small(3, 4)
    admin = open_admin(access)
    gone = TopicPartition(topic.name, 0, 4)
    for answer in admin.delete_records([gone]).values():
        answer.result(30)

    with pytest.raises(StreamingQueryException) as caught:
        copy.run()
    copy.run(failOnDataLoss="false")

    assert str(find_reason(caught.value)) == (
        f"Records of {topic.name}, partition 0 are gone before they were read: their"
        " retention is over, or the topic was made anew; with failOnDataLoss=false what"
        " is there is read."
    )
    assert copy.candids() == [1, 2, 4]


def test_a_stream_has_no_end(topic: Topic, copy: Copy) -> None:
    """A time at which it would end is refused."""
    topic.send_small(1)

    with pytest.raises(StreamingQueryException) as caught:
        copy.run(endingTime="2099-01-01T00:00:00")

    assert str(find_reason(caught.value)) == (
        "A stream has no end: leave out the option endingTime."
    )


def test_the_command_prints_a_topic(topic: Topic, kafka_state: Path) -> None:
    """As Spark shows a DataFrame, until it is interrupted."""
    topic.send_small(4711)

    rows, code = _rows_shown(kafka_state, topic, last="|  4711| ZTF4711|")

    assert rows == ["|candid|objectId|", "|  4711| ZTF4711|"]
    assert code == INTERRUPTED


def test_the_command_takes_a_schema_from_a_file(
    topic: Topic, kafka_state: Path, tmp_path: Path
) -> None:
    """Which holds where the keys say nothing; only the wished columns are shown."""
    topic.send(*small(4711), key=b"3.1_old")
    file = tmp_path / "alert.avsc"
    file.write_text(json.dumps(SMALL))
    options = ["--schema", str(file), "--columns", "objectId"]

    rows, _ = _rows_shown(kafka_state, topic, *options, last="| ZTF4711|")

    assert rows == ["|objectId|", "| ZTF4711|"]


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("", 0, r"\d+ alerts were read\."),
        ("fink_none_ztf", 2, r"Error: There is no topic fink_none_ztf at .*"),
    ],
    ids=["ends", "refuses"],
)
def test_the_command_ends_with_a_sentence(
    topic: Topic, kafka_state: Path, name: str, code: int, sentence: str
) -> None:
    """When its time is over, or when there is nothing to read."""
    topic.send_small(1)

    done = subprocess.run(
        [*COMMAND, "--topic", name or topic.name, "--exit-after", "1"],
        env=os.environ | {"NIGHTMAIL_STATE_DIR": str(kafka_state)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert re.fullmatch(sentence, done.stderr.splitlines()[-1])


def _rows_shown(
    kafka_state: Path, topic: Topic, *options: str, last: str
) -> tuple[list[str], int]:
    """Give the rows that the command prints up to one, and its code if interrupted."""
    process = subprocess.Popen(
        [*COMMAND, "--topic", topic.name, "--exit-after", str(PATIENCE_S), *options],
        env=os.environ | {"NIGHTMAIL_STATE_DIR": str(kafka_state)},
        stdout=subprocess.PIPE,
        text=True,
    )
    rows: list[str] = []
    with process:
        for line in process.stdout or ():
            if "|" in line:
                rows.append(line.rstrip())
            if line.rstrip() == last:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)  # reads on: else nobody would
    return rows, process.returncode


@contextmanager
def _program(topic: Topic, folder: Path) -> Iterator[None]:
    """Run the copying program; kill it, with its Java, at the end."""
    servers = topic.access.public_servers or ""
    process = subprocess.Popen(
        [sys.executable, "-c", QUERY, servers, topic.name, str(folder)],
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_commits(folder: Path, batches: int) -> bool:
    """Tell whether so many batches are done."""
    return len(list((folder / "checkpoint" / "commits").glob("[0-9]*"))) >= batches


def _partitions(admin: Any, name: str) -> Any:
    return admin.list_topics(timeout=10).topics[name].partitions


def _await(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)
