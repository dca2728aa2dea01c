"""Topics, made if they are missing, never changed."""

import os
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from cluster.access import KafkaAccess, has_leaders, open_admin
from cluster.answers import ANSWER_S, ask_topics, no_topic, wait_for
from cluster.groups import active, list_groups
from cluster.properties import MAX_MESSAGE_BYTES
from settings import Settings
from settings.errors import BrokerUnavailableError, ClusterError, SettingsError
from settings.names import LEDGER_PARTITIONS, LEDGER_TOPIC

RIGHT = "Create on that topic, or Describe if it is there already"
"""What an administrator who may not make a topic lacks."""

PAUSE_S = 0.05
"""Time between two looks at a topic that is being made [s]."""


def ensure_topics(  # noqa: PLR0913 - one for each wish
    access: KafkaAccess,
    settings: Settings,
    names: Sequence[str],
    *,
    config: Mapping[str, str] | None = None,
    partitions: int | None = None,
    replication: int | None = None,
) -> list[str]:
    """Make the topics that are missing; those that are there stay as they are.

    Parameters
    ----------
    access
        Its administrator makes them.
    settings
        `topics` has their partitions, copies and retention. On the local Kafka there
        are as many copies as it has brokers, at most three.
    names
        Wished topics.
    config
        Topic settings of Kafka that differ from ours.
    partitions
        How many of each, if not what the settings say.
    replication
        Copies of each, likewise.

    Returns
    -------
    list of str
        Those that were made, which can be written now.

    Raises
    ------
    SettingsError
        The administrator may not make a topic, or the settings ask the impossible;
        the others are made before it is raised.
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    cluster = ask_topics(admin, access)
    config = {
        "retention.ms": str(settings.topics.retention_ms),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        **(config or {}),
    }
    wished = [
        NewTopic(
            name,
            partitions or settings.topics.partitions,
            replication or access.copies or settings.topics.replication,
            config=config,
        )
        for name in dict.fromkeys(names)
        if name not in cluster.topics
    ]
    made, refusals = _create(admin, access, wished) if wished else ([], [])
    if not refusals:
        _await_leaders(admin, access, [topic.topic for topic in wished])
        return made
    _await_leaders(admin, access, made)
    raise refusals[0]


def ensure_ledger(access: KafkaAccess, settings: Settings) -> bool:
    """Make the ledger if it is missing: compacted, kept for ever.

    Its partitions are the shards of every night, so they never change. On the local
    Kafka there are two for each core: to own one takes a producer that logs in.

    Returns
    -------
    bool
        Whether it was made now.

    Raises
    ------
    SettingsError
        The administrator may not make it.
    BrokerUnavailableError
        Kafka does not answer.
    """
    forever = {"cleanup.policy": "compact", "retention.ms": "-1"}
    made = ensure_topics(
        access, settings, [LEDGER_TOPIC], config=forever, partitions=_shards(access)
    )
    return bool(made)


def _shards(access: KafkaAccess) -> int:
    """Count the shards that a new ledger has."""
    return 2 * (os.cpu_count() or 1) if access.local else LEDGER_PARTITIONS


def count_partitions(access: KafkaAccess) -> dict[str, int]:
    """Count the partitions of every topic that there is, the ledger among them.

    Raises
    ------
    ClusterError
        There is no ledger, or we may not see it.
    BrokerUnavailableError
        Kafka does not answer.
    """
    # Asking for one topic by name would make it where a cluster makes them by itself.
    topics = ask_topics(open_admin(access), access).topics
    if LEDGER_TOPIC not in topics:
        raise ClusterError(
            f"There is no topic {LEDGER_TOPIC} at {access.bootstrap_servers}, or we may"
            " not see it: have it made, and grant Describe on it."
        )
    return {name: len(found.partitions) for name, found in topics.items()}


def delete_topic(access: KafkaAccess, name: str, *, even_if_read: bool = False) -> None:
    """Delete a topic with all that is on it.

    Parameters
    ----------
    access
        Its administrator deletes.
    name
        The topic.
    even_if_read
        Also if somebody reads it, and even if it is the ledger.

    Raises
    ------
    NothingThereError
        There is no such topic.
    SettingsError
        It is read just now, is the ledger or Kafka's own, or we may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    if name not in ask_topics(admin, access).topics:
        raise no_topic(access, name)
    _check_deletable(access, name, even_if_read=even_if_read)
    answers = admin.delete_topics([name], request_timeout=ANSWER_S).values()
    deed, right = f"delete the topic {name}", "Delete on that topic"
    wait_for(answers, access, deed=deed, right=right)


def _check_deletable(access: KafkaAccess, name: str, *, even_if_read: bool) -> None:
    if name.startswith("__"):
        raise SettingsError(f"{name} is Kafka's own, and is not deleted.")
    if even_if_read:
        return
    if name == LEDGER_TOPIC:
        raise SettingsError(
            f"{name} is the memory of what was sent: without it nights are sent again."
            " If that is meant, add --force."
        )
    if groups := active(list_groups(access), name):
        names = ", ".join(group.name for group in groups)
        raise SettingsError(
            f"{name} is being read by {names}: have it stopped, or add --force."
        )


def _create(
    admin: AdminClient, access: KafkaAccess, wished: list[NewTopic]
) -> tuple[list[str], list[SettingsError]]:
    """Give the topics that were made, and why others were not."""
    made, refusals = [], []
    for name, answer in admin.create_topics(wished, request_timeout=ANSWER_S).items():
        if _exists_already(answer.exception(ANSWER_S)):
            continue
        try:
            wait_for([answer], access, deed=f"create the topic {name}", right=RIGHT)
            made.append(name)
        except SettingsError as refusal:
            refusals.append(refusal)
    return made, refusals


def _exists_already(error: BaseException | None) -> bool:
    return (
        isinstance(error, KafkaException)
        and error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    )


def _await_leaders(admin: AdminClient, access: KafkaAccess, names: list[str]) -> None:
    """Wait until new topics can be written, on a large cluster a while later."""
    end = time.monotonic() + ANSWER_S
    while names:
        topics = ask_topics(admin, access).topics
        names = [
            name
            for name in names
            if name not in topics or not has_leaders(topics[name])
        ]
        if names and time.monotonic() > end:
            raise BrokerUnavailableError(
                f"The new topic {names[0]} at {access.bootstrap_servers} has no leader"
                " yet: try again later."
            )
        time.sleep(PAUSE_S if names else 0)
