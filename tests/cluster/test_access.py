"""How Kafka is reached, and what is said when it is not."""

import pickle
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.access import KafkaAccess, connect, find_access, open_admin
from settings.errors import BrokerUnavailableError, ClusterError, SettingsError
from settings.model import Kafka, Settings

LOGIN = {"username": "me", "password": "hush"}


def test_nothing_secret_is_shown() -> None:
    """The text of an access has no password in it, and it pickles."""
    access = find_access(_foreign("a:1", **LOGIN))

    assert "hush" not in repr(access)
    assert pickle.loads(pickle.dumps(access)) == access  # noqa: S301 - our own
    assert access.publisher["sasl.password"] == "hush"


@pytest.mark.parametrize(
    ("given", "protocol"),
    [
        ({}, "PLAINTEXT"),
        (LOGIN, "SASL_PLAINTEXT"),
        (
            LOGIN | {"security_protocol": "SASL_SSL"},
            "SASL_SSL",
        ),
    ],
)
def test_the_protocol_follows_the_login(given: dict[str, str], protocol: str) -> None:
    """With a user it is SASL_PLAINTEXT, else PLAINTEXT, unless the settings say."""
    assert find_access(_foreign("a:1", **given)).admin["security.protocol"] == protocol


@pytest.mark.parametrize(
    "given", [{"username": "me"}, {"security_protocol": "SASL_SSL"}]
)
def test_half_a_login_is_refused(given: dict[str, str]) -> None:
    """A user without a password, or the reverse, is found before anything is asked."""
    with pytest.raises(SettingsError, match=r"kafka\.username and kafka\.password"):
        find_access(_foreign("a:1", **given))


def test_a_missing_authority_is_refused() -> None:
    """A certificate file that is not there is told at once."""
    settings = _foreign("a:1", security_protocol="SSL", ca_location="/nowhere")

    with pytest.raises(SettingsError, match=r"ssl\.ca\.location failed"):
        connect(settings)


def test_without_any_kafka_it_is_said_what_to_do(tmp_path: Path) -> None:
    """No cluster named and no local one running: the sentence names both ways out."""
    with pytest.raises(ClusterError, match="nightmail cluster start") as refused:
        connect(Settings(state_dir=tmp_path))

    assert refused.value.exit_code == 5


def test_a_dead_cluster_is_found_out() -> None:
    """Nobody listens: five seconds later the error names the address."""
    begun = time.monotonic()

    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1 does not answer"):
        connect(_foreign("127.0.0.1:1"))

    assert time.monotonic() - begun < 7


@pytest.mark.kafka
def test_a_wrong_password_is_found_out_at_once(kafka: KafkaAccess) -> None:
    """The refusal is told long before the time is up, and nothing is printed."""
    wrong = replace(kafka, admin={**kafka.admin, "sasl.password": "wrong"})
    begun = time.monotonic()

    with pytest.raises(SettingsError, match=r"refuses us .* kafka\.password"):
        open_admin(wrong, timeout_s=30)

    assert time.monotonic() - begun < 3


@pytest.mark.kafka
def test_nothing_is_printed(
    kafka: KafkaAccess, capfd: pytest.CaptureFixture[str]
) -> None:
    """Librdkafka's own lines do not reach the terminal."""
    wrong = replace(kafka, admin={**kafka.admin, "sasl.password": "wrong"})

    with pytest.raises(SettingsError):
        open_admin(wrong)

    assert capfd.readouterr() == ("", "")


@pytest.mark.kafka
def test_a_named_cluster_goes_before_the_local_one(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """kafka.bootstrap_servers is used although the local one runs."""
    assert kafka.public_servers
    named = Kafka.model_validate({"bootstrap_servers": kafka.public_servers})

    access = connect(cluster_settings.model_copy(update={"kafka": named}))

    assert (access.bootstrap_servers, access.local) == (kafka.public_servers, False)


def _foreign(servers: str, **given: str) -> Settings:
    kafka = {"bootstrap_servers": servers, **given}
    return Settings.model_validate({"kafka": kafka})
