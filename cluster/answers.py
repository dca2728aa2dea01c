"""What Kafka answers an administrator, as errors of ours."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from cluster.access import KafkaAccess
from settings.errors import (
    BrokerUnavailableError,
    ClusterError,
    NightmailError,
    NothingThereError,
    SettingsError,
)

ANSWER_S = 30.0
"""How long one request may take [s]."""

FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
"""Somebody else must grant something first."""

UNAVAILABLE = frozenset(
    {
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
"""It may work later; librdkafka's own failures, all below UNKNOWN, likewise."""

WRONG = frozenset(
    {
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_CONFIG,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.UNACCEPTABLE_CREDENTIAL,
    }
)
"""What was asked for is refused, and would be again."""


def wait_for(
    answers: Iterable[Future[Any]], access: KafkaAccess, *, deed: str, right: str
) -> list[Any]:
    """Wait for all answers of one request, and give them.

    Parameters
    ----------
    answers
        Of the admin client.
    access
        Whom was asked, and who asked.
    deed
        What was asked, as "create the topic fink_x_ztf".
    right
        What to grant where it is not allowed, as "Create on that topic".

    Raises
    ------
    SettingsError
        A right is missing, or what was asked is not possible.
    BrokerUnavailableError
        Kafka does not answer.
    ClusterError
        Anything else.
    """
    try:
        return [answer.result(ANSWER_S) for answer in answers]
    except KafkaException as error:
        raise translate(error, access, deed=deed, right=right) from error
    except TimeoutError as error:
        raise _unavailable(access, deed) from error


@contextmanager
def answered(access: KafkaAccess, *, deed: str, right: str) -> Iterator[None]:
    """Translate what Kafka answers to the requests inside; as `wait_for`.

    Raises
    ------
    SettingsError, BrokerUnavailableError, ClusterError
        As `wait_for`.
    """
    try:
        yield
    except KafkaException as error:
        raise translate(error, access, deed=deed, right=right) from error


def ask_topics(admin: AdminClient, access: KafkaAccess) -> ClusterMetadata:
    """Ask for the topics that there are, and their partitions.

    Raises
    ------
    BrokerUnavailableError
        Kafka does not answer.
    """
    with answered(access, deed="list the topics", right="Describe on the topics"):
        return admin.list_topics(timeout=ANSWER_S)


def no_topic(access: KafkaAccess, name: str) -> NothingThereError:
    """Say that a topic is not there; Kafka hides those that one may not see."""
    return NothingThereError(
        f"There is no topic {name} at {access.bootstrap_servers}, or we may not see it:"
        " see `nightmail topics`."
    )


def translate(
    error: KafkaException, access: KafkaAccess, *, deed: str, right: str
) -> NightmailError:
    """Say in a sentence what Kafka answered; the arguments are `wait_for`'s."""
    answer: KafkaError = error.args[0]
    where = access.bootstrap_servers
    if answer.code() in FORBIDDEN:
        user = access.admin.get("sasl.username", "ANONYMOUS")
        return SettingsError(
            f"The Kafka user {user} may not {deed} at {where}: grant it {right}."
        )
    if answer.code() == KafkaError.SECURITY_DISABLED:
        return SettingsError(
            f"Kafka at {where} keeps no rights, so nobody can {deed}: give its brokers"
            " an authorizer (authorizer.class.name)."
        )
    if answer.code() in WRONG:
        return SettingsError(f"Kafka at {where} will not {deed}: {answer.str()}")
    if answer.code() < KafkaError.UNKNOWN or answer.code() in UNAVAILABLE:
        return _unavailable(access, deed)
    return ClusterError(f"Kafka at {where} could not {deed}: {answer.str()}")


def _unavailable(access: KafkaAccess, deed: str) -> NightmailError:
    return BrokerUnavailableError(
        f"Kafka at {access.bootstrap_servers} does not answer when asked to {deed}: try"
        " again later."
    )
