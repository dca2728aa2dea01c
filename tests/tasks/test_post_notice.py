"""Operators are told once of a night that failed, whatever else goes wrong."""

from pathlib import Path
from typing import Any

import pytest

from client.tests.slack_api import Refuse, SlackApi
from news.notice import Notice
from settings.model import Settings
from tasks.post_notice import post_notice
from tests.tasks.slack import settings, slack

__all__ = ["settings", "slack"]


def notice(**changed: Any) -> Notice:
    """Make a notice of a night that failed."""
    told: dict[str, Any] = {
        "survey": "ztf",
        "night": "20260301",
        "kind": "failed",
        "sentences": ("Odd.",),
        "again": "Run it again.",
    }
    return Notice(**(told | changed))


def told(slack: SlackApi) -> list[str]:
    """First lines of what the operators were told."""
    return [message["text"] for message in slack.posted("ops")]


def test_the_operators_are_told_once(slack: SlackApi, settings: Settings) -> None:
    """The same again says nothing, other words change the message."""
    outcomes = [
        post_notice(each, settings)
        for each in (notice(), notice(), notice(sentences=("Odder.",)))
    ]

    assert outcomes == ["posted", "unchanged", "changed"]
    assert told(slack) == ["ZTF night 20260301: failed. Odder."]


def test_each_kind_of_notice_is_its_own(slack: SlackApi, settings: Settings) -> None:
    """That a night did not run and that it failed are two things, of each night."""
    for each in (
        notice(kind="did not run"),
        notice(),
        notice(night="20260302"),
        notice(survey="lsst"),
    ):
        assert post_notice(each, settings) == "posted"

    assert len(told(slack)) == 4


def test_without_its_record_it_is_found(slack: SlackApi, settings: Settings) -> None:
    """As a night's message is: nothing is told twice."""
    post_notice(notice(), settings)
    for file in settings.archive_root().rglob("*.json"):
        file.unlink()

    assert post_notice(notice(), settings) == "unchanged"
    assert len(told(slack)) == 1


def test_an_archive_that_refuses_is_no_reason_to_be_silent(
    slack: SlackApi, settings: Settings, tmp_path: Path
) -> None:
    """It may be the very thing that is to be told."""
    (tmp_path / "archive").write_text("a file where a folder should be")

    assert post_notice(notice(), settings) == "posted"
    assert told(slack) == ["ZTF night 20260301: failed. Odd."]


@pytest.mark.parametrize("what", ["operators", "token"])
def test_without_a_channel_or_token_nothing_is_told(
    slack: SlackApi, settings: Settings, what: str
) -> None:
    """There is no default: a channel that nobody has chosen is not written to."""
    off = settings.slack.model_copy(update={what: None})

    assert post_notice(notice(), settings.model_copy(update={"slack": off})) == "off"
    assert slack.calls == []


def test_a_slack_that_refuses_stops_nothing(
    slack: SlackApi, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log, and the next time it is tried again."""
    slack.plan("chat.postMessage", Refuse("restricted_action"))

    assert post_notice(notice(), settings) == "failed"

    assert "The operators were not told in #ops: Slack refused" in caplog.text
    assert post_notice(notice(), settings) == "posted"
    assert len(told(slack)) == 1
