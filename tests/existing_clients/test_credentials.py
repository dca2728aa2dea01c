"""What fink-client has written of a user, our client reads."""

import pytest

from nightmail.credentials import load
from tests.existing_clients.conftest import CLIENTS, MakeClient

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("version", "survey"), CLIENTS)
def test_credentials_of_every_version_are_read(
    make_client: MakeClient, version: str, survey: str
) -> None:
    """Nobody has to register again."""
    client = make_client(version)
    client.register(survey, [f"fink_a_{survey}"], "kafka.example.org:9092", "mine")

    found = load(survey, client.credentials(survey))

    assert {name: value for name, value in found.items() if value} == {
        "survey": survey,
        "username": "me",
        "group.id": "mine",
        "bootstrap.servers": "kafka.example.org:9092",
        "topics": [f"fink_a_{survey}"],
        "maxtimeout": 5,
    }
