"""Users, rights and topics outlive a clean restart and a kill."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from cluster import local
from cluster.access import KafkaAccess, connect, open_admin
from cluster.topics import ensure_topics
from cluster.users import ensure_user
from nightmail.silence import silent_logger
from settings.model import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TOPIC = "restricted_any_ztf"
SECRET = "what only alice knows"  # noqa: S105 - of a test


@pytest.fixture(scope="module")
def own_settings(
    make_settings: Callable[[Path], Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """Give the settings of a Kafka with a user who may read one topic of one record."""
    settings = make_settings(tmp_path_factory.mktemp("survival"))
    local.start(settings)
    access = connect(settings)
    ensure_topics(access, settings, [TOPIC], partitions=1)
    ensure_user(access, "alice", password=SECRET)
    _grant(access)
    producer = Producer({**access.admin}, logger=silent_logger())
    producer.produce(TOPIC, b"alert", partition=0)
    assert producer.flush(20) == 0
    yield settings
    local.stop(settings)


def _stop(settings: Settings) -> None:
    local.stop(settings)


def _kill(settings: Settings) -> None:
    pid = local.status(settings).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while local.status(settings).running:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert local.status(settings).died


@pytest.mark.parametrize("end", [_stop, _kill])
def test_it_is_all_there_again(
    own_settings: Settings, end: Callable[[Settings], None]
) -> None:
    """The same rights; the user logs in and reads; others are refused as before."""
    before = _rights(connect(own_settings))

    end(own_settings)
    local.start(own_settings)
    access = connect(own_settings)

    assert _rights(access) == before
    assert len({right for right in before if "User:alice" in right}) == 2
    assert _read(access, "alice", SECRET) == b"alert"
    assert _read(access, "alice", "wrong") == KafkaError._AUTHENTICATION
    assert _read(access, None, None) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def _grant(access: KafkaAccess) -> None:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    rights = [
        AclBinding(kind, name, literal, "User:alice", "*", AclOperation.READ, allow)
        for kind, name in ((ResourceType.TOPIC, TOPIC), (ResourceType.GROUP, "alice"))
    ]
    admin = open_admin(access)
    [answer.result(20) for answer in admin.create_acls(rights).values()]


def _rights(access: KafkaAccess) -> set[str]:
    anything: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    admin = open_admin(access)
    return {str(right) for right in admin.describe_acls(everything).result(20)}


def _read(access: KafkaAccess, user: str | None, password: str | None) -> Any:
    """Give the first record's value, or the code of the refusal."""
    heard: list[KafkaError] = []
    login = {"sasl.username": user, "sasl.password": password} if user else {}
    config = {
        **(access.admin if user else {"bootstrap.servers": access.public_servers}),
        **login,
        "group.id": "alice",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "error_cb": heard.append,
    }
    consumer: Any = Consumer(config, logger=silent_logger())
    consumer.subscribe([TOPIC])
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end:
            message = consumer.poll(0.1)
            if message is not None:
                return message.error().code() if message.error() else message.value()
            if refused := [e for e in heard if e.code() == KafkaError._AUTHENTICATION]:
                return refused[0].code()
    finally:
        consumer.close()
    return None
