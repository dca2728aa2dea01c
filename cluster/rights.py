"""Who may do what: rights that are granted, all of them safe to grant again."""

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from cluster.access import KafkaAccess, open_admin
from cluster.answers import wait_for
from settings.names import GROUP_PREFIX, LEDGER_TOPIC

ANONYMOUS = "ANONYMOUS"
"""What Kafka calls whoever does not log in."""

READING = (AclOperation.READ, AclOperation.DESCRIBE)


def grant_public(access: KafkaAccess, prefix: str) -> None:
    """Let everybody read the topics of a prefix, in any group but ours.

    Parameters
    ----------
    access
        Its administrator grants.
    prefix
        Beginning of the topics' names; empty for all topics but the ledger.

    Raises
    ------
    SettingsError
        The administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    _grant(
        access,
        *(_allow(ANONYMOUS, ResourceType.TOPIC, prefix, can) for can in READING),
        _allow(ANONYMOUS, ResourceType.GROUP, "", AclOperation.READ),
        # Without it anybody could move the offsets of our own groups.
        _deny(ResourceType.GROUP, GROUP_PREFIX, ResourcePatternType.PREFIXED),
        _deny(ResourceType.TOPIC, LEDGER_TOPIC, ResourcePatternType.LITERAL),
    )


def grant_publisher(access: KafkaAccess, prefix: str, *, user: str) -> None:
    """Let a user publish on the topics of a prefix, and read and write the ledger.

    Nothing else: it can neither make topics, which the administrator does, nor read
    what it has sent. Whoever may write may describe, too.

    Parameters
    ----------
    access
        Its administrator grants.
    prefix
        Beginning of the topics' names; empty for all topics.
    user
        Who logs in to publish.

    Raises
    ------
    SettingsError
        The administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    _grant(
        access,
        _allow(user, ResourceType.TOPIC, prefix, AclOperation.WRITE),
        _allow_ledger(user, AclOperation.READ),
        _allow_ledger(user, AclOperation.WRITE),
        _allow(user, ResourceType.TRANSACTIONAL_ID, GROUP_PREFIX, AclOperation.WRITE),
    )


def _allow(user: str, kind: ResourceType, prefix: str, can: AclOperation) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if prefix else ResourcePatternType.LITERAL
    allow = AclPermissionType.ALLOW
    return AclBinding(kind, prefix or "*", pattern, f"User:{user}", "*", can, allow)


def _allow_ledger(user: str, can: AclOperation) -> AclBinding:
    pattern, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    topic = ResourceType.TOPIC
    return AclBinding(topic, LEDGER_TOPIC, pattern, f"User:{user}", "*", can, allow)


def _deny(kind: ResourceType, name: str, pattern: ResourcePatternType) -> AclBinding:
    everything, deny = AclOperation.ALL, AclPermissionType.DENY
    return AclBinding(kind, name, pattern, f"User:{ANONYMOUS}", "*", everything, deny)


def _grant(access: KafkaAccess, *rights: AclBinding) -> None:
    # Kept until it has answered: a client that is dropped drops its requests.
    admin = open_admin(access)
    answers = admin.create_acls(list(rights)).values()
    wait_for(answers, access, deed="grant rights", right="Alter on the cluster")
