"""Rights as Kafka keeps them: listed, added, removed one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from cluster.access import KafkaAccess, open_admin
from cluster.answers import wait_for
from settings.errors import SettingsError

ANYTHING = "*"
"""Every name, or every host."""

ALTER = "Alter on the cluster"
DESCRIBE = "Describe on the cluster"

KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.BROKER,
}
"""What a right may be on, under Kafka's names."""

_NAMES = {kind: name for name, kind in KINDS.items()}
_PRINCIPAL = "User:"


@dataclass(frozen=True, order=True)
class Rule:
    """One right of one user, or one thing that is forbidden."""

    user: str
    """Without Kafka's `User:`; `*` is whoever logs in or not."""

    kind: str
    """Key of `KINDS`."""

    name: str
    """Name, its beginning if `is_prefix`, or `*` for all."""

    operation: str
    """Kafka's: READ, WRITE, DESCRIBE, ALL and so on."""

    is_prefix: bool = False
    """Whether all that begins with the name is meant."""

    host: str = ANYTHING
    """IP address from which it holds; `*` for all."""

    is_allowed: bool = True
    """False where it is forbidden, which wins over what is allowed."""

    @property
    def target(self) -> str:
        """The name as one writes it: `fink_*` for a prefix."""
        return f"{self.name}{ANYTHING}" if self.is_prefix else self.name

    @property
    def deed(self) -> str:
        """What may be done, in words: `read`, `not read`, or `nothing`."""
        words = self.operation.lower().replace("_", " ")
        if self.is_allowed:
            return words
        return "nothing" if self.operation == "ALL" else f"not {words}"

    def __str__(self) -> str:
        where = "" if self.host == ANYTHING else f" from {self.host}"
        kind = self.kind.replace("_", " ")
        return f"{self.user} may {self.deed} {kind} {self.target}{where}"


def rule(
    user: str, kind: str, target: str, operation: str, *, host: str = ANYTHING
) -> Rule:
    """Make a right.

    Parameters
    ----------
    user
        Who may.
    kind
        Key of `KINDS`.
    target
        A name; with `*` at its end, all that begins so; `*` alone is everything.
    operation
        Kafka's: READ, WRITE and so on.
    host
        IP address from which it holds.

    Raises
    ------
    SettingsError
        The host is no IP address, a name is empty or has its star inside.
    """
    check_host(host)
    name = target.removesuffix(ANYTHING)
    if not target or ANYTHING in name:
        raise SettingsError(
            f"{target!r} names no {kind}: give a name, a beginning with * behind it"
            " (fink_*), or * for all."
        )
    is_prefix = bool(name) and name != target
    return Rule(user, kind, name or ANYTHING, operation, is_prefix, host)


def consumer_rules(
    user: str, *, topic: str | None, group: str | None, host: str = ANYTHING
) -> list[Rule]:
    """Give the rights of one who reads; to read is also to see.

    Parameters
    ----------
    user
        Who reads.
    topic, group
        As for `rule`; None to leave that right out.
    host
        IP address from which.
    """
    wished = (("topic", topic), ("group", group))
    return [rule(user, k, t, "READ", host=host) for k, t in wished if t is not None]


def producer_rules(user: str, *, topic: str, host: str = ANYTHING) -> list[Rule]:
    """Give the rights of one who writes; to write is also to see.

    Parameters
    ----------
    user
        Who writes.
    topic
        As for `rule`.
    host
        IP address from which.
    """
    return [rule(user, "topic", topic, "WRITE", host=host)]


def check_host(host: str) -> None:
    """Refuse what is no IP address: Kafka does not look up names.

    Raises
    ------
    SettingsError
        It is neither an address nor `*`.
    """
    if host == ANYTHING:
        return
    try:
        ip_address(host)
    except ValueError as error:
        raise SettingsError(
            f"The host {host!r} is no IP address; Kafka compares addresses, not names."
        ) from error


def list_rules(access: KafkaAccess, *, user: str | None = None) -> list[Rule]:
    """List the rights that are kept on the cluster, sorted.

    Parameters
    ----------
    access
        Its administrator asks.
    user
        Only those of this user.

    Raises
    ------
    SettingsError
        The administrator may not see them, or this Kafka keeps none.
    BrokerUnavailableError
        Kafka does not answer.
    """
    admin = open_admin(access)
    # Whoever may not see them is given none, without an error.
    check_right(admin, access, AclOperation.DESCRIBE, deed="list the rights")
    principal = None if user is None else f"{_PRINCIPAL}{user}"
    anything: Any = None
    resource = (ResourceType.ANY, anything, ResourcePatternType.ANY)
    whoever: tuple[Any, Any] = (principal, anything)
    what = (AclOperation.ANY, AclPermissionType.ANY)
    answer = admin.describe_acls(AclBindingFilter(*resource, *whoever, *what))
    [found] = wait_for([answer], access, deed="list the rights", right=DESCRIBE)
    return sorted(_rules(found))


def add_rules(access: KafkaAccess, rules: Sequence[Rule]) -> list[Rule]:
    """Grant rights; those that are there already stay.

    Returns
    -------
    list of Rule
        Those that were not there before.

    Raises
    ------
    SettingsError, BrokerUnavailableError
        As `list_rules`.
    """
    there = set(list_rules(access))
    grant_rules(access, rules)
    return sorted(set(rules) - there)


def grant_rules(access: KafkaAccess, rules: Iterable[Rule]) -> None:
    """Grant rights without asking what is there.

    Raises
    ------
    SettingsError, BrokerUnavailableError
        As `list_rules`.
    """
    bindings = [AclBinding(*_fields(one)) for one in dict.fromkeys(rules)]
    if not bindings:
        return
    # Kept until it has answered: a client that is dropped drops its requests.
    admin = open_admin(access)
    answers = admin.create_acls(bindings).values()
    wait_for(answers, access, deed="grant rights", right=ALTER)


def remove_rules(access: KafkaAccess, rules: Iterable[Rule]) -> list[Rule]:
    """Take back exactly these rights, and no other that contains or resembles them.

    Returns
    -------
    list of Rule
        Those that were there.

    Raises
    ------
    SettingsError, BrokerUnavailableError
        As `list_rules`.
    """
    filters = [AclBindingFilter(*_fields(one)) for one in dict.fromkeys(rules)]
    if not filters:
        return []
    admin = open_admin(access)
    answers = admin.delete_acls(filters).values()
    found = wait_for(answers, access, deed="take back rights", right=ALTER)
    return sorted(one for part in found for one in _rules(part))


def check_right(
    admin: AdminClient, access: KafkaAccess, operation: Any, *, deed: str
) -> None:
    """Refuse to go on where we lack a right on the cluster.

    Kafka answers some questions of whoever may not ask them by nothing at all, and one
    of them (users' credentials) ends librdkafka's process.

    Raises
    ------
    SettingsError
        We lack it.
    BrokerUnavailableError
        Kafka does not answer.
    """
    answer = admin.describe_cluster(include_authorized_operations=True)
    [found] = wait_for([answer], access, deed=deed, right=DESCRIBE)
    # None is librdkafka's word for no right at all.
    if operation not in (found.authorized_operations or ()):
        user = access.admin.get("sasl.username", "ANONYMOUS")
        raise SettingsError(
            f"The Kafka user {user} may not {deed} at {access.bootstrap_servers}: grant"
            f" it {operation.name.title()} on the cluster."
        )


def describe_rule(one: Rule) -> dict[str, Any]:
    """Give a right as JSON has it."""
    return asdict(one)


def _fields(one: Rule) -> tuple[Any, ...]:
    pattern = ResourcePatternType.LITERAL
    if one.is_prefix:
        pattern = ResourcePatternType.PREFIXED
    allowed = AclPermissionType.ALLOW if one.is_allowed else AclPermissionType.DENY
    operation = AclOperation[one.operation]
    principal = f"{_PRINCIPAL}{one.user}"
    kind = KINDS[one.kind]
    return kind, one.name, pattern, principal, one.host, operation, allowed


def _rules(bindings: Iterable[Any]) -> Iterable[Rule]:
    for each in bindings:
        yield Rule(
            user=each.principal.removeprefix(_PRINCIPAL),
            kind=_NAMES.get(each.restype, each.restype.name.lower()),
            name=each.name,
            operation=each.operation.name,
            is_prefix=each.resource_pattern_type == ResourcePatternType.PREFIXED,
            host=each.host,
            is_allowed=each.permission_type == AclPermissionType.ALLOW,
        )
