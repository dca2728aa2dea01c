"""Kafka users with a password."""

import secrets
from dataclasses import dataclass

from confluent_kafka.admin import (
    AclOperation,
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from cluster.access import KafkaAccess, open_admin
from cluster.acls import ALTER, DESCRIBE, Rule, check_right, list_rules, remove_rules
from cluster.answers import wait_for
from cluster.properties import ADMINISTRATOR
from cluster.rights import ANONYMOUS
from settings.errors import NothingThereError, SettingsError
from settings.names import PUBLISHER

ITERATIONS = 4096
"""How often SCRAM hashes a password: Kafka's least, and its own default.

Each costs a client 1.6 µs when it logs in, which a transactional producer does three
times; a password of ours is random, so that more would not make it safer.
"""

PASSWORD_BYTES = 24
"""Random bytes of a password that is made here [bytes]: 32 characters."""

OURS = frozenset({ADMINISTRATOR, PUBLISHER})
"""Users of the local Kafka, without whom it does not work."""


@dataclass(frozen=True, order=True)
class User:
    """A user who has a password."""

    name: str
    mechanisms: tuple[str, ...]
    """How it may log in, as `SCRAM-SHA-512`; each with its own stored keys."""


def make_password() -> str:
    """Make a password that nobody can guess: letters, digits, - and _."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


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
    wait_for(answers, access, deed=f"make the user {name}", right=ALTER)


def list_users(access: KafkaAccess) -> list[User]:
    """List the users that have a password, sorted.

    Raises
    ------
    SettingsError
        The administrator may not see them.
    BrokerUnavailableError
        Kafka does not answer.
    """
    return _list(open_admin(access), access)


def add_user(access: KafkaAccess, name: str, *, password: str) -> None:
    """Make a new user.

    Raises
    ------
    SettingsError
        The name or the password cannot be, there is one of that name, or the
        administrator may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    if name in {user.name for user in list_users(access)}:
        raise SettingsError(
            f"There is a user {name} already: give it a new password by `nightmail"
            f" users passwd {name}`, or choose another name."
        )
    set_password(access, name, password=password)


def change_password(access: KafkaAccess, name: str, *, password: str) -> None:
    """Give a user a new password; who is connected stays so until it logs in again.

    Raises
    ------
    NothingThereError
        There is no such user.
    SettingsError
        The password cannot be, the user is one of ours, or we may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    require_user(access, name)
    set_password(access, name, password=password)


def set_password(access: KafkaAccess, name: str, *, password: str) -> None:
    """Make a user, or give one that is there a new password.

    Raises
    ------
    SettingsError
        The name or the password cannot be, the user is one of ours, or we may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    check_user(name)
    check_password(password)
    _refuse_ours(access, name)
    ensure_user(access, name, password=password)


def remove_user(access: KafkaAccess, name: str) -> list[Rule]:
    """Remove a user's rights, and then the user.

    Kafka leaves open what is connected: without rights, its next request is refused.

    Returns
    -------
    list of Rule
        Rights that were removed.

    Raises
    ------
    NothingThereError
        There is no such user, and no right of its name.
    SettingsError
        The user is one of ours, or we may not.
    BrokerUnavailableError
        Kafka does not answer.
    """
    _refuse_ours(access, name)
    if name == access.admin.get("sasl.username"):
        raise SettingsError(f"{name} is who we log in as: remove it as somebody else.")
    admin = open_admin(access)
    rules = list_rules(access, user=name)
    there = next((user for user in _list(admin, access) if user.name == name), None)
    if not there and not rules:
        raise _no_user(access, name)
    removed = remove_rules(access, rules)
    if there:
        gone: list[UserScramCredentialAlteration] = [
            UserScramCredentialDeletion(name, ScramMechanism[how.replace("-", "_")])
            for how in there.mechanisms
        ]
        answers = admin.alter_user_scram_credentials(gone).values()
        wait_for(answers, access, deed=f"remove the user {name}", right=ALTER)
    return removed


def require_user(access: KafkaAccess, name: str) -> None:
    """Refuse a user that there is not.

    Raises
    ------
    NothingThereError
        There is no such user.
    SettingsError, BrokerUnavailableError
        As `list_users`.
    """
    if name not in {user.name for user in list_users(access)}:
        raise _no_user(access, name)


def check_user(name: str) -> None:
    """Refuse a name that could not log in.

    Raises
    ------
    SettingsError
        It is empty, has spaces or anything beyond ASCII, or is Kafka's for nobody.
    """
    is_plain = name.isascii() and name.isprintable() and not set(name) & set(" *")
    if not name or not is_plain or name == ANONYMOUS:
        raise SettingsError(
            f"{name!r} cannot be a Kafka user: use ASCII letters, digits and signs,"
            f" without spaces and *, and not {ANONYMOUS}."
        )


def check_password(password: str) -> None:
    """Refuse a password that is none, without showing it.

    Raises
    ------
    SettingsError
        It is empty, or more than one line.
    """
    if not password or "\n" in password or "\r" in password:
        raise SettingsError("A password is one line that is not empty: give another.")


def _list(admin: AdminClient, access: KafkaAccess) -> list[User]:
    deed = "list the users"
    # librdkafka 2.16 aborts the whole process if this question is not allowed.
    check_right(admin, access, AclOperation.DESCRIBE, deed=deed)
    answer = admin.describe_user_scram_credentials()
    if isinstance(answer, dict):  # only where users are named
        return []
    [found] = wait_for([answer], access, deed=deed, right=DESCRIBE)
    return sorted(
        User(
            name,
            tuple(
                sorted(
                    info.mechanism.name.replace("_", "-")
                    for info in described.scram_credential_infos
                )
            ),
        )
        for name, described in found.items()
    )


def _refuse_ours(access: KafkaAccess, name: str) -> None:
    if access.local and name in OURS:
        raise SettingsError(
            f"{name} is a user that the local Kafka needs, and is not changed by hand:"
            " choose another."
        )


def _no_user(access: KafkaAccess, name: str) -> NothingThereError:
    return NothingThereError(
        f"There is no user {name} at {access.bootstrap_servers}: see `nightmail users"
        " list`."
    )
