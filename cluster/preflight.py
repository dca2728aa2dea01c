"""What the broker would refuse a publisher, asked before anything is sent."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AclOperation,
    AdminClient,
    ConfigResource,
    ResourceType,
)

from cluster.access import KafkaAccess, make_admin
from cluster.answers import ANSWER_S, translate
from cluster.properties import MAX_MESSAGE_BYTES
from nightmail.silence import silent_logger
from settings.names import LEDGER_TOPIC

LEAST_MESSAGE_BYTES = 1_048_588
"""Least `max.message.bytes` of a topic that is sent to [byte].

Kafka's own default: a batch of ours has up to 1 MB. A larger alert needs more, and a
topic that takes less is found out when it is sent.
"""

SIZE = "max.message.bytes"
"""Kafka's name of the largest batch that a topic takes."""

DEED = "ask for the topics"
"""What this is, in a sentence about why it failed."""


def check_topics(access: KafkaAccess, names: Collection[str]) -> dict[str, str]:
    """Find the topics that would refuse what is sent to them.

    Parameters
    ----------
    access
        Its publisher is who asks, so that the answers are those it will meet.
    names
        Topics that are to be sent to.

    Returns
    -------
    dict of str
        One sentence for each topic that is missing, that the publisher may not write,
        or whose batches are too small. Where the administrator may not see a topic's
        settings its size is not known, and no reason to refuse it.

    Raises
    ------
    BrokerUnavailableError
        Kafka does not answer.
    """
    config: dict[str, Any] = {**access.publisher, "logger": silent_logger()}
    admin = AdminClient(config)
    user = str(access.publisher.get("sasl.username", "ANONYMOUS"))
    topics = sorted(set(names))
    refused = dict(_find_unwritable(admin, access, topics, user=user))
    willing = [name for name in topics if name not in refused]
    # To send, one need not see a topic's settings.
    administrator = make_admin(access, on_error=lambda _: None)
    return refused | dict(_find_small(administrator, willing))


def _find_unwritable(
    admin: AdminClient, access: KafkaAccess, names: Sequence[str], *, user: str
) -> Iterator[tuple[str, str]]:
    answers = admin.describe_topics(
        TopicCollection(list(names)),
        include_authorized_operations=True,
        request_timeout=ANSWER_S,
    )
    for name, answer in answers.items():
        try:
            granted = answer.result().authorized_operations
        except KafkaException as error:
            yield name, _explain(error, access, name, user=user)
            continue
        if granted is None:
            continue  # a broker that does not tell: sending will
        if missing := [right.name for right in _needed(name) if right not in granted]:
            lacking = " and ".join(right.title() for right in missing)
            why = f"The Kafka user {user} may not write {name}: grant it {lacking}."
            yield name, why


def _needed(name: str) -> tuple[AclOperation, ...]:
    """Rights without which nothing can be sent; the ledger is read, too."""
    reading = (AclOperation.READ,) if name == LEDGER_TOPIC else ()
    return (*reading, AclOperation.WRITE, AclOperation.DESCRIBE)


def _explain(
    error: KafkaException, access: KafkaAccess, name: str, *, user: str
) -> str:
    code = error.args[0].code()
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return f"There is no topic {name}: have it made, or grant us Create on it."
    if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return (
            f"The Kafka user {user} may not see the topic {name}, if there is one: have"
            " it made, and grant that user Describe and Write on it."
        )
    raise translate(error, access, deed=DEED, right="Describe on the topics")


def _find_small(admin: AdminClient, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not names:
        return
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    for resource, answer in admin.describe_configs(
        asked, request_timeout=ANSWER_S
    ).items():
        size = _read_size(answer)
        if size is not None and size < LEAST_MESSAGE_BYTES:
            why = (
                f"The topic {resource.name} takes batches of {size:,} bytes at most:"
                f" set its {SIZE} to {MAX_MESSAGE_BYTES}."
            )
            yield resource.name, why


def _read_size(answer: Any) -> int | None:
    """Give a topic's largest batch [byte]; None where we may not see its settings."""
    try:
        return int(answer.result()[SIZE].value)
    except (KafkaException, KeyError):
        return None
