"""Users: made, listed, changed, removed."""

import re
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from cluster.access import KafkaAccess
from cluster.acls import add_rules, consumer_rules, list_rules
from cluster.users import (
    User,
    add_user,
    change_password,
    list_users,
    make_password,
    remove_user,
)
from nightmail.silence import silent_logger
from settings.errors import NothingThereError, SettingsError

OLD, NEW = "correct horse", 'battery, staple="é]'
"""Passwords, one with what a shell or a file might trip over."""


def test_a_password_is_random() -> None:
    """Two are never the same, and need no quotes anywhere."""
    first, second = make_password(), make_password()

    assert first != second
    assert re.fullmatch(r"[\w-]{32}", first)


@pytest.mark.parametrize("name", ["", "a b", "zoé", "a*", "a\n", "ANONYMOUS"])
def test_names_that_could_not_log_in(kafka: KafkaAccess, name: str) -> None:
    """They are refused before Kafka takes them."""
    with pytest.raises(SettingsError, match="cannot be a Kafka user"):
        add_user(kafka, name, password=OLD)


@pytest.mark.parametrize("password", ["", "two\nlines"])
def test_passwords_that_are_none(kafka: KafkaAccess, password: str) -> None:
    """They are refused without being shown."""
    with pytest.raises(SettingsError, match="one line that is not empty"):
        add_user(kafka, "users_x", password=password)


@pytest.mark.kafka
def test_a_user_s_life(kafka: KafkaAccess) -> None:
    """Made, listed, logged in with each password in turn, and gone with its rights."""
    rules = consumer_rules("users_ann", topic="fink_a", group="g")

    add_user(kafka, "users_ann", password=OLD)
    assert User("users_ann", ("SCRAM-SHA-512",)) in list_users(kafka)
    assert _logs_in(kafka, "users_ann", OLD)

    change_password(kafka, "users_ann", password=NEW)
    assert _logs_in(kafka, "users_ann", NEW)
    assert not _logs_in(kafka, "users_ann", OLD)

    add_rules(kafka, rules)
    assert remove_user(kafka, "users_ann") == sorted(rules)
    assert list_rules(kafka, user="users_ann") == []
    assert "users_ann" not in {user.name for user in list_users(kafka)}
    assert not _logs_in(kafka, "users_ann", NEW)


@pytest.mark.kafka
def test_a_user_is_not_made_twice(kafka: KafkaAccess) -> None:
    """The password of who is there is not changed by mistake."""
    add_user(kafka, "users_ben", password=OLD)

    with pytest.raises(SettingsError, match="nightmail users passwd users_ben"):
        add_user(kafka, "users_ben", password=NEW)

    assert _logs_in(kafka, "users_ben", OLD)


@pytest.mark.kafka
def test_rights_of_nobody_are_removed(kafka: KafkaAccess) -> None:
    """A user without a password may have rights, which can be removed."""
    rules = consumer_rules("users_ghost", topic="fink_a", group="g")
    add_rules(kafka, rules)

    assert remove_user(kafka, "users_ghost") == sorted(rules)


@pytest.mark.kafka
def test_who_is_not_there(kafka: KafkaAccess) -> None:
    """Neither changed nor removed."""
    with pytest.raises(NothingThereError, match="no user users_zoe"):
        change_password(kafka, "users_zoe", password=NEW)
    with pytest.raises(NothingThereError, match="no user users_zoe"):
        remove_user(kafka, "users_zoe")


@pytest.mark.kafka
@pytest.mark.parametrize("name", ["admin", "nightmail"])
def test_our_own_users_stay(kafka: KafkaAccess, name: str) -> None:
    """The local Kafka would not work without them."""
    with pytest.raises(SettingsError, match="the local Kafka needs"):
        remove_user(kafka, name)
    with pytest.raises(SettingsError, match="the local Kafka needs"):
        change_password(kafka, name, password=NEW)


@pytest.mark.kafka
def test_who_may_not_see_users_is_told(kafka: KafkaAccess) -> None:
    """The question itself would end the process, in librdkafka 2.16."""
    add_user(kafka, "users_eve", password=OLD)
    login = {"sasl.username": "users_eve", "sasl.password": OLD}
    eve = replace(kafka, admin={**kafka.admin, **login})

    with pytest.raises(SettingsError, match="users_eve may not list the users at"):
        list_users(eve)


def _logs_in(kafka: KafkaAccess, name: str, password: str) -> bool:
    login = {"sasl.username": name, "sasl.password": password}
    config: dict[str, Any] = {**kafka.publisher, **login, "logger": silent_logger()}
    admin = AdminClient(config)
    try:
        admin.list_topics(timeout=3)
    except KafkaException:
        return False
    return True
