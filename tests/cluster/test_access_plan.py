"""A cluster is made as a file says, and no more than that."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.access import KafkaAccess
from cluster.access_plan import AccessPlan, apply_access, describe_plan, plan_access
from cluster.acls import Rule, add_rules, consumer_rules, list_rules, remove_rules
from cluster.topic_facts import describe_topic
from cluster.topics import ensure_topics
from cluster.users import add_user, list_users, remove_user
from cluster.wished import Wished, parse_wished
from settings.errors import SettingsError
from settings.model import Settings

pytestmark = pytest.mark.kafka

FILE = """
[topics.plan_made]
partitions = 2
retention = ["4d"]

[users.plan_ann]
reads = ["plan_made"]
groups = ["plan_anns"]

[users.plan_ben]
writes = ["plan_made"]
"""

PASSWORD = "correct horse"  # noqa: S105 - of a test


@pytest.fixture(autouse=True)
def _strangers(kafka: KafkaAccess) -> Iterator[None]:
    """Leave no user or right behind that another test would meet."""
    there, rules = {u.name for u in list_users(kafka)}, set(list_rules(kafka))
    yield
    remove_rules(kafka, set(list_rules(kafka)) - rules)
    for user in list_users(kafka):
        if user.name not in there:
            remove_user(kafka, user.name)


def wish(text: str = FILE) -> Wished:
    """Read a file of wishes."""
    return parse_wished(text, source="access.toml")


def test_it_is_planned_made_and_then_done(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """The plan names each change; after it was made there is none left."""
    plan = plan_access(kafka, cluster_settings, wish())
    passwords = apply_access(kafka, cluster_settings, plan)

    assert list(describe_plan(plan)) == [
        ("+", "topic plan_made"),
        ("+", "user plan_ann"),
        ("+", "user plan_ben"),
        ("+", "right: plan_ann may read group plan_anns"),
        ("+", "right: plan_ann may read topic plan_made"),
        ("+", "right: plan_ben may write topic plan_made"),
    ]
    assert set(passwords) == {"plan_ann", "plan_ben"}
    facts = describe_topic(kafka, cluster_settings, "plan_made")
    assert (len(facts.partitions), facts.config["retention.ms"]) == (2, "345600000")
    again = plan_access(kafka, cluster_settings, wish())
    assert again.is_empty
    assert apply_access(kafka, cluster_settings, again) == {}


def test_what_differs_is_changed(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """A topic grows and is configured anew; a right that was crossed out goes."""
    before = "[topics.plan_grown]\npartitions = 1\nretention = ['1d']\n"
    after = "[topics.plan_grown]\npartitions = 3\nretention = ['2d']\n"
    two = "[users.plan_cat]\nreads = ['plan_x', 'plan_y']\ngroups = []\n"
    first = plan_access(kafka, cluster_settings, wish(before + two))
    apply_access(kafka, cluster_settings, first)

    one = wish(after + two.replace(", 'plan_y'", ""))
    second = plan_access(kafka, cluster_settings, one)
    apply_access(kafka, cluster_settings, second)

    assert list(describe_plan(second)) == [
        ("~", "topic plan_grown: partitions 1 → 3"),
        ("~", "topic plan_grown: retention.ms 86400000 → 172800000"),
        ("-", "right: plan_cat may read topic plan_y"),
    ]
    assert plan_access(kafka, cluster_settings, one).is_empty


def test_what_the_file_does_not_name_stays(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Users and rights of others are told and left alone, unless pruned."""
    rules = consumer_rules("plan_dan", topic="plan_z", group="g")
    ghost = consumer_rules("plan_ghost", topic="plan_z", group="g")
    add_user(kafka, "plan_dan", password=PASSWORD)
    add_rules(kafka, [*rules, *ghost])

    kept = plan_access(kafka, cluster_settings, Wished())
    pruned = plan_access(kafka, cluster_settings, Wished(), prune=True)
    apply_access(kafka, cluster_settings, kept)
    stayed = list_rules(kafka, user="plan_dan")
    apply_access(kafka, cluster_settings, pruned)

    assert kept.is_empty
    assert {"plan_dan", "plan_ghost"} <= set(kept.unmanaged)
    assert stayed == sorted(rules)
    assert "plan_dan" in pruned.old_users
    assert set(ghost) <= set(pruned.old_rules)
    assert list_rules(kafka, user="plan_dan") == []
    assert list_rules(kafka, user="plan_ghost") == []


def test_pruning_spares_ourselves_and_all_topics(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Neither the administrator, the publisher nor anybody's reading is removed."""
    ensure_topics(kafka, cluster_settings, ["plan_other"], partitions=1)
    ours = {"admin", "nightmail", "ANONYMOUS"}

    plan = plan_access(kafka, cluster_settings, Wished(), prune=True)

    assert ours.isdisjoint({*plan.old_users, *(r.user for r in plan.old_rules)})
    assert plan.topics == ()


def test_pruning_spares_the_brokers(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """On a cluster of one's own, who has no right, or one on the cluster, stays."""
    for name in ("plan_super", "plan_broker", "plan_eve"):
        add_user(kafka, name, password=PASSWORD)
    add_rules(
        kafka, [Rule("plan_broker", "cluster", "kafka-cluster", "CLUSTER_ACTION")]
    )
    add_rules(kafka, consumer_rules("plan_eve", topic="plan_z", group="g"))
    foreign = replace(kafka, local=False)

    plan = plan_access(foreign, cluster_settings, Wished(), prune=True)

    assert "plan_eve" in plan.old_users
    assert {"plan_super", "plan_broker"} <= set(plan.unmanaged)
    assert {"plan_super", "plan_broker"}.isdisjoint(plan.old_users)
    assert {r.user for r in plan.old_rules} == set()


def test_anybody_s_reading_is_closed_and_opened(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """It is forbidden, since each start of the local Kafka allows it again."""
    forbidden = Rule(
        "ANONYMOUS", "topic", "fink_", "ALL", is_prefix=True, is_allowed=False
    )
    closed, opened = wish("anonymous = false"), wish("anonymous = true")

    close = plan_access(kafka, cluster_settings, closed)
    apply_access(kafka, cluster_settings, close)
    again = plan_access(kafka, cluster_settings, closed)
    open_ = plan_access(kafka, cluster_settings, opened)
    apply_access(kafka, cluster_settings, open_)

    assert close == AccessPlan(new_rules=(forbidden,), unmanaged=close.unmanaged)
    assert again.is_empty
    assert open_ == AccessPlan(old_rules=(forbidden,), unmanaged=close.unmanaged)


def test_a_publisher_gets_all_that_a_night_needs(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """Its rights are those of the local publisher, under its own name."""
    publisher = wish("[users.plan_pub]\npublishes = true")
    plan = plan_access(kafka, cluster_settings, publisher)

    ours = list_rules(kafka, user="nightmail")
    named = [(r.kind, r.target, r.operation) for r in plan.new_rules]
    assert named == [(r.kind, r.target, r.operation) for r in ours]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[topics.plan_two]\npartitions = 1", "the topic has 2: Kafka cannot take"),
        ("[topics.plan_two]\nreplication = 3", "the topic has 1: copies are moved"),
        ("[topics.nightmail_ledger]", "is not changed by hand"),
        ("[users.admin]\nreads = ['x']", "admin is who nightmail logs in as"),
    ],
)
def test_what_cannot_be(
    kafka: KafkaAccess, cluster_settings: Settings, text: str, says: str
) -> None:
    """It is said before anything is changed."""
    ensure_topics(kafka, cluster_settings, ["plan_two"], partitions=2)

    with pytest.raises(SettingsError, match=says):
        plan_access(kafka, cluster_settings, wish(text))
