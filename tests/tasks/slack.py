"""A Slack of a test's own, and settings that lead to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from client.tests.slack_api import SlackApi
from settings.model import Archive, Settings
from settings.slack import Slack


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with two channels."""
    with SlackApi() as api:
        api.add_channel("nights")
        api.add_channel("ops")
        yield api


@pytest.fixture
def settings(slack: SlackApi, tmp_path: Path) -> Settings:
    """Give settings with an empty archive."""
    return Settings(
        state_dir=tmp_path,
        archive=Archive(uri=str(tmp_path / "archive")),
        slack=Slack(
            token=SecretStr(slack.token),
            channel="#nights",
            operators="#ops",
            base_url=slack.url,
        ),
    )
