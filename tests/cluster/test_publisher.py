"""The publisher's rights: less does not work, and more is not had."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from cluster.access import KafkaAccess, open_admin
from cluster.preflight import check_topics
from cluster.rights import grant_publisher
from cluster.topics import ensure_ledger, ensure_topics
from cluster.users import ensure_user
from ledger.read import LedgerReader
from ledger.record import Record
from ledger.transaction import RefusedError, Transactor
from nightmail.silence import silent_logger
from settings.errors import SettingsError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, transactional_id

pytestmark = pytest.mark.kafka

PREFIX = "fink_less_"
TOPIC = f"{PREFIX}any_ztf"
OTHER = "others_any_ztf"
NIGHT = (PREFIX, "ztf", "20260301")
OWNER = transactional_id(*NIGHT, 0)

Deed = Callable[[AdminClient], Any]


@pytest.fixture
def publisher(kafka: KafkaAccess, cluster_settings: Settings) -> KafkaAccess:
    """Give a publisher of the test's own prefix; its rights are whole."""
    ensure_topics(kafka, cluster_settings, [TOPIC, OTHER], partitions=1)
    ensure_ledger(kafka, cluster_settings)
    password = "a password of a test"  # noqa: S105 - it is
    ensure_user(kafka, "less", password=password)
    grant_publisher(kafka, PREFIX, user="less")
    login = {"sasl.username": "less", "sasl.password": password}
    return replace(kafka, publisher={**kafka.publisher, **login})


@pytest.fixture
def without(
    kafka: KafkaAccess, publisher: KafkaAccess
) -> Iterator[Callable[[str, AclOperation], None]]:
    """Give what takes one right of the publisher away, until the test is over."""

    def take(name: str, right: AclOperation) -> None:
        wanted = _filter("User:less", name, right)
        admin = open_admin(kafka)
        [answer] = admin.delete_acls([wanted]).values()
        assert len(answer.result(20)) == 1
        _await(lambda: not admin.describe_acls(wanted).result(20))

    yield take
    grant_publisher(publisher, PREFIX, user="less")


def test_what_it_has_suffices(publisher: KafkaAccess) -> None:
    """Nothing would be refused, the ledger is read, and a transaction is committed."""
    refused = check_topics(publisher, [TOPIC, LEDGER_TOPIC])
    _read_ledger(publisher)
    _send(publisher)

    assert refused == {}


@pytest.mark.usefixtures("publisher")
def test_it_has_four_rights(kafka: KafkaAccess) -> None:
    """Write on its topics and its transactional ids, Read and Write on the ledger."""
    everything = _filter("User:less", None, AclOperation.ANY)
    admin = open_admin(kafka)

    found = admin.describe_acls(everything).result(20)

    rights = {(a.name, a.resource_pattern_type.name, a.operation.name) for a in found}
    assert rights == {
        (PREFIX, "PREFIXED", "WRITE"),
        ("nightmail", "PREFIXED", "WRITE"),
        (LEDGER_TOPIC, "LITERAL", "READ"),
        (LEDGER_TOPIC, "LITERAL", "WRITE"),
    }


def test_without_its_topics(
    publisher: KafkaAccess, without: Callable[[str, AclOperation], None]
) -> None:
    """The topic is named before anything is sent, and sending to it is refused."""
    without(PREFIX, AclOperation.WRITE)

    with pytest.raises(RefusedError) as refused:
        _send(publisher)
    assert list(refused.value.topics) == [TOPIC]
    assert check_topics(publisher, [TOPIC]) == {
        TOPIC: f"The Kafka user less may not see the topic {TOPIC}, if there is one:"
        " have it made, and grant that user Describe and Write on it."
    }


def test_without_reading_the_ledger(
    publisher: KafkaAccess, without: Callable[[str, AclOperation], None]
) -> None:
    """The ledger cannot be read, and the sentence says what to grant."""
    without(LEDGER_TOPIC, AclOperation.READ)

    with pytest.raises(SettingsError, match="may not read nightmail_ledger: grant"):
        _read_ledger(publisher)
    assert check_topics(publisher, [LEDGER_TOPIC]) == {
        LEDGER_TOPIC: "The Kafka user less may not write nightmail_ledger: grant it"
        " Read."
    }


def test_without_writing_the_ledger(
    publisher: KafkaAccess, without: Callable[[str, AclOperation], None]
) -> None:
    """It is found before anything is sent, and a transaction is refused as a whole."""
    without(LEDGER_TOPIC, AclOperation.WRITE)

    with pytest.raises(RefusedError) as refused:
        _send(publisher)
    assert TOPIC_REFUSED in refused.value.why
    assert check_topics(publisher, [LEDGER_TOPIC]) == {
        LEDGER_TOPIC: "The Kafka user less may not write nightmail_ledger: grant it"
        " Write."
    }


def test_without_its_transactional_ids(
    publisher: KafkaAccess, without: Callable[[str, AclOperation], None]
) -> None:
    """No transaction begins, and the sentence says what to grant."""
    without("nightmail", AclOperation.WRITE)

    with pytest.raises(
        SettingsError, match=r"may not use the transactional id .* grant"
    ):
        _send(publisher)


TOPIC_REFUSED = "TOPIC_AUTHORIZATION_FAILED"
CLUSTER_REFUSED = "CLUSTER_AUTHORIZATION_FAILED"
GROUP_REFUSED = "GROUP_AUTHORIZATION_FAILED"

FORBIDDEN: dict[str, tuple[str, Deed]] = {
    "make a topic": (
        TOPIC_REFUSED,
        lambda admin: admin.create_topics([NewTopic(f"{PREFIX}new", 1, 1)]),
    ),
    "delete a topic": (TOPIC_REFUSED, lambda admin: admin.delete_topics([TOPIC])),
    "delete the ledger": (
        TOPIC_REFUSED,
        lambda admin: admin.delete_topics([LEDGER_TOPIC]),
    ),
    "add partitions": (
        TOPIC_REFUSED,
        lambda admin: admin.create_partitions([NewPartitions(TOPIC, 9)]),
    ),
    "delete records": (
        TOPIC_REFUSED,
        lambda admin: admin.delete_records([TopicPartition(TOPIC, 0, 0)]),
    ),
    "alter a topic's settings": (
        TOPIC_REFUSED,
        lambda admin: admin.incremental_alter_configs(
            [
                ConfigResource(
                    ResourceType.TOPIC,
                    TOPIC,
                    incremental_configs=[
                        ConfigEntry(
                            "retention.ms",
                            "1",
                            incremental_operation=AlterConfigOpType.SET,
                        )
                    ],
                )
            ]
        ),
    ),
    "see a topic's settings": (
        TOPIC_REFUSED,
        lambda admin: admin.describe_configs(
            [ConfigResource(ResourceType.TOPIC, TOPIC)]
        ),
    ),
    "see a broker's settings": (
        CLUSTER_REFUSED,
        lambda admin: admin.describe_configs(
            [ConfigResource(ResourceType.BROKER, "1")]
        ),
    ),
    "make a user": (
        CLUSTER_REFUSED,
        lambda admin: admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(
                    "mallory",
                    ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096),
                    b"a password",
                )
            ]
        ),
    ),
    "grant a right": (
        CLUSTER_REFUSED,
        lambda admin: admin.create_acls(
            [
                AclBinding(
                    ResourceType.TOPIC,
                    "*",
                    ResourcePatternType.LITERAL,
                    "User:less",
                    "*",
                    AclOperation.ALL,
                    AclPermissionType.ALLOW,
                )
            ]
        ),
    ),
    "see a group": (
        GROUP_REFUSED,
        lambda admin: admin.describe_consumer_groups(["somebody"]),
    ),
    "see how far a group is": (
        GROUP_REFUSED,
        lambda admin: admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions("somebody", [TopicPartition(TOPIC, 0)])]
        ),
    ),
    "move a group": (
        GROUP_REFUSED,
        lambda admin: admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions("somebody", [TopicPartition(TOPIC, 0, 0)])]
        ),
    ),
}
"""What the publisher has no business to do, and how Kafka refuses it."""


@pytest.mark.parametrize("deed", FORBIDDEN)
def test_it_may_not_administer(publisher: KafkaAccess, deed: str) -> None:
    """Kafka refuses it by name."""
    refusal, ask = FORBIDDEN[deed]
    admin = AdminClient(dict(publisher.publisher), logger=silent_logger())

    with pytest.raises(KafkaException) as refused:
        [answer.result(20) for answer in ask(admin).values()]

    assert refused.value.args[0].name() == refusal


@pytest.mark.usefixtures("publisher")
@pytest.mark.parametrize("deed", [deed for deed in FORBIDDEN if "group" not in deed])
def test_nor_may_the_anonymous(kafka: KafkaAccess, deed: str) -> None:
    """Whoever does not log in reads, and is refused all of this by name."""
    refusal, ask = FORBIDDEN[deed]
    config: dict[str, Any] = {"bootstrap.servers": kafka.public_servers}
    admin = AdminClient(config, logger=silent_logger())

    with pytest.raises(KafkaException) as refused:
        [answer.result(20) for answer in ask(admin).values()]

    assert refused.value.args[0].name() == refusal


def test_it_may_not_write_elsewhere(publisher: KafkaAccess) -> None:
    """A topic of another prefix is refused, within a transaction too."""
    with pytest.raises(RefusedError) as refused:
        _send(publisher, OTHER)

    assert list(refused.value.topics) == [OTHER]


def test_it_may_not_use_another_id(publisher: KafkaAccess) -> None:
    """A transactional id that does not begin as ours is refused."""
    with pytest.raises(SettingsError, match="may not use the transactional id others"):
        Transactor(publisher.publisher, "others.ztf")


def test_it_may_not_read(publisher: KafkaAccess) -> None:
    """It reads no alerts, not even its own."""
    assert _read(publisher, TOPIC) == TOPIC_REFUSED


def test_it_may_not_see_other_topics(publisher: KafkaAccess) -> None:
    """It is told its own, and is refused the others by name."""
    admin = AdminClient(dict(publisher.publisher), logger=silent_logger())

    told = admin.list_topics(timeout=20).topics
    asked = admin.list_topics(OTHER, timeout=20).topics[OTHER]

    assert set(told) == {TOPIC, LEDGER_TOPIC}
    assert asked.error
    assert asked.error.name() == TOPIC_REFUSED


def test_it_may_not_join_a_group(publisher: KafkaAccess) -> None:
    """No group is open to it, not even one of our name."""
    config = {**publisher.publisher, "group.id": "nightmail.any"}
    consumer = Consumer(config, logger=silent_logger())
    consumer.subscribe([LEDGER_TOPIC])

    answer = consumer.poll(20)
    consumer.close()

    assert answer is not None
    error = answer.error()
    assert error is not None
    assert error.name() == GROUP_REFUSED


def _filter(principal: str, name: str | None, right: AclOperation) -> AclBindingFilter:
    anything: Any = None
    return AclBindingFilter(
        ResourceType.ANY,
        name or anything,
        ResourcePatternType.ANY,
        principal,
        anything,
        right,
        AclPermissionType.ANY,
    )


def _read_ledger(access: KafkaAccess) -> None:
    with LedgerReader(access.publisher) as reader:
        reader.read([0], NIGHT)


def _send(access: KafkaAccess, topic: str = TOPIC) -> None:
    """Send an alert, and what the ledger says of it."""
    alert = Record(topic, 0, b"key", b"alert")
    row = Record(LEDGER_TOPIC, 0, b"other", b"row")
    Transactor(access.publisher, OWNER).send([alert], lambda _: [row])


def _read(access: KafkaAccess, topic: str) -> str:
    """Give the name of the error with which reading is refused."""
    config = {**access.publisher, "group.id": "any"}
    consumer = Consumer(config, logger=silent_logger())
    consumer.assign([TopicPartition(topic, 0, 0)])
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end:
            message = consumer.poll(1)
            error = message.error() if message else None
            if error and error.name() != GROUP_REFUSED:
                return str(error.name())
            assert message is None or error
    finally:
        consumer.close()
    return "nothing"


def _await(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)
