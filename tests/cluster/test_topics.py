"""Topics that are made."""

import os

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from cluster.access import KafkaAccess, find_access, open_admin
from cluster.topics import count_partitions, ensure_ledger, ensure_topics
from settings.errors import ClusterError, SettingsError
from settings.model import Settings, Topics
from settings.names import LEDGER_TOPIC

pytestmark = pytest.mark.kafka


def test_missing_ones_are_made(kafka: KafkaAccess, cluster_settings: Settings) -> None:
    """Only those that are missing are made, in the order that was given."""
    first = ensure_topics(kafka, cluster_settings, ["fink_t1_ztf"])
    second = ensure_topics(
        kafka, cluster_settings, ["fink_t2_ztf", "fink_t1_ztf", "fink_t2_ztf"]
    )

    assert (first, second) == (["fink_t1_ztf"], ["fink_t2_ztf"])


def test_they_are_as_the_settings_say(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Partitions, retention and size follow the settings; copies are one here."""
    wished = {"partitions": 3, "retention": "2h", "replication": 3}
    topics = Topics.model_validate(wished)
    settings = cluster_settings.model_copy(update={"topics": topics})

    ensure_topics(kafka, settings, ["fink_t3_ztf"])

    assert _count_partitions(kafka, "fink_t3_ztf") == 3
    config = _read_config(kafka, "fink_t3_ztf")
    assert config["retention.ms"] == "7200000"
    assert config["max.message.bytes"] == "4194304"


def test_the_ledger_is_kept_for_ever(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """It is compacted, with its own number of partitions."""
    ensure_ledger(kafka, cluster_settings)

    config = _read_config(kafka, LEDGER_TOPIC)
    assert count_partitions(kafka)[LEDGER_TOPIC] == 2 * (os.cpu_count() or 1)
    assert (config["cleanup.policy"], config["retention.ms"]) == ("compact", "-1")


def test_a_missing_right_is_named(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Who may not make topics is told which one, and what to have granted."""
    ensure_topics(kafka, cluster_settings, ["fink_t4_ztf"])
    anonymous = _anonymous(kafka)

    assert ensure_topics(anonymous, cluster_settings, ["fink_t4_ztf"]) == []
    with pytest.raises(SettingsError, match=r"fink_t5_ztf .* grant it Create"):
        ensure_topics(anonymous, cluster_settings, ["fink_t4_ztf", "fink_t5_ztf"])


def test_what_is_not_possible_is_refused(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """A name or a setting that Kafka does not take is the user's to change."""
    with pytest.raises(SettingsError, match="will not create the topic fink t6"):
        ensure_topics(kafka, cluster_settings, ["fink t6"])


def test_a_ledger_that_cannot_be_seen_is_told(kafka: KafkaAccess) -> None:
    """The anonymous do not see it."""
    with pytest.raises(ClusterError, match="no topic nightmail_ledger"):
        count_partitions(_anonymous(kafka))


def _anonymous(kafka: KafkaAccess) -> KafkaAccess:
    named = {"bootstrap_servers": kafka.public_servers}
    return find_access(Settings.model_validate({"kafka": named}))


def _count_partitions(kafka: KafkaAccess, topic: str) -> int:
    admin = open_admin(kafka)
    return len(admin.list_topics(timeout=5).topics[topic].partitions)


def _read_config(kafka: KafkaAccess, topic: str) -> dict[str, str]:
    admin = open_admin(kafka)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    [answer] = admin.describe_configs([asked]).values()
    return {name: entry.value for name, entry in answer.result(10).items()}
