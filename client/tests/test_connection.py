"""What a reader's configuration becomes."""

from typing import Any

import pytest

from nightmail import ConfigError
from nightmail._connection import connection

PLAIN = {"bootstrap.servers": "127.0.0.1:9092", "group.id": "me"}


def translate(config: dict[str, Any]) -> dict[str, Any]:
    """Translate, without the logger."""
    found = connection(config)
    found.pop("logger")
    return found


DEFAULTS = {
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "enable.auto.offset.store": False,
}


@pytest.mark.parametrize("group", ["group.id", "group_id", "groupid"])
@pytest.mark.parametrize("servers", ["bootstrap.servers", "servers"])
def test_the_fields_spellings_are_known(servers: str, group: str) -> None:
    """Credentials of every version of the field's clients can be passed as they are."""
    config = {servers: "127.0.0.1:9092", group: "me", "maxtimeout": 10, "topics": []}

    assert translate(config) == PLAIN | DEFAULTS


def test_a_user_with_a_password_logs_in_by_scram() -> None:
    """As the brokers of the field expect it."""
    found = translate(PLAIN | {"username": "ada", "password": "secret"})

    assert found == PLAIN | DEFAULTS | {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ada",
        "sasl.password": "secret",
    }


def test_a_certificate_authority_asks_for_encryption() -> None:
    """A password is not sent in the clear to a broker whose certificate is known."""
    login = {"username": "ada", "password": "secret", "ssl.ca.location": "ca.pem"}

    assert translate(PLAIN | login)["security.protocol"] == "sasl_ssl"


def test_a_user_without_password_stays_anonymous() -> None:
    """`password: null` is what the field's registration writes."""
    assert translate(PLAIN | {"username": "ada", "password": None}) == PLAIN | DEFAULTS


def test_the_users_word_wins() -> None:
    """Any property of librdkafka is passed on, over our defaults."""
    mine = {"auto.offset.reset": "latest", "sasl.mechanism": "PLAIN", "ssl.x": "y"}
    login = {"username": "ada", "password": "secret"}

    assert translate(PLAIN | login | mine).items() >= mine.items()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"group.id": "me"}, "has no bootstrap.servers"),
        ({"servers": "127.0.0.1:9092"}, "has no group.id"),
        (PLAIN | {"password": "secret"}, "a password but no username"),
        (PLAIN | {"usrname": "ada"}, "usrname is unknown; did you mean username?"),
        (PLAIN | {"q": 1}, "q is unknown; valid: bootstrap.servers, servers, "),
    ],
)
def test_what_is_missing_or_unknown_is_named(
    config: dict[str, Any], sentence: str
) -> None:
    """A slip stops before anything is connected, and says which key it is."""
    with pytest.raises(ConfigError) as caught:
        connection(config)

    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)
