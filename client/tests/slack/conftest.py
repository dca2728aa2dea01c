"""A local Slack, and a client of it that waits for nothing."""

from collections.abc import Iterator

import pytest

from client.tests.slack_api import SlackApi
from nightmail.slack import SlackClient


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a workspace with three channels and Bob."""
    with SlackApi() as server:
        for name in ("newsletter", "rrlyr", "ebwuma"):
            server.add_channel(name)
        server.add_user(
            "bkepler", real_name="Bob Kepler", display_name="Bob", email="bob@x.org"
        )
        yield server


@pytest.fixture
def waits() -> list[float]:
    """Collect what the client has waited [s]."""
    return []


@pytest.fixture
def client(slack: SlackApi, waits: list[float]) -> SlackClient:
    """Give a bot in it, with ten seconds of patience."""
    return SlackClient(slack.token, base_url=slack.url, patience=10, pause=waits.append)
