"""TLS on the operators' listener: plaintext and a wrong authority are refused."""

import datetime as dt
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from cluster import local
from cluster.access import KafkaAccess, connect, open_admin
from cluster.certificates import ensure_certificates
from cluster.doctor import examine
from cluster.folder import KafkaFolder, make_folder
from cluster.topics import ensure_topics
from cluster.users import ensure_user
from nightmail import AlertConsumer, BrokerUnavailableError, ConfigError
from nightmail.silence import silent_logger
from settings.errors import NightmailError, SettingsError
from settings.model import Cluster, Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TOPIC = "fink_sealed_ztf"
SCHEMA = {
    "type": "record",
    "name": "alert",
    "fields": [{"name": "candid", "type": "long"}],
}
SECRET = "a reader's own password"  # noqa: S105 - of a test


@dataclass(frozen=True)
class Secured:
    """A Kafka whose users log in over TLS, with one alert and one reader."""

    settings: Settings
    access: KafkaAccess

    @property
    def authority(self) -> Path:
        """What its users are given."""
        found = local.status(self.settings).authority
        assert found
        return found

    @property
    def reader(self) -> dict[str, Any]:
        """A plain confluent-kafka configuration of the reader."""
        return {
            "bootstrap.servers": self.access.bootstrap_servers,
            "group.id": "plain",
            "auto.offset.reset": "earliest",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "reader",
            "sasl.password": SECRET,
            "ssl.ca.location": str(self.authority),
        }


@pytest.fixture(scope="module")
def secured(
    make_settings: Callable[[Path], Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """Give a Kafka with TLS."""
    settings = make_settings(tmp_path_factory.mktemp("secured"))
    local.start(settings, tls=True)
    access = connect(settings)
    ensure_topics(access, settings, [TOPIC], partitions=1)
    ensure_user(access, "reader", password=SECRET)
    _let_read(access)
    publish(access, TOPIC)
    yield Secured(settings, access)
    local.stop(settings)


@pytest.fixture(scope="module")
def wrong_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a certificate of another authority of the same name."""
    other = KafkaFolder(tmp_path_factory.mktemp("other") / "kafka")
    make_folder(other)
    now = dt.datetime.now(dt.UTC)
    ensure_certificates(other, Cluster(), host="127.0.0.1", at=now)
    return other.authority


def test_the_right_authority_works_for_anybody(secured: Secured) -> None:
    """A plain consumer reads the alert."""
    assert _poll(secured.reader) == _encode(17)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_right_authority_works_for_our_client(secured: Secured, host: str) -> None:
    """AlertConsumer reads the alert, by the machine's name too."""
    servers = secured.access.bootstrap_servers.replace("127.0.0.1", host)
    config = {
        "bootstrap.servers": servers,
        "group.id": f"ours at {host}",
        "username": "reader",
        "password": SECRET,
        "ssl.ca.location": str(secured.authority),
    }

    with AlertConsumer([TOPIC], config) as consumer:
        _, alert, _ = consumer.poll(20)

    assert alert == {"candid": 17}


def test_plaintext_is_refused(secured: Secured) -> None:
    """Without TLS nobody gets a word, neither a plain consumer nor our client."""
    plain = {**secured.reader, "security.protocol": "SASL_PLAINTEXT"}
    del plain["ssl.ca.location"]
    ours = {**plain, "group.id": "ours"}

    assert _hear(plain) & {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._AUTHENTICATION,
    }
    with (
        pytest.raises((ConfigError, BrokerUnavailableError)),
        AlertConsumer([TOPIC], ours) as consumer,
    ):
        consumer.poll(20)


def test_an_administrator_without_tls_is_refused(secured: Secured) -> None:
    """What we say names the setting."""
    admin = {**secured.access.admin, "security.protocol": "SASL_PLAINTEXT"}
    admin.pop("ssl.ca.pem")

    with pytest.raises(NightmailError, match=r"kafka\.security_protocol"):
        open_admin(replace(secured.access, admin=admin))


def test_a_wrong_authority_is_refused(secured: Secured, wrong_authority: Path) -> None:
    """A plain consumer and our client find at once that this is not the one."""
    config = {**secured.reader, "ssl.ca.location": str(wrong_authority)}
    begun = time.monotonic()

    assert KafkaError._SSL in _hear(config)
    with (
        pytest.raises(ConfigError, match=r"cannot be trusted: .* check ssl\.ca\.loc"),
        AlertConsumer([TOPIC], {**config, "group.id": "ours"}) as consumer,
    ):
        consumer.poll(20)
    assert time.monotonic() - begun < 5


def test_an_administrator_with_a_wrong_authority_is_refused(
    secured: Secured, wrong_authority: Path
) -> None:
    """What we say names the setting."""
    admin = {**secured.access.admin, "ssl.ca.pem": wrong_authority.read_text()}

    with pytest.raises(SettingsError, match=r"check kafka\.ca_location"):
        open_admin(replace(secured.access, admin=admin))


def test_alerts_are_read_without_it(secured: Secured) -> None:
    """The anonymous listener, on loopback, stays as the field's clients need it."""
    servers = secured.access.public_servers
    config = {
        "bootstrap.servers": servers,
        "group.id": "anybody",
        "auto.offset.reset": "earliest",
    }

    assert _poll(config) == _encode(17)


@pytest.mark.parametrize(("days", "state"), [(0, "ok"), (390, "wrong")])
def test_the_doctor_sees_when_it_ends(secured: Secured, days: int, state: str) -> None:
    """With less than two weeks left, it is to be renewed."""
    at = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)

    found = examine(secured.settings, at=at)

    [certificate] = [each for each in found.findings if each.check == "certificate"]
    assert certificate.state == state


def test_another_start_has_it_still(secured: Secured) -> None:
    """TLS is never lost by forgetting to ask for it, and only given up stopped."""
    local.start(secured.settings)

    assert local.status(secured.settings).tls
    with pytest.raises(SettingsError, match="runs with TLS: stop it"):
        local.start(secured.settings, tls=False)


def _let_read(access: KafkaAccess) -> None:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    rights = [
        AclBinding(kind, name, literal, "User:reader", "*", AclOperation.READ, allow)
        for kind, name in ((ResourceType.TOPIC, TOPIC), (ResourceType.GROUP, "*"))
    ]
    admin = open_admin(access)
    [answer.result(20) for answer in admin.create_acls(rights).values()]


def publish(access: KafkaAccess, topic: str) -> None:
    """Send one alert."""
    producer = Producer({**access.publisher}, logger=silent_logger())
    producer.produce(topic, _encode(17), json.dumps(SCHEMA).encode(), partition=0)
    assert producer.flush(20) == 0


def _encode(candid: int) -> bytes:
    written = io.BytesIO()
    fastavro.schemaless_writer(written, SCHEMA, {"candid": candid})
    return written.getvalue()


def _poll(config: dict[str, Any]) -> bytes | None:
    """Give the value of the first record that a plain consumer gets."""
    consumer = Consumer(config, logger=silent_logger())
    consumer.subscribe([TOPIC])
    try:
        message = consumer.poll(20)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    value = message.value()
    assert value is None or isinstance(value, bytes)
    return value


def _hear(config: dict[str, Any]) -> set[int]:
    """Give the codes of the errors that a plain consumer hears, and no record."""
    heard: list[KafkaError] = []
    with_ear = {**config, "error_cb": heard.append}
    consumer = Consumer(with_ear, logger=silent_logger())
    consumer.subscribe([TOPIC])
    end = time.monotonic() + 20
    while not heard and time.monotonic() < end:
        assert consumer.poll(0.1) is None
    consumer.close()
    return {error.code() for error in heard}
