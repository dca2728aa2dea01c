"""Whatever goes wrong at Slack is said, and put right by the next run."""

import logging
import traceback
from dataclasses import replace
from typing import Any

import pytest

from archive.summary import Summary
from client.tests.slack_api import Drop, RateLimit, Refuse, SlackApi, Status
from nightmail import OutcomeUnknownError, SlackRefusedError, SlackUnavailableError
from settings.model import Settings
from settings.routes import Route
from tasks.post_summary import post_summary
from tasks.posted import read_record, record_file
from tests.tasks.slack_night import (
    CHANNEL,
    NIGHT,
    archived,
    ignore,
    leads,
    no_pace,
    no_pictures,
    routed,
    settings,
    slack,
    summary,
)

__all__ = ["archived", "no_pace", "no_pictures", "settings", "slack", "summary"]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("invalid_auth", r"invalid_auth; check .*token"),
        ("token_expired", "expired"),
        ("not_in_channel", "invite the bot"),
        ("is_archived", "unarchive it"),
        ("something_new", "chat.postMessage in #nights: something_new"),
    ],
)
def test_refusals_say_what_to_do(
    slack: SlackApi, settings: Settings, summary: Summary, error: str, advice: str
) -> None:
    """Slack's refusal is one sentence, and the next run tries again."""
    slack.plan("chat.postMessage", Refuse(error))

    with pytest.raises(SlackRefusedError, match=advice) as caught:
        post_summary(summary, settings, say=ignore)

    record = read_record(record_file(settings.archive_root(), "ztf", NIGHT))
    assert record[CHANNEL].failure == str(caught.value)
    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    "fault", [Status(503), Drop(), Drop(done=True), Status(500, done=True)]
)
def test_an_unanswered_post_is_not_repeated(
    slack: SlackApi, settings: Settings, summary: Summary, fault: Drop | Status
) -> None:
    """Whether Slack took it or not, the next run leaves exactly one message."""
    slack.plan("chat.postMessage", fault)

    with pytest.raises(OutcomeUnknownError) as caught:
        post_summary(summary, settings, say=ignore)
    post_summary(summary, settings, say=ignore)

    assert caught.value.exit_code == 5
    assert len(leads(slack)) == 1
    assert len(slack.posted("nights")) > 1


@pytest.mark.usefixtures("no_pictures")
def test_without_the_scope_to_look_nothing_is_doubled(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Without channels:history a night is posted; an uncertain one is not repeated."""
    slack.scopes.discard("channels:history")
    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}
    other = settings.slack.model_copy(update={"channel": "#other"})
    elsewhere = settings.model_copy(update={"slack": other})
    slack.plan("chat.postMessage", Drop(done=True))

    with pytest.raises(OutcomeUnknownError):
        post_summary(summary, elsewhere, say=ignore)
    for _ in range(2):
        with pytest.raises(SlackRefusedError, match="channels:history"):
            post_summary(summary, elsewhere, say=ignore)

    assert len(leads(slack, "other")) == 1
    slack.scopes.add("channels:history")
    post_summary(summary, elsewhere, say=ignore)
    assert len(leads(slack, "other")) == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_wait_is_waited(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
) -> None:
    """Where Slack asks for a second, the call comes again after a second."""
    slack.plan("chat.postMessage", RateLimit(1))

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}

    first, second = [c.at for c in slack.calls if c.method == "chat.postMessage"][:2]
    assert second - first >= 1


@pytest.mark.usefixtures("no_pictures")
def test_a_pace_is_kept(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Slack that takes one message in so many seconds has nothing to refuse."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0.3)
    slack.seconds_a_message = 0.25

    post_summary(summary, settings, say=ignore)

    posts = [c for c in slack.calls if c.method == "chat.postMessage"]
    assert len(posts) == len(slack.posted("nights")) > 1


@pytest.mark.usefixtures("no_pictures")
def test_a_channel_that_fails_keeps_no_other(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The channel that is archived is named; the others have their messages."""
    slack.add_channel("old", archived=True)
    mine = routed(settings, Route(channel="#old"), Route(channel="#other"))
    said: list[str] = []

    with pytest.raises(SlackRefusedError, match="is archived"):
        post_summary(summary, mine, say=said.append)

    assert len(leads(slack)) == len(leads(slack, "other")) == 1
    assert any(line.startswith("Not posted to Slack in #old") for line in said)


@pytest.mark.usefixtures("no_pictures")
def test_a_slack_that_is_down_is_waited_for_once(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """However many channels there are; the next run posts them all."""
    slack.add_channel("third")
    mine = routed(settings, Route(channel="#other"), Route(channel="#third"))
    slack.plan("chat.postMessage", RateLimit(3600))

    with pytest.raises(SlackUnavailableError):
        post_summary(summary, mine, say=ignore)

    assert slack.methods().count("chat.postMessage") == 1
    record = read_record(record_file(settings.archive_root(), "ztf", NIGHT))
    assert all("Slack asks to wait" in one.failure for one in record.values())
    assert set(record) == {CHANNEL, "#other", "#third"}
    following = replace(summary, night="20260303", day_obs="20260302")
    post_summary(following, mine, say=ignore)
    assert [len(leads(slack, name)) for name in ("nights", "other", "third")] == [2] * 3


@pytest.mark.usefixtures("no_pictures")
def test_what_was_not_posted_is_retried_and_listed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The next night's run posts the night that failed, and says so."""
    slack.plan("chat.postMessage", Refuse("restricted_action"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, settings, say=ignore)
    following = replace(summary, night="20260303", day_obs="20260302")

    post_summary(following, settings, say=ignore)

    told = [message["text"][:18] for message in leads(slack)]
    assert told == ["ZTF night 20260302", "ZTF night 20260303"]
    assert "20260302 in #nights: now posted." in str(leads(slack)[1]["blocks"])


@pytest.mark.usefixtures("no_pictures")
def test_what_fails_again_is_listed_too(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A channel that stays archived is named in the whole night's message."""
    slack.add_channel("old", archived=True)
    mine = routed(settings, Route(channel="#old"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, mine, say=ignore)
    following = replace(summary, night="20260303", day_obs="20260302")

    with pytest.raises(SlackRefusedError):
        post_summary(following, mine, say=ignore)

    assert "20260302 in #old: not yet." in str(leads(slack)[1]["blocks"])


@pytest.mark.usefixtures("no_pictures")
def test_a_lost_end_of_the_thread_is_completed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A part that Slack refused is posted by the next run, and no other again."""
    slack.plan("chat.postMessage", None, None, Refuse("fatal"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, settings, say=ignore)
    before = [message["ts"] for message in slack.posted("nights")]

    post_summary(summary, settings, say=ignore)

    after = [message["ts"] for message in slack.posted("nights")]
    assert after[: len(before)] == before
    numbers = [m["metadata"]["event_payload"]["number"] for m in slack.posted("nights")]
    assert numbers == list(range(len(after)))


@pytest.mark.usefixtures("no_pictures")
def test_an_archive_that_cannot_be_read_is_said(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The counts are posted all the same: they are the summary's."""
    alerts = settings.archive_root() / "ztf" / "alerts"
    alerts.unlink()
    (alerts / f"night={NIGHT}").mkdir(parents=True)
    (alerts / f"night={NIGHT}" / "000-a.parquet").write_bytes(b"PAR1")

    post_summary(summary, settings, say=ignore)

    assert "cannot be read from the archive" in str(leads(slack)[0]["blocks"][-1])
    monkeypatch.undo()


@pytest.mark.parametrize(
    "fault", [None, Refuse("invalid_auth"), Status(500), Drop(), RateLimit(3600)]
)
@pytest.mark.usefixtures("no_pictures")
def test_the_token_is_nowhere(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    caplog: pytest.LogCaptureFixture,
    fault: Any,
) -> None:
    """Neither in the log at its chattiest, nor in an error's trace, nor in a file."""
    caplog.set_level(logging.DEBUG)
    slack.plan("chat.postMessage", fault)
    trace = ""

    try:
        post_summary(summary, settings, say=logging.getLogger("nightmail").info)
    except (SlackRefusedError, SlackUnavailableError):
        trace = traceback.format_exc()

    assert bool(trace) == (fault is not None)
    assert slack.token not in caplog.text + trace + repr(settings)
    written = [f for f in settings.archive_root().rglob("*") if f.is_file()]
    assert [f for f in written if slack.token.encode() in f.read_bytes()] == []
    assert any(f.name == f"{NIGHT}.slack.json" for f in written)
