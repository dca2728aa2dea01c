"""Kafka users with a password."""

from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from cluster.access import KafkaAccess, open_admin
from cluster.answers import wait_for

ITERATIONS = 4096
"""How often SCRAM hashes a password: Kafka's least, and its own default.

Each costs a client 1.6 µs when it logs in, which a transactional producer does three
times; a password of ours is random, so that more would not make it safer.
"""


def ensure_user(access: KafkaAccess, name: str, *, password: str) -> None:
    """Make a user, or give one that is there this password.

    Raises
    ------
    SettingsError
        The administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    wished = UserScramCredentialUpsertion(name, how, password.encode())
    # Kept until it has answered: a client that is dropped drops its requests.
    admin = open_admin(access)
    answers = admin.alter_user_scram_credentials([wished]).values()
    deed, right = f"make the user {name}", "Alter on the cluster"
    wait_for(answers, access, deed=deed, right=right)
