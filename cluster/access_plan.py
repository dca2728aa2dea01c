"""What lacks of a wished state, and its making."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from cluster.access import KafkaAccess, open_admin
from cluster.acls import Rule, add_rules, list_rules, remove_rules
from cluster.answers import ask_topics, wait_for
from cluster.rights import ANONYMOUS, closing_rule, public_rules
from cluster.topics import ensure_topics
from cluster.users import (
    OURS,
    list_users,
    make_password,
    remove_user,
    set_password,
)
from cluster.wished import Wished, WishedTopic
from settings import Settings
from settings.errors import SettingsError
from settings.names import LEDGER_TOPIC


@dataclass(frozen=True)
class TopicChange:
    """What is to be changed of a topic."""

    topic: str
    is_new: bool
    partitions: int | None = None
    """How many there shall be; None to leave them."""

    replication: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings that differ, under Kafka's names."""

    before: Mapping[str, str] = field(default_factory=dict)
    """What they are now."""


@dataclass(frozen=True)
class AccessPlan:
    """All that is to be changed; empty where all is as it is wished."""

    topics: tuple[TopicChange, ...] = ()
    new_users: tuple[str, ...] = ()
    new_rules: tuple[Rule, ...] = ()
    old_rules: tuple[Rule, ...] = ()
    old_users: tuple[str, ...] = ()
    """Users who are removed with all their rights."""

    unmanaged: tuple[str, ...] = ()
    """Users whom the file does not name; they stay."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be changed."""
        return replace(self, unmanaged=()) == AccessPlan()


def plan_access(
    access: KafkaAccess, settings: Settings, wished: Wished, *, prune: bool = False
) -> AccessPlan:
    """Compare a wished state with the cluster; changes nothing.

    A user whom the file names has the rights that it names, and no others. What it does
    not name stays, unless it is to be pruned: other users, and rights of others. Topics
    are never removed, nor whoever nightmail itself or a broker logs in as.

    Parameters
    ----------
    access
        Its administrator looks.
    settings
        `topics.prefix` says what everybody may read.
    wished
        Of `read_wished`.
    prune
        Remove what the file does not name.

    Raises
    ------
    SettingsError
        What is wished cannot be, or we may not look.
    BrokerUnavailableError
        Kafka does not answer.
    """
    protected = _protected(access)
    if taken := sorted(protected & set(wished.users)):
        raise SettingsError(
            f"{taken[0]} is who nightmail logs in as: leave users.{taken[0]} out."
        )
    admin = open_admin(access)
    rules, users = set(list_rules(access)), {u.name for u in list_users(access)}
    target = _target(settings, wished)
    closed = closing_rule(settings.topics.prefix)
    managed = set(wished.users)
    old = {r for r in rules if r.user in managed} - target
    if wished.anonymous:
        old |= rules & {closed}
    strangers = ({r.user for r in rules} | users) - managed - protected - {ANONYMOUS}
    pruned = _find_prunable(access, rules, strangers) if prune else set()
    if prune:
        old |= {r for r in rules if r.user in pruned - users}
        if wished.anonymous is not None:
            allowed = {*target, *public_rules(settings.topics.prefix)}
            old |= {r for r in rules if r.user == ANONYMOUS} - allowed
    return AccessPlan(
        topics=tuple(_plan_topics(admin, access, wished.topics)),
        new_users=tuple(sorted(managed - users)),
        new_rules=tuple(sorted(target - rules)),
        old_rules=tuple(sorted(old)),
        old_users=tuple(sorted(pruned & users)),
        unmanaged=tuple(sorted(strangers - pruned)),
    )


def apply_access(
    access: KafkaAccess, settings: Settings, plan: AccessPlan
) -> dict[str, str]:
    """Make it so; safe to repeat, also after it was interrupted.

    Returns
    -------
    dict
        Passwords of the new users, by name: to be shown once, and kept nowhere.

    Raises
    ------
    SettingsError
        We may not, or something of it cannot be.
    BrokerUnavailableError
        Kafka does not answer.
    """
    for topic in plan.topics:
        _change_topic(access, settings, topic)
    remove_rules(access, plan.old_rules)
    for name in plan.old_users:
        remove_user(access, name)
    passwords = {name: make_password() for name in plan.new_users}
    # Users last: whoever is interrupted after that has not seen the passwords.
    add_rules(access, plan.new_rules)
    for name, password in passwords.items():
        set_password(access, name, password=password)
    return passwords


def describe_plan(plan: AccessPlan) -> Iterator[tuple[str, str]]:
    """Yield each change: `+`, `-` or `~`, and what it is."""
    for one in plan.topics:
        yield from _describe_topic(one)
    yield from (("+", f"user {name}") for name in plan.new_users)
    yield from (("+", f"right: {one}") for one in plan.new_rules)
    yield from (("-", f"right: {one}") for one in plan.old_rules)
    yield from (("-", f"user {name} and all its rights") for name in plan.old_users)


def _protected(access: KafkaAccess) -> set[str]:
    logins = (c.get("sasl.username") for c in (access.admin, access.publisher))
    ours: Collection[str] = OURS if access.local else ()
    return {name for name in logins if name} | set(ours)


def _find_prunable(
    access: KafkaAccess, rules: set[Rule], strangers: set[str]
) -> set[str]:
    """Find the strangers that are no brokers.

    Which users a cluster of one's own gives all rights to, its brokers among them, it
    does not tell. They need no right, or have one on the cluster; any other user
    without a right can do nothing, and may as well stay.
    """
    if access.local:
        return strangers
    may = {r.user for r in rules}
    return (strangers & may) - {r.user for r in rules if r.kind == "cluster"}


def _target(settings: Settings, wished: Wished) -> set[Rule]:
    prefix = settings.topics.prefix
    target = {
        rule
        for name, user in wished.users.items()
        for rule in user.rules(name, prefix=prefix)
    }
    if wished.anonymous:
        target |= set(public_rules(prefix))
    elif wished.anonymous is False:
        # Not taken back but forbidden: each start of the local Kafka allows it again.
        target.add(closing_rule(prefix))
    return target


def _plan_topics(
    admin: AdminClient, access: KafkaAccess, wished: Mapping[str, WishedTopic]
) -> Iterator[TopicChange]:
    there = ask_topics(admin, access).topics
    known = [name for name in wished if name in there]
    configs = _read_configs(admin, access, known)
    for name, wish in wished.items():
        if name == LEDGER_TOPIC or name.startswith("__"):
            raise SettingsError(f"{name} is not changed by hand: leave it out.")
        if name not in there:
            yield TopicChange(
                name,
                is_new=True,
                partitions=wish.partitions,
                replication=wish.replication,
                config=wish.config,
            )
            continue
        partitions = there[name].partitions.values()
        _check_possible(name, wish, partitions)
        differing = {
            key: value
            for key, value in wish.config.items()
            if configs[name].get(key) != value
        }
        grown = wish.partitions if (wish.partitions or 0) > len(partitions) else None
        if differing or grown:
            before = {key: configs[name].get(key, "") for key in differing}
            before |= {"partitions": str(len(partitions))} if grown else {}
            yield TopicChange(
                name, is_new=False, partitions=grown, config=differing, before=before
            )


def _check_possible(name: str, wish: WishedTopic, partitions: Collection[Any]) -> None:
    copies = max((len(p.replicas) for p in partitions), default=0)
    if wish.partitions and wish.partitions < len(partitions):
        raise SettingsError(
            f"topics.{name}.partitions is {wish.partitions}, and the topic has"
            f" {len(partitions)}: Kafka cannot take any away."
        )
    if wish.replication and wish.replication != copies:
        raise SettingsError(
            f"topics.{name}.replication is {wish.replication}, and the topic has"
            f" {copies}: copies are moved by Kafka's own tools; leave it out."
        )


def _read_configs(
    admin: AdminClient, access: KafkaAccess, names: Iterable[str]
) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    if not asked:
        return {}
    answers = admin.describe_configs(asked)
    deed, right = "see the settings of topics", "DescribeConfigs on the topics"
    found = wait_for(answers.values(), access, deed=deed, right=right)
    return {
        resource.name: {key: entry.value for key, entry in config.items()}
        for resource, config in zip(answers, found, strict=True)
    }


def _change_topic(access: KafkaAccess, settings: Settings, one: TopicChange) -> None:
    if one.is_new:
        ensure_topics(
            access,
            settings,
            [one.topic],
            config=one.config,
            partitions=one.partitions,
            replication=one.replication,
        )
        return
    admin = open_admin(access)
    deed = f"change the topic {one.topic}"
    if one.partitions:
        wish = [NewPartitions(one.topic, one.partitions)]
        grown = admin.create_partitions(wish).values()
        wait_for(grown, access, deed=deed, right="Alter on that topic")
    if one.config:
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in one.config.items()
        ]
        resource = ConfigResource(
            ResourceType.TOPIC, one.topic, incremental_configs=entries
        )
        answers = admin.incremental_alter_configs([resource]).values()
        wait_for(answers, access, deed=deed, right="AlterConfigs on that topic")


def _describe_topic(one: TopicChange) -> Iterator[tuple[str, str]]:
    if one.is_new:
        yield "+", f"topic {one.topic}"
        return
    wished = {**one.config}
    if one.partitions:
        wished["partitions"] = str(one.partitions)
    for key, value in sorted(wished.items()):
        yield "~", f"topic {one.topic}: {key} {one.before[key]} → {value}"
