"""Rights that are added, listed and removed one by one."""

from dataclasses import replace

import pytest

from cluster.access import KafkaAccess
from cluster.acls import (
    Rule,
    add_rules,
    consumer_rules,
    list_rules,
    producer_rules,
    remove_rules,
    rule,
)
from cluster.grants import take_back
from cluster.users import ensure_user
from settings.errors import SettingsError


def test_who_reads_may_read_topic_and_group() -> None:
    """To read implies to see, so nothing else is granted."""
    rules = consumer_rules("ann", topic="fink_*", group="ann_x", host="192.0.2.7")

    assert rules == [
        Rule("ann", "topic", "fink_", "READ", is_prefix=True, host="192.0.2.7"),
        Rule("ann", "group", "ann_x", "READ", host="192.0.2.7"),
    ]
    assert [str(one) for one in rules] == [
        "ann may read topic fink_* from 192.0.2.7",
        "ann may read group ann_x from 192.0.2.7",
    ]


def test_who_writes_may_write() -> None:
    """The topic only."""
    assert producer_rules("ben", topic="*") == [Rule("ben", "topic", "*", "WRITE")]


def test_what_is_forbidden_reads_so() -> None:
    """A rule that forbids says what is not allowed."""
    forbidden = replace(rule("ann", "topic", "t", "ALL"), is_allowed=False)

    assert str(forbidden) == "ann may nothing topic t"
    assert replace(forbidden, operation="READ").deed == "not read"


@pytest.mark.parametrize("host", ["localhost", "example.org", "", "192.0.2"])
def test_a_name_is_no_host(host: str) -> None:
    """Kafka compares addresses; a name would never match."""
    with pytest.raises(SettingsError, match="is no IP address"):
        consumer_rules("ann", topic="t", group="g", host=host)


@pytest.mark.parametrize("target", ["", "a*b", "**"])
def test_a_star_stands_at_the_end(target: str) -> None:
    """Kafka knows names and beginnings, no other pattern."""
    with pytest.raises(SettingsError, match="names no topic"):
        rule("ann", "topic", target, "READ")


@pytest.mark.kafka
def test_removal_takes_what_was_added_and_nothing_else(kafka: KafkaAccess) -> None:
    """Rights that contain or resemble it stay."""
    mine = consumer_rules("acl_ann", topic="fink_a", group="g")
    near = [
        rule("acl_ann", "topic", "fink_a*", "READ"),
        rule("acl_ann", "topic", "fink_a", "WRITE"),
        rule("acl_ann", "topic", "fink_a", "READ", host="127.0.0.2"),
        rule("acl_ben", "topic", "fink_a", "READ"),
        rule("acl_ann", "topic", "*", "READ"),
    ]
    add_rules(kafka, near)
    before = list_rules(kafka)

    assert add_rules(kafka, mine) == sorted(mine)
    assert add_rules(kafka, mine) == []
    assert list_rules(kafka) == sorted([*before, *mine])
    assert remove_rules(kafka, mine) == sorted(mine)
    assert remove_rules(kafka, mine) == []
    assert list_rules(kafka) == before


@pytest.mark.kafka
def test_a_group_stays_while_another_topic_is_read(kafka: KafkaAccess) -> None:
    """It goes with the last topic, or when it is asked for alone."""
    first = consumer_rules("acl_cat", topic="fink_a", group="g")
    second = consumer_rules("acl_cat", topic="fink_b", group="g")
    add_rules(kafka, [*first, *second])

    one = take_back(kafka, first)
    left = list_rules(kafka, user="acl_cat")
    other = take_back(kafka, second)

    assert (one.removed, one.kept) == ((first[0],), (first[1],))
    assert left == sorted(second)
    assert (other.removed, other.kept) == (tuple(sorted(second)), ())
    assert list_rules(kafka, user="acl_cat") == []


@pytest.mark.kafka
def test_a_group_alone_is_taken_back(kafka: KafkaAccess) -> None:
    """Also while topics are read."""
    topic, group = consumer_rules("acl_dan", topic="fink_a", group="g")
    add_rules(kafka, [topic, group])

    assert take_back(kafka, [group]).removed == (group,)
    assert list_rules(kafka, user="acl_dan") == [topic]


@pytest.mark.kafka
def test_who_may_not_see_rights_is_told(kafka: KafkaAccess) -> None:
    """Kafka gives them an empty list; we say what lacks."""
    secret = "correct horse"  # noqa: S105 - of a test
    ensure_user(kafka, "acl_eve", password=secret)
    login = {"sasl.username": "acl_eve", "sasl.password": secret}
    eve = replace(kafka, admin={**kafka.admin, **login})

    with pytest.raises(SettingsError, match="acl_eve may not list the rights at"):
        list_rules(eve)
