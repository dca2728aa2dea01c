"""A topic and an id of a test's own, and a broker that may be stopped and killed."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from cluster.access import KafkaAccess, connect
from cluster.local import running, start, status, stop
from cluster.topics import ensure_ledger, ensure_topics
from ledger.verdict import At, Rule, find_rule
from settings.model import Settings
from settings.names import transactional_id

NIGHT = "20260301"

Test = TypeVar("Test", bound=Callable[..., None])


@pytest.fixture
def access(settings: Settings) -> Iterator[KafkaAccess]:
    """Give the one Kafka, with a ledger."""
    with running(settings) as reached:
        ensure_ledger(reached, settings)
        yield reached


@pytest.fixture
def make_topic(settings: Settings, access: KafkaAccess) -> Callable[..., str]:
    """Make a topic of one partition; keywords are its settings, with `_` for `.`."""

    def make(name: str = "any", **config: str) -> str:
        topic = f"{settings.topics.prefix}{name}_ztf"
        wished = {key.replace("_", "."): value for key, value in config.items()}
        ensure_topics(access, settings, [topic], config=wished, partitions=1)
        return topic

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """Make a topic of the test's own, of one partition."""
    return make_topic()


@pytest.fixture
def owner(settings: Settings) -> str:
    """Give a transactional id of the test's own."""
    return transactional_id(settings.topics.prefix, "ztf", NIGHT, 0)


def read_committed(access: KafkaAccess, topic: str) -> list[bytes]:
    """Values that a read_committed reader gets, to the end of the topic."""
    consumer = Consumer(
        dict(access.admin)
        | {
            "group.id": f"nightmail-test-{uuid.uuid4()}",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Any] = []
    while (message := consumer.poll(20)) is not None and message.error() is None:
        found.append(message.value())
    consumer.close()
    return found


class OwnBroker:
    """A real Kafka that tests suspend and kill; `restore` mends it."""

    def __init__(self, state_dir: Path) -> None:
        self.settings = Settings(state_dir=state_dir)
        self.restore()

    @property
    def pid(self) -> int:
        """Its process."""
        pid = status(self.settings).pid
        assert pid is not None
        return pid

    def suspend(self, *, for_s: float | None = None) -> None:
        """Suspend it, until `resume` or for some time [s]."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        while read_state(pid) != "T":
            time.sleep(0.01)
        if for_s is not None:
            Timer(for_s, os.kill, (pid, signal.SIGCONT)).start()

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Suspend it for as long as the block runs."""
        self.suspend()
        try:
            yield
        finally:
            self.resume()

    def kill(self) -> None:
        """Kill it, as a power switch would but for the page cache."""
        os.kill(self.pid, signal.SIGKILL)
        while status(self.settings).running:
            time.sleep(0.01)

    def restore(self) -> KafkaAccess:
        """Have it running."""
        if pid := status(self.settings).pid:
            os.kill(pid, signal.SIGCONT)
        start(self.settings)
        return connect(self.settings)


def read_state(pid: int) -> str:
    """Give a process's state as the kernel's letter, empty if it is no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """Give the tests of a module a Kafka that nobody else uses."""
    broker = OwnBroker(tmp_path_factory.mktemp("own kafka"))
    yield broker
    broker.restore()
    stop(broker.settings)


@pytest.fixture
def broker(own_kafka: OwnBroker) -> Iterator[OwnBroker]:
    """Give a Kafka to break; the next test finds it mended."""
    yield own_kafka
    own_kafka.restore()


def provokes(*rules: str) -> Callable[[Test], Test]:
    """Mark a test that has a real broker give the errors of some rules."""

    def mark(test: Test) -> Test:
        test.provokes = rules  # type: ignore[attr-defined]
        return test

    return mark


@pytest.fixture(autouse=True)
def _provoked(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that does not provoke what it is marked with."""
    seen = set()

    def note(error: KafkaError, at: At) -> Rule:
        rule = find_rule(error, at)
        seen.add(rule.name)
        return rule

    monkeypatch.setattr("ledger.verdict.find_rule", note)
    yield
    assert set(getattr(request.function, "provokes", ())) <= seen
