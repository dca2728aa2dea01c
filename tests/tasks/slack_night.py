"""A simulated night in an archive, and a Slack of a test's own to post it to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from archive.summary import Summary, write_summary
from client.tests.slack_api import SlackApi
from settings.model import Archive, Settings
from settings.routes import Route
from settings.slack import Slack
from tests.news.archived import archive_simulated_night

CHANNEL = "#nights"

NIGHT = "20260302"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """Archive of one simulated night; nothing in it is changed."""
    root = tmp_path_factory.mktemp("a night") / "archive"
    night = archive_simulated_night(
        root, "ztf", NIGHT, alerts=400, also=("everything",)
    )
    return root, night


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with two channels."""
    with SlackApi() as api:
        api.add_channel("nights")
        api.add_channel("other")
        yield api


@pytest.fixture
def settings(
    slack: SlackApi, archived: tuple[Path, Summary], tmp_path: Path
) -> Settings:
    """Give settings of a test's own; the alerts are the module's."""
    root = tmp_path / "archive"
    (root / "ztf").mkdir(parents=True)
    for kind in ("alerts", "matches"):
        (root / "ztf" / kind).symlink_to(archived[0] / "ztf" / kind)
    return Settings(
        state_dir=tmp_path,
        archive=Archive(uri=str(root)),
        slack=Slack(token=SecretStr(slack.token), channel=CHANNEL, base_url=slack.url),
    )


@pytest.fixture
def summary(archived: tuple[Path, Summary], settings: Settings) -> Summary:
    """Summary of the night, written where the test's settings look for it."""
    write_summary(settings.archive_root(), archived[1])
    return archived[1]


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Post without a second between two messages: there is one test of that."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: for tests of something else."""
    monkeypatch.setattr("news.pictures.can_draw", lambda: False)
    monkeypatch.setattr("tasks.bulletins.can_draw", lambda: False)


def ignore(_: str) -> None:
    """Take a text."""


def routed(settings: Settings, *routes: Route, **also: Any) -> Settings:
    """Add routes to settings."""
    changed = settings.slack.model_copy(update={"routes": routes, **also})
    return settings.model_copy(update={"slack": changed})


def leads(slack: SlackApi, channel: str = "nights") -> list[dict[str, Any]]:
    """Messages of a channel outside of threads."""
    return slack.posted(channel, threads=False)


def files(slack: SlackApi) -> list[str]:
    """Names of the files that are shown, without the digests of their content."""
    names = [str(file["name"]) for file in slack.workspace.files.values()]
    return [f"{n.rpartition('_')[0]}.{n.rpartition('.')[2]}" for n in names]
