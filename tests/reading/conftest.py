"""Topics of one test each on a real Kafka, and readers of them."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from client.tests.avro_alerts import record, write
from cluster.access import KafkaAccess, connect
from cluster.topics import ensure_topics
from nightmail._fingerprint import compact
from nightmail.silence import silent_logger
from settings.model import Settings

ALERT = record(objectId="string", candid="long")
"""An alert of two columns."""

KEY = compact(ALERT)

_numbers = itertools.count(1)


@dataclass
class Topic:
    """A topic of one test, what is sent to it, and who reads it."""

    access: KafkaAccess
    settings: Settings
    name: str
    group: str

    @property
    def config(self) -> dict[str, Any]:
        """Give the configuration of a reader who does not log in."""
        return {"servers": self.access.public_servers, "group_id": self.group}

    def make(self, name: str, partitions: int = 1) -> None:
        """Make another topic."""
        ensure_topics(self.access, self.settings, [name], partitions=partitions)

    def send(
        self,
        *values: bytes | None,
        key: bytes | None = KEY,
        night: str | None = None,
        topic: str | None = None,
        partition: int = 0,
        timestamp_ms: int = 0,
    ) -> None:
        """Send messages as another broker may: no transaction, headers or not."""
        producer = Producer({**self.access.publisher}, logger=silent_logger())
        headers: list[tuple[str, str | bytes | None]] = []
        if night:
            headers.append(("night", night.encode()))
        for value in values:
            producer.produce(
                topic or self.name,
                value,
                key,
                partition=partition,
                headers=headers,
                timestamp=timestamp_ms,
            )
        assert producer.flush(30) == 0

    def send_alerts(self, *candids: int, **more: Any) -> None:
        """Send small alerts."""
        self.send(*alerts(*candids), **more)

    def committed(self, partitions: int = 1) -> list[int]:
        """Give the offsets that the group has committed; -1001 for none."""
        config = {"bootstrap.servers": self.access.public_servers}
        consumer = Consumer({**config, "group.id": self.group}, logger=silent_logger())
        places = [TopicPartition(self.name, n) for n in range(partitions)]
        try:
            return [place.offset for place in consumer.committed(places, timeout=10)]
        finally:
            consumer.close()


def alerts(*candids: int) -> list[bytes]:
    """Encode small alerts."""
    return write(ALERT, *({"objectId": f"ZTF{n}", "candid": n} for n in candids))


def candids(received: Sequence[tuple[str, Mapping[str, Any], str]]) -> list[int]:
    """Give the ids of alerts."""
    return [alert["candid"] for _, alert, _ in received]


@pytest.fixture(scope="session")
def access(kafka_state: Path) -> KafkaAccess:
    """Give the one Kafka."""
    return connect(Settings(state_dir=kafka_state))


MakeTopic = Callable[..., Topic]


@pytest.fixture
def make_topic(kafka_state: Path, access: KafkaAccess) -> MakeTopic:
    """Make a topic that nobody else has, unless it is to be missing."""

    def make(partitions: int = 1) -> Topic:
        number = next(_numbers)
        name = f"fink_reading{number}_ztf"
        topic = Topic(access, Settings(state_dir=kafka_state), name, f"group{number}")
        if partitions:
            topic.make(name, partitions)
        return topic

    return make


@pytest.fixture
def topic(make_topic: MakeTopic) -> Topic:
    """Give a topic of one partition."""
    return make_topic()


StartScript = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[StartScript]:
    """Start a program of an astronomer; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *args: object) -> "subprocess.Popen[str]":
        script = tmp_path / f"script{len(started)}.py"
        script.write_text(code)
        started.append(
            subprocess.Popen(
                [sys.executable, str(script), *map(str, args)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
