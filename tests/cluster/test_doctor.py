"""Whether Kafka is well."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Producer

from cluster.access import KafkaAccess
from cluster.doctor import examine
from cluster.health import Finding
from cluster.topics import ensure_topics
from cluster.users import ensure_user
from nightmail.silence import silent_logger
from settings.errors import ClusterError
from settings.model import Kafka, Settings
from settings.names import transactional_id

TOPIC = "fink_doctor_ztf"


class _Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    free: int


@pytest.mark.kafka
def test_one_that_is_well(kafka: KafkaAccess, cluster_settings: Settings) -> None:
    """Every check says what it found, and the exit code is 0."""
    ensure_topics(kafka, cluster_settings, [TOPIC])

    found = examine(cluster_settings, at=datetime.now(UTC))

    assert [(each.check, each.state) for each in found.findings] == [
        ("administrator", "ok"),
        ("publisher", "ok"),
        ("anonymous readers", "ok"),
        ("versions", "ok"),
        ("disk", "ok"),
        ("administrator's rights", "ok"),
        ("publisher's rights", "ok"),
        ("brokers", "ok"),
        ("leaders", "ok"),
        ("copies", "ok"),
        ("transactions", "ok"),
    ]
    assert (found.servers, found.exit_code) == (kafka.bootstrap_servers, 0)
    told = {each.check: each.told for each in found.findings}
    assert told["administrator"].startswith(f"admin at {kafka.bootstrap_servers} by")
    assert "Kafka 4.1.1, Java " in told["versions"]
    assert "Alter, AlterConfigs, " in told["administrator's rights"]
    assert told["brokers"] == f"1 at {kafka.bootstrap_servers}"


@pytest.mark.kafka
def test_a_transaction_that_hangs(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """An open one is told; one that is older than Kafka allows is wrong."""
    ensure_topics(kafka, cluster_settings, [TOPIC])
    name = transactional_id("fink_", "ztf", "20260302", 0)
    producer = Producer(
        {**kafka.publisher, "transactional.id": name}, logger=silent_logger()
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(TOPIC, b"x", partition=2)
    producer.flush(20)
    now = datetime.now(UTC)

    young = _find(cluster_settings, "transactions", now)
    old = _find(cluster_settings, "transactions", now + timedelta(minutes=16))
    producer.abort_transaction(20)
    over = _find(cluster_settings, "transactions", now)

    assert (young.state, young.told[: len("1 open: ")]) == ("ok", "1 open: ")
    assert old.state == "wrong"
    assert f"1 hang, and hide what comes after: {TOPIC}-2 at offset" in old.told
    [detail] = old.details
    assert (detail["topic"], detail["partition"], detail["hidden"]) == (TOPIC, 2, 1)
    assert 950 < detail["open_s"] < 1000
    assert (over.state, over.told) == ("ok", "none is open")


@pytest.mark.kafka
def test_a_disk_that_is_full(
    kafka: KafkaAccess, cluster_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than a twentieth left is wrong."""
    assert kafka.local
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(total=100, free=4))

    found = _find(cluster_settings, "disk", datetime.now(UTC))

    assert found.state == "wrong"
    assert found.told.startswith("broker 1 uses ")


@pytest.mark.kafka
def test_one_of_your_own(kafka: KafkaAccess) -> None:
    """As a user who may do nothing, what Kafka does not tell is unknown, or named."""
    password = "of a test"  # noqa: S105 - it is
    ensure_user(kafka, "nobody", password=password)
    named = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "username": "nobody",
        "password": password,
    }
    settings = Settings(kafka=Kafka.model_validate(named))

    found = examine(settings, at=datetime.now(UTC))

    told = {each.check: each.told for each in found.findings}
    assert told["administrator's rights"].startswith("none on the cluster, or ")
    assert told["publisher's rights"] == "there is no topic fink_… and no ledger"
    assert found.exit_code == 0


@pytest.mark.kafka
def test_a_wrong_password(kafka: KafkaAccess) -> None:
    """It is told in a sentence, and the exit code is that of a wrong setting."""
    named = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "username": "admin",
        "password": "wrong",
    }
    settings = Settings(kafka=Kafka.model_validate(named))

    found = examine(settings, at=datetime.now(UTC))

    assert found.exit_code == 2
    assert found.findings[0].state == "wrong"
    assert "refuses us" in found.findings[0].told
    assert "wrong" not in found.findings[0].told


def test_one_that_does_not_answer() -> None:
    """The exit code says that it may work later."""
    named = Kafka.model_validate({"bootstrap_servers": "127.0.0.1:1"})

    found = examine(Settings(kafka=named), at=datetime.now(UTC))

    assert found.exit_code == 5
    assert found.findings[0].state == "wrong"
    assert "does not answer" in found.findings[0].told


def test_none_at_all(tmp_path: Path) -> None:
    """Without any Kafka there is nothing to look at."""
    with pytest.raises(ClusterError, match="No Kafka runs: start"):
        examine(Settings(state_dir=tmp_path), at=datetime.now(UTC))


def _find(settings: Settings, check: str, at: datetime) -> Finding:
    [found] = [
        each for each in examine(settings, at=at).findings if each.check == check
    ]
    return found
