"""Alerts come from a real Kafka, whoever sent them, and each at least once."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from nightmail import AlertConsumer, AlertError, ConfigError
from tests.reading.conftest import ALERT, KEY, MakeTopic, Topic, alerts, candids

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def test_what_another_broker_sends_is_read(topic: Topic) -> None:
    """The key is pretty-printed, there are no headers and no transaction."""
    key = json.dumps(ALERT, indent=2)
    topic.send(*alerts(5), key=key.encode())

    with AlertConsumer([topic.name], topic.config) as consumer:
        received = consumer.poll(timeout=20)

    assert received == (topic.name, {"objectId": "ZTF5", "candid": 5}, key)
    assert topic.committed() == [1]


def test_a_group_goes_on_where_it_was(topic: Topic) -> None:
    """What was read in good order does not come again."""
    topic.send_alerts(1, 2, 3)

    with AlertConsumer([topic.name], topic.config) as consumer:
        first = consumer.consume(2, timeout=20)
    with AlertConsumer([topic.name], topic.config) as consumer:
        second = consumer.consume(2, timeout=8)

    assert (candids(first), candids(second)) == ([1, 2], [3])


def test_an_alert_that_failed_comes_again(topic: Topic) -> None:
    """With those before it counted as read."""
    topic.send_alerts(1, 2)

    def work() -> None:
        with AlertConsumer([topic.name], topic.config) as consumer:
            consumer.poll(20)
            consumer.poll(20)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        work()
    with AlertConsumer([topic.name], topic.config) as consumer:
        _, alert, _ = consumer.poll(20)

    assert alert == {"objectId": "ZTF2", "candid": 2}


def test_commit_holds_at_once(topic: Topic) -> None:
    """Whatever becomes of the program then."""
    topic.send_alerts(1, 2)

    with AlertConsumer([topic.name], topic.config) as consumer:
        consumer.poll(20)
        before = topic.committed()
        consumer.commit()
        after = topic.committed()

    assert (before, after) == ([-1001], [1])


def test_a_missing_topic_is_picked_up_when_it_appears(
    make_topic: MakeTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named meanwhile, and the other topics are read."""
    there, missing = make_topic(), make_topic(partitions=0)
    there.send_alerts(1)

    with AlertConsumer([missing.name, there.name], there.config) as consumer:
        first = consumer.poll(20)[1]
        missing.make(missing.name)
        missing.send_alerts(2)
        second = consumer.poll(40)[1]

    assert (first, second) == (
        {"objectId": "ZTF1", "candid": 1},
        {"objectId": "ZTF2", "candid": 2},
    )
    assert caplog.messages == [f"{missing.name} does not exist yet; waiting for it."]


def test_a_bad_message_costs_only_itself(topic: Topic, tmp_path: Path) -> None:
    """Among good ones: told, or set aside, and counted as read either way."""
    topic.send_alerts(1)
    topic.send(b"\x02", None, key=KEY)
    topic.send(*alerts(2), key=b"2.7_3.10.1")
    topic.send_alerts(3)
    options: dict[str, Any] = {"on_bad": "set_aside", "bad_folder": tmp_path}
    told: list[int | None] = []
    found: list[Any] = []

    with AlertConsumer([topic.name], topic.config) as consumer:
        while len(found) < 2:
            try:
                found += [consumer.poll(20)]
            except AlertError as error:
                told.append(error.offset)
    with AlertConsumer(
        [topic.name], topic.config | {"group.id": topic.group + "b"}, **options
    ) as consumer:
        others = consumer.consume(2, timeout=20)

    assert (candids(found), told) == ([1, 3], [1, 2, 3])
    assert (candids(others), consumer.set_aside) == ([1, 3], 3)
    assert topic.committed() == [5]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_table_is_read_and_read_again_after_a_bad_message(topic: Topic) -> None:
    """Nothing of the first call is lost, and the second goes past the bad one."""
    topic.send_alerts(1, 2)
    topic.send(b"\x02")
    topic.send_alerts(3)

    with AlertConsumer([topic.name], topic.config) as consumer:
        with pytest.raises(AlertError) as caught:
            consumer.to_arrow(timeout=8)
        table = consumer.to_arrow(timeout=8)

    assert caught.value.offset == 2
    assert table.to_pydict() == {
        "objectId": ["ZTF1", "ZTF2", "ZTF3"],
        "candid": [1, 2, 3],
    }
    assert topic.committed() == [4]


def test_topics_are_listed(topic: Topic) -> None:
    """Those of the service, without Kafka's own."""
    with AlertConsumer([topic.name], topic.config) as consumer:
        names = consumer.available_topics()
        transfers = consumer.available_topics("datatransfer")
        with pytest.raises(ConfigError, match="There is no service other; there are"):
            consumer.available_topics("other")

    assert topic.name in names
    assert [n for n in names if n.startswith("__")] == []
    assert transfers == []


def test_a_password_for_those_who_need_none_is_said_within_seconds(
    topic: Topic,
) -> None:
    """With what to do about it."""
    login = {"username": "ada", "password": "secret"}
    begin = time.monotonic()

    with (
        AlertConsumer([topic.name], topic.config | login) as consumer,
        pytest.raises(ConfigError) as caught,
    ):
        consumer.poll(60)

    assert time.monotonic() - begin < 5
    assert "this port takes no password; remove username and" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_said_within_seconds(topic: Topic) -> None:
    """For the port of users who log in."""
    servers = topic.access.bootstrap_servers
    login = {"username": "nobody", "password": "secret", "servers": servers}
    begin = time.monotonic()

    with (
        AlertConsumer([topic.name], topic.config | login) as consumer,
        pytest.raises(ConfigError, match="the name or the password is wrong"),
    ):
        consumer.poll(60)

    assert time.monotonic() - begin < 5


def test_a_port_that_wants_a_password_is_said_within_seconds(topic: Topic) -> None:
    """Where none is given, Kafka says nothing at all."""
    servers = topic.access.bootstrap_servers
    begin = time.monotonic()

    with (
        AlertConsumer([topic.name], topic.config | {"servers": servers}) as consumer,
        pytest.raises(Exception, match="whether this port wants a password or TLS"),
    ):
        consumer.poll(60)

    assert time.monotonic() - begin < 15
