"""A cluster that exists: one user with the rights of docs/cluster.md, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from cluster.access import KafkaAccess, connect, open_admin
from cluster.topics import ensure_ledger
from cluster.users import ensure_user
from flows.verify import verify
from settings.model import Kafka, Settings
from settings.names import GROUP_PREFIX, LEDGER_TOPIC
from tests.tasks.conftest import Walked, access, walk

__all__ = ["access", "walk"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

USER = "their-nightmail"
PASSWORD = "a password of theirs"  # noqa: S105 - of a test

TOPIC, IDS = ResourceType.TOPIC, ResourceType.TRANSACTIONAL_ID
LITERAL, PREFIXED = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED


@pytest.fixture
def theirs(settings: Settings, access: KafkaAccess) -> Settings:
    """Give settings that name the cluster, and a user with the rights of the page."""
    ensure_ledger(access, settings)
    ensure_user(access, USER, password=PASSWORD)
    prefix = settings.topics.prefix
    rights = [
        *((TOPIC, prefix, PREFIXED, can) for can in ("WRITE", "CREATE", "READ")),
        *((TOPIC, LEDGER_TOPIC, LITERAL, can) for can in ("READ", "WRITE")),
        (IDS, GROUP_PREFIX, PREFIXED, "WRITE"),
    ]
    who, allow = (f"User:{USER}", "*"), AclPermissionType.ALLOW
    wished = [
        AclBinding(kind, name, pattern, *who, AclOperation[can], allow)
        for kind, name, pattern, can in rights
    ]
    admin = open_admin(access)
    [answer.result(20) for answer in admin.create_acls(wished).values()]
    kafka = {
        "bootstrap_servers": access.bootstrap_servers,
        "username": USER,
        "password": PASSWORD,
    }
    return settings.model_copy(update={"kafka": Kafka.model_validate(kafka)})


def test_these_rights_suffice(
    theirs: Settings, simulated_night: Callable[..., Path], walk: Callable[..., Walked]
) -> None:
    """Topics are made, the night is sent, and verify finds all of it."""
    simulated_night(alerts=100)

    walked = walk(access=connect(theirs))
    found = verify(theirs, survey="ztf", night="20260301")

    assert walked.summary.status == "complete"
    assert sum(walked.delivered.values()) > 0
    assert found.problems == ()
    assert found.agrees
