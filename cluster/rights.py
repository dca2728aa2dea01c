"""Who may do what: rights that are granted, all of them safe to grant again."""

from dataclasses import replace

from cluster.access import KafkaAccess
from cluster.acls import ANYTHING, Rule, grant_rules, rule
from settings.names import GROUP_PREFIX, LEDGER_TOPIC

ANONYMOUS = "ANONYMOUS"
"""What Kafka calls whoever does not log in."""

READING = ("READ", "DESCRIBE")


def public_rules(prefix: str) -> list[Rule]:
    """Give what lets everybody read the topics of a prefix, in any group but ours.

    Parameters
    ----------
    prefix
        Beginning of the topics' names; empty for all topics but the ledger.
    """
    topics, ours = f"{prefix}{ANYTHING}", f"{GROUP_PREFIX}{ANYTHING}"
    return [
        *(rule(ANONYMOUS, "topic", topics, can) for can in READING),
        rule(ANONYMOUS, "group", ANYTHING, "READ"),
        # Without it anybody could move the offsets of our own groups.
        _deny("group", ours),
        _deny("topic", LEDGER_TOPIC),
    ]


def closing_rule(prefix: str) -> Rule:
    """Give what forbids everybody to read, whatever `public_rules` allows."""
    return _deny("topic", f"{prefix}{ANYTHING}")


def publisher_rules(prefix: str, *, user: str) -> list[Rule]:
    """Give what lets a user publish, and read and write the ledger.

    Parameters
    ----------
    prefix
        Beginning of the topics' names; empty for all topics.
    user
        Who logs in to publish.
    """
    topics, ours = f"{prefix}{ANYTHING}", f"{GROUP_PREFIX}{ANYTHING}"
    return [
        rule(user, "topic", topics, "WRITE"),
        rule(user, "topic", LEDGER_TOPIC, "READ"),
        rule(user, "topic", LEDGER_TOPIC, "WRITE"),
        rule(user, "transactional_id", ours, "WRITE"),
    ]


def grant_public(access: KafkaAccess, prefix: str) -> None:
    """Let everybody read the topics of a prefix, in any group but ours.

    Parameters
    ----------
    access
        Its administrator grants.
    prefix
        As for `public_rules`.

    Raises
    ------
    SettingsError
        The administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    grant_rules(access, public_rules(prefix))


def grant_publisher(access: KafkaAccess, prefix: str, *, user: str) -> None:
    """Let a user publish on the topics of a prefix, and read and write the ledger.

    Nothing else: it can neither make topics, which the administrator does, nor read
    what it has sent. Whoever may write may describe, too.

    Parameters
    ----------
    access
        Its administrator grants.
    prefix, user
        As for `publisher_rules`.

    Raises
    ------
    SettingsError
        The administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    grant_rules(access, publisher_rules(prefix, user=user))


def _deny(kind: str, target: str) -> Rule:
    return replace(rule(ANONYMOUS, kind, target, "ALL"), is_allowed=False)
