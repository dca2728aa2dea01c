"""Alerts are decoded by their own schema, and read at least once."""

import io
import json
import socket
import time
from typing import Any
from unittest.mock import Mock

import fastavro
import pytest
from confluent_kafka import KafkaError

from client.tests.fake_kafka import CONFIG, KEY, SCHEMA, FakeBroker, FakeMessage
from nightmail import (
    AlertConsumer,
    AlertError,
    AlertReplay,
    BrokerUnavailableError,
    ConfigError,
    credentials,
)


def test_an_alert_comes_with_its_topic_and_schema(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """As the field's clients hand it out."""
    broker.messages = [FakeMessage()]

    assert consumer.poll(timeout=1) == ("fink_x_ztf", {"candid": 1}, KEY.decode())


def test_nothing_in_time_is_three_times_none(consumer: AlertConsumer) -> None:
    """A quiet topic is not an error."""
    assert consumer.poll(timeout=0) == (None, None, None)


def test_two_schemas_may_alternate_on_one_topic(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Each alert is read by the schema in its own key."""
    other = SCHEMA | {"fields": [{"name": "name", "type": "string"}]}
    newer = FakeMessage(json.dumps(other).encode(), b"\x02a")
    broker.messages = [FakeMessage(), newer, FakeMessage()]

    found = [consumer.poll(1)[1] for _ in range(3)]

    assert found == [{"candid": 1}, {"name": "a"}, {"candid": 1}]


def test_a_schema_is_parsed_once(
    broker: FakeBroker, consumer: AlertConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is the same for thousands of alerts."""
    parse = Mock(return_value=SCHEMA)
    monkeypatch.setattr(fastavro, "parse_schema", parse)
    key = json.dumps(SCHEMA | {"doc": "of this test only"}).encode()
    broker.messages = [FakeMessage(key), FakeMessage(key)]

    consumer.poll(1)
    consumer.poll(1)

    parse.assert_called_once()


@pytest.mark.parametrize(
    "key",
    [None, b"", b"ZTF26aamcbly", b"12", b"{}", b"[1]", b'"int"', b"\xff"],
    ids=repr,
)
def test_a_key_that_is_no_schema_is_an_alert_error(
    broker: FakeBroker, consumer: AlertConsumer, key: bytes | None
) -> None:
    """The sentence says where the message is."""
    broker.messages = [FakeMessage(key)]

    with pytest.raises(AlertError) as caught:
        consumer.poll(1)

    assert str(caught.value).startswith(
        "The message of fink_x_ztf, partition 2, offset 17 cannot be decoded: its key"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "it has no value, only a key;"),
        (b"", "its value ends inside the alert (0 bytes);"),
        (b"\x00", "its value ends inside the alert (1 bytes);"),
        (b"\x08", "its value does not fit the schema (IndexError list index out of"),
        (b"Obj\x01\x04", "its value is an Avro file, not the bare record of an alert;"),
    ],
)
def test_a_value_that_does_not_fit_is_an_alert_error(
    broker: FakeBroker, consumer: AlertConsumer, value: bytes | None, reason: str
) -> None:
    """The sentence says where it is and why."""
    broker.messages = [FakeMessage(_value=value)]

    with pytest.raises(AlertError) as caught:
        consumer.poll(1)

    error = caught.value
    assert f"offset 17 cannot be decoded: {reason}" in str(error)
    assert (error.topic, error.partition, error.offset) == ("fink_x_ztf", 2, 17)


def test_the_next_call_goes_past_what_cannot_be_decoded(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """One bad message does not stop a reader that goes on."""
    broker.messages = [FakeMessage(b"bad"), FakeMessage(_offset=18)]
    with pytest.raises(AlertError):
        consumer.poll(1)

    _, alert, _ = consumer.poll(1)

    assert alert == {"candid": 1}
    assert broker.stored == [18]


def test_an_alert_counts_as_read_when_the_next_is_asked_for(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Not when it is handed out: the program may fail with it in hand."""
    broker.messages = [FakeMessage()]
    consumer.poll(1)
    before = list(broker.stored)

    consumer.poll(0)

    assert (before, broker.stored) == ([], [18])


def test_leaving_in_good_order_counts_the_last_alert(broker: FakeBroker) -> None:
    """Else every run of a script would receive its last alert again."""
    broker.messages = [FakeMessage()]

    with AlertConsumer(["x"], CONFIG) as consumer:
        consumer.poll(1)

    assert (broker.stored, broker.closed) == ([18], True)


def test_leaving_by_an_error_keeps_the_last_alert_unread(broker: FakeBroker) -> None:
    """The group receives it again."""
    broker.messages = [FakeMessage()]

    def work() -> None:
        with AlertConsumer(["x"], CONFIG) as consumer:
            consumer.poll(1)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        work()

    assert (broker.stored, broker.closed) == ([], True)


def test_close_in_a_failing_try_keeps_the_last_alert_unread(broker: FakeBroker) -> None:
    """Scripts of the field close in `finally`."""
    broker.messages = [FakeMessage()]
    consumer = AlertConsumer(["x"], CONFIG)

    def work() -> None:
        try:
            consumer.poll(1)
            raise OSError("disk full")
        finally:
            consumer.close()

    with pytest.raises(OSError, match="disk full"):
        work()

    assert (broker.stored, broker.closed) == ([], True)


def test_a_partition_that_went_to_another_member_is_no_error(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The other member reads the alert again."""
    broker.messages = [FakeMessage()]
    broker.store_error = KafkaError(KafkaError._STATE)
    consumer.poll(1)

    assert consumer.poll(0) == (None, None, None)


def test_iterating_gives_alert_after_alert(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """A loop over the consumer never ends by itself."""
    broker.messages = [FakeMessage(_offset=1), FakeMessage(_offset=2)]

    alerts = iter(consumer)
    found = [next(alerts), next(alerts)]

    assert found == [("fink_x_ztf", {"candid": 1}, KEY.decode())] * 2


def test_headers_are_those_of_the_last_alert(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """As text, by name."""
    broker.messages = [FakeMessage(_headers=[("night", b"20260310"), ("x", None)])]

    before = consumer.headers
    consumer.poll(1)

    assert (before, consumer.headers) == ({}, {"night": "20260310", "x": ""})


def test_a_topic_that_does_not_exist_is_waited_for(
    broker: FakeBroker, consumer: AlertConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named once, and the other topics go on."""
    missing = FakeMessage(_error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    broker.messages = [missing, FakeMessage()]

    topic, _, _ = consumer.poll(1)

    assert topic == "fink_x_ztf"
    assert caplog.messages == ["fink_x_ztf does not exist yet; waiting for it."]


def test_a_refusal_of_kafka_is_a_config_error(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The sentence names the topic, and the next call goes on with the others."""
    code = KafkaError.TOPIC_AUTHORIZATION_FAILED
    broker.messages = [FakeMessage(_error=KafkaError(code)), FakeMessage()]

    with pytest.raises(ConfigError, match="may not read the topic fink_x_ztf at "):
        consumer.poll(1)

    assert consumer.poll(1)[0] == "fink_x_ztf"


def test_a_failure_of_kafka_is_an_alert_error(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The sentence names the topic."""
    code = KafkaError.INVALID_MSG
    broker.messages = [FakeMessage(_error=KafkaError(code))]

    with pytest.raises(AlertError, match="Kafka gives no alert of fink_x_ztf: "):
        consumer.poll(1)


def test_a_refused_login_is_a_config_error(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Waiting would not help."""
    broker.properties["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "bad login"))

    with pytest.raises(ConfigError, match=r"let you log in: bad login\."):
        consumer.poll(1)


def test_one_address_that_refuses_is_not_the_broker(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """A name with two addresses, of which one answers, is a broker that answers."""
    broker.properties["error_cb"](KafkaError(KafkaError._ALL_BROKERS_DOWN))

    assert consumer.poll(0) == (None, None, None)


def test_a_broker_that_was_reached_may_be_away_for_a_while(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """It restarts; a reader that has run for days does not die of it."""
    broker.messages = [FakeMessage()]
    consumer.poll(1)
    broker.answers = False
    broker.properties["error_cb"](KafkaError(KafkaError._ALL_BROKERS_DOWN))

    assert consumer.poll(0) == (None, None, None)


def test_a_dead_server_is_said_so(capfd: pytest.CaptureFixture[str]) -> None:
    """With a real librdkafka: one sentence with the address, and no noise besides."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{unused.getsockname()[1]}"
    consumer = AlertConsumer(["x"], CONFIG | {"bootstrap.servers": servers})

    with pytest.raises(BrokerUnavailableError, match=f"does not answer at {servers}"):
        consumer.poll(timeout=1)

    consumer.close()
    assert capfd.readouterr() == ("", "")


def test_a_dead_server_is_said_to_a_replay_too() -> None:
    """When it is made, since it asks what there is."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{unused.getsockname()[1]}"
    begin = time.monotonic()

    with pytest.raises(BrokerUnavailableError, match=f"does not answer at {servers}"):
        AlertReplay(["x"], {"servers": servers})

    assert time.monotonic() - begin < 15


def test_a_transient_failure_of_kafka_is_waited_out(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Kafka's client tries again by itself."""
    passing = Mock(wraps=broker.error("NOT_COORDINATOR"))
    passing.retriable.return_value = True
    broker.messages = [FakeMessage(_error=passing), FakeMessage()]

    assert consumer.poll(1)[1] == {"candid": 1}


def test_without_a_configuration_the_registered_one_is_read(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the survey."""
    load = Mock(return_value=CONFIG | {"survey": "ztf", "topics": ["x"]})
    monkeypatch.setattr(credentials, "load", load)

    consumer = AlertConsumer(["x"], survey="ztf")

    assert consumer.survey == "ztf"
    assert broker.properties["group.id"] == "me"
    load.assert_called_once_with("ztf")


def test_a_property_that_librdkafka_refuses_is_a_config_error() -> None:
    """It names the property."""
    with pytest.raises(ConfigError, match=r"no\.such\.property"):
        AlertConsumer(["x"], CONFIG | {"no.such.property": 1})


@pytest.mark.parametrize("topics", [[], "fink_x_ztf", ["", ""]], ids=repr)
def test_topics_are_a_list(topics: Any) -> None:
    """A bare name would be taken letter by letter."""
    with pytest.raises(ConfigError, match="list of at least one topic"):
        AlertConsumer(topics, CONFIG)


def test_a_topic_that_is_named_twice_is_read_once(broker: FakeBroker) -> None:
    """Kafka's client would refuse it without a reason."""
    AlertConsumer(["b", "a", "b"], CONFIG)

    assert broker.subscribed == ["b", "a"]


def test_what_is_written_schemaless_is_read_whole(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Bytes of fastavro's own writer, null included."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(SCHEMA), {"candid": None})
    broker.messages = [FakeMessage(_value=buffer.getvalue())]

    assert consumer.poll(1)[1] == {"candid": None}
