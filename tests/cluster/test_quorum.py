"""Three brokers on one machine: every copy thrice, and one may die."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ConfigResource, ResourceType

from cluster import local
from cluster.access import KafkaAccess, connect, open_admin
from cluster.doctor import examine
from cluster.reading import ask_end
from cluster.topics import ensure_ledger, ensure_topics
from nightmail.silence import silent_logger
from settings.errors import SettingsError
from settings.model import Settings
from settings.names import LEDGER_TOPIC

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TOPIC = "fink_quorum_ztf"


@pytest.fixture(scope="module")
def three(
    make_settings: Callable[[Path], Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """Give the settings of three brokers that run, with a topic and a ledger."""
    settings = make_settings(tmp_path_factory.mktemp("quorum"))
    local.start(settings, brokers=3)
    access = connect(settings)
    ensure_topics(access, settings, [TOPIC])
    ensure_ledger(access, settings)
    yield settings
    local.stop(settings)


@pytest.fixture
def whole(three: Settings) -> Iterator[Settings]:
    """Give the same, to break; the next test finds it mended."""
    yield three
    local.start(three)


def test_each_has_its_own(three: Settings) -> None:
    """Three processes, nine ports, three logs; users are told all addresses."""
    found = local.status(three)

    ports = [port for broker in found.brokers for port in vars(broker.ports).values()]
    assert [broker.number for broker in found.brokers] == [1, 2, 3]
    assert all(broker.running for broker in found.brokers)
    assert len({broker.pid for broker in found.brokers}) == 3
    assert len({broker.log for broker in found.brokers}) == 3
    assert len(set(ports)) == 9
    assert found.bootstrap_servers
    assert len(found.bootstrap_servers.split(",")) == 3


def test_everything_is_there_thrice(three: Settings) -> None:
    """Our topics and Kafka's own have three copies, two of which count."""
    access = connect(three)
    admin = open_admin(access)
    _use_groups_and_transactions(access)

    topics = admin.list_topics(timeout=20).topics
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    answers = admin.describe_configs(asked)

    assert {TOPIC, LEDGER_TOPIC, "__transaction_state"} <= set(topics)
    copies = {
        name: {len(each.replicas) for each in topic.partitions.values()}
        for name, topic in topics.items()
    }
    assert copies == {name: {3} for name in topics}
    needed = {
        resource.name: answer.result(20)["min.insync.replicas"].value
        for resource, answer in answers.items()
    }
    assert needed == dict.fromkeys(topics, "2")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_may_die(whole: Settings, number: int) -> None:
    """What is written is written still; status and doctor name it; a start heals."""
    access = connect(whole)
    others = _others(whole, number)

    _kill(whole, number)
    _write(access)
    found = local.status(whole)
    wrong = {
        each.check: each.told
        for each in examine(whole, at=datetime.now(UTC)).findings
        if each.state == "wrong"
    }
    local.start(whole)

    assert found.running
    assert [broker.died for broker in found.brokers] == [
        each == number for each in (1, 2, 3)
    ]
    assert f"missing: {number}: " in wrong["brokers"]
    assert "are under-replicated: " in wrong["copies"]
    assert all(broker.running for broker in local.status(whole).brokers)
    assert _others(whole, number) == others
    _await_copies(whole)


def test_all_may_die_at_once(whole: Settings) -> None:
    """After kill -9 of all three, a start brings back what was acknowledged."""
    access = connect(whole)
    _write(access)
    before = _count(access)

    for broker in local.status(whole).brokers:
        assert broker.pid
        os.kill(broker.pid, signal.SIGKILL)
    _await_end(whole)
    died = local.status(whole)
    local.start(whole)

    assert (died.running, died.died) == (False, True)
    assert _count(access) == before
    assert before >= 4


def test_the_number_never_changes(three: Settings) -> None:
    """While they run, and stopped, another number is refused in a sentence."""
    sentence = (
        rf"{three.state_dir}/kafka was made with --brokers 3 and cannot have 1: start"
        r" it without --brokers, or forget it by `nightmail cluster destroy`, or set"
        r" another state_dir\."
    )

    with pytest.raises(SettingsError, match=sentence):
        local.start(three, brokers=1)


def test_one_never_becomes_three(tmp_path: Path) -> None:
    """A folder of one broker refuses three before anything starts."""
    (tmp_path / "kafka" / "data").mkdir(parents=True)

    with pytest.raises(SettingsError, match="made with --brokers 1 and cannot have 3"):
        local.start(Settings(state_dir=tmp_path), brokers=3)


def test_they_are_kept_between_starts(whole: Settings) -> None:
    """A stop ends all; a start without a word about it brings all back."""
    before = [broker.ports for broker in local.status(whole).brokers]

    stopped = local.stop(whole)
    started = local.start(whole)
    made = ensure_topics(connect(whole), whole, [TOPIC])

    assert [(b.running, b.died, b.pid) for b in stopped.brokers] == [
        (False, False, None)
    ] * 3
    assert [broker.ports for broker in started.brokers] == before
    assert made == []


def _kill(settings: Settings, number: int) -> None:
    pid = local.status(settings).brokers[number - 1].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while local.status(settings).brokers[number - 1].running:
        assert time.monotonic() < end
        time.sleep(0.02)
    access = connect(settings)
    admin = open_admin(access)
    end = time.monotonic() + 30
    while number in admin.list_topics(timeout=20).brokers:
        assert time.monotonic() < end
        time.sleep(0.1)


def _await_end(settings: Settings) -> None:
    end = time.monotonic() + 10
    while local.status(settings).running:
        assert time.monotonic() < end
        time.sleep(0.02)


def _count(access: KafkaAccess) -> int:
    """Count the records on the topic, of all partitions."""
    places = [(TOPIC, partition) for partition in range(4)]
    return sum(ask_end(open_admin(access), places, committed=False).values())


def _others(settings: Settings, number: int) -> list[int | None]:
    return [b.pid for b in local.status(settings).brokers if b.number != number]


def _write(access: KafkaAccess) -> None:
    """Write to each partition; only what two brokers have is acknowledged."""
    refused: list[object] = []
    config = {**access.publisher, "acks": "all"}
    producer = Producer(config, logger=silent_logger())
    for partition in range(4):
        producer.produce(
            TOPIC, b"x", partition=partition, on_delivery=lambda e, _: refused.append(e)
        )
    assert producer.flush(30) == 0
    assert refused == [None] * 4


def _use_groups_and_transactions(access: KafkaAccess) -> None:
    """Have Kafka make its own topics."""
    config = {**access.publisher, "transactional.id": "nightmail.any"}
    producer = Producer(config, logger=silent_logger())
    producer.init_transactions(30)


def _await_copies(settings: Settings) -> None:
    end = time.monotonic() + 30
    while examine(settings, at=datetime.now(UTC)).exit_code:
        assert time.monotonic() < end
        time.sleep(0.2)
