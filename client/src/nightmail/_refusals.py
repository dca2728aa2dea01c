"""What Kafka refuses, each in one sentence: who, what, and what to do."""

import re

from confluent_kafka import KafkaError

__all__ = ["REFUSED", "explain_refusal"]

_AUTHENTICATION = KafkaError._AUTHENTICATION  # noqa: SLF001

_SENTENCES = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: (
        "{who} may not {deed} the topic {name} at {servers}, or there is none: ask its"
        " operator for the right."
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "{who} may not use the group {name} at {servers}: take a group that you were"
        " given, or ask its operator for the right."
    ),
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        "{who} may not use the transactional id {name} at {servers}: ask its operator"
        " for the right to write with it."
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: (
        "{who} may not {deed} anything at {servers}: ask its operator for the right."
    ),
}

REFUSED = frozenset({_AUTHENTICATION, *_SENTENCES})
"""Codes of what is refused, and would be again."""


def explain_refusal(
    error: KafkaError,
    *,
    servers: str,
    user: str | None,
    name: str = "",
    deed: str = "read",
) -> str:
    """Say in one sentence what Kafka refused.

    Parameters
    ----------
    error
        One whose code is in `REFUSED`.
    servers
        Where Kafka is.
    user
        Who logged in; None for nobody.
    name
        Topic, group or transactional id.
    deed
        `read` or `write`.
    """
    who = f"The Kafka user {user}" if user else "Whoever does not log in"
    if error.code() == _AUTHENTICATION:
        return f"Kafka at {servers} does not let {user or 'you'} log in: {_why(error)}."
    sentence = _SENTENCES[error.code()]
    return sentence.format(who=who, servers=servers, name=name, deed=deed)


def _why(error: KafkaError) -> str:
    if "invalid credentials" in error.str():
        return "the name or the password is wrong, or the user was removed"
    if "not valid in current SASL state" in error.str():
        return (
            "this port takes no password; remove username and password, or ask for the"
            " port of users who log in"
        )
    words = re.sub(r"^\S+/(bootstrap|\d+): ", "", error.str())
    return re.sub(r" \(after \d+ms in state .*", "", words)
