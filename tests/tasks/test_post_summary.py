"""A summary is posted once a channel, to a local server that behaves as Slack does."""

from dataclasses import replace
from typing import Any

import pytest

from archive.history import read_history
from archive.summary import Summary
from client.tests.slack_api import SlackApi
from settings.model import Settings
from settings.routes import Route
from settings.slack import Slack
from tasks import bulletins
from tasks.post_summary import open_slack, post_summary
from tasks.posted import record_file
from tests.tasks.slack_night import (
    CHANNEL,
    NIGHT,
    archived,
    files,
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


def test_a_night_is_a_message_and_its_thread(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """First the lead, then in its thread the tables, the file and the pictures."""
    outcomes = post_summary(summary, settings, say=ignore)

    lead, *thread = slack.posted("nights")
    assert outcomes == {CHANNEL: "posted"}
    assert lead["text"].startswith("ZTF night 20260302: complete. 400 of 400 alerts")
    assert {message["thread_ts"] for message in thread} == {lead["ts"]}
    numbers = [m["metadata"]["event_payload"]["number"] for m in thread]
    assert numbers == list(range(1, len(thread) + 1))
    assert {f["thread_ts"] for f in slack.workspace.files.values()} == {lead["ts"]}
    night = "ztf_20260302"
    made = [f"{night}_objects.csv", f"{night}_sky.png", f"{night}_light_curves.png"]
    assert files(slack) == made


@pytest.mark.usefixtures("no_pictures")
def test_posted_once(slack: SlackApi, settings: Settings, summary: Summary) -> None:
    """The same summary is posted the first time only; the others ask Slack nothing."""
    outcomes = [post_summary(summary, settings, say=ignore)[CHANNEL]]
    asked = len(slack.calls)
    outcomes += [post_summary(summary, settings, say=ignore)[CHANNEL] for _ in "12"]

    assert outcomes == ["posted", "unchanged", "unchanged"]
    assert len(slack.calls) == asked


@pytest.mark.usefixtures("no_pictures")
def test_a_changed_summary_changes_the_message(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Another summary of the same night goes into the messages that are there."""
    post_summary(summary, settings, say=ignore)
    before = [message["ts"] for message in slack.posted("nights")]

    outcome = post_summary(
        replace(summary, alerts=401, generation=1), settings, say=ignore
    )

    assert outcome == {CHANNEL: "changed"}
    assert [message["ts"] for message in slack.posted("nights")] == before
    (lead,) = leads(slack)
    assert lead["text"].startswith("ZTF night 20260302, generation 1: complete. 400 of")
    assert lead["metadata"]["event_payload"]["generation"] == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_shorter_thread_loses_its_end(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Parts that a changed night does not have any more are taken back."""
    post_summary(summary, settings, say=ignore)
    few = tuple(
        replace(topic, delivered=0, kept=0, archived=0, classes={}, partitions=())
        for topic in summary.topics
    )

    post_summary(replace(summary, topics=few, classes={}, kept=0), settings, say=ignore)

    assert [m["ts"] for m in slack.posted("nights")] == [leads(slack)[0]["ts"]]


@pytest.mark.usefixtures("no_pictures")
def test_a_deleted_message_is_posted_anew(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A message that somebody has deleted cannot be changed."""
    post_summary(summary, settings, say=ignore)
    slack.workspace.messages.clear()

    outcome = post_summary(replace(summary, alerts=401), settings, say=ignore)

    assert outcome == {CHANNEL: "posted"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
def test_without_its_record_a_message_is_found(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """By its metadata, among others' messages; nothing is posted again."""
    post_summary(summary, settings, say=ignore)
    for number in range(300):
        client = open_slack(settings, say=ignore)
        assert client
        client.call("chat.postMessage", channel="#nights", text=f"Chat {number}")
    posted = len(slack.posted())
    record_file(settings.archive_root(), "ztf", NIGHT).unlink()

    outcomes = [
        post_summary(replace(summary, alerts=n), settings, say=ignore)[CHANNEL]
        for n in (400, 401)
    ]

    assert outcomes == ["unchanged", "changed"]
    assert len(slack.posted()) == posted


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("text", ["[]", "{", '{"#nights": {"who": 1}}'])
def test_a_broken_record_is_none(
    slack: SlackApi, settings: Settings, summary: Summary, text: str
) -> None:
    """What it should say is found in the channel."""
    post_summary(summary, settings, say=ignore)
    record_file(settings.archive_root(), "ztf", NIGHT).write_text(text)

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "unchanged"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
def test_an_older_record_is_understood(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A message posted before there were threads is changed, and gets its thread."""
    client = open_slack(settings, say=ignore)
    assert client
    sent = client.send_message(CHANNEL, "The night as it was.")
    record_file(settings.archive_root(), "ztf", NIGHT).write_text(
        f'{{"#nights": {{"channel": "{sent.channel}", "ts": "{sent.ts}",'
        ' "digest": "0"}}'
    )

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "changed"}
    assert [m["ts"] for m in leads(slack)] == [sent.ts]
    assert len(slack.posted("nights")) > 1


def test_without_a_token_it_is_printed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The same message as text, and the name of the setting."""
    no_token = settings.model_copy(update={"slack": Slack()})
    said: list[str] = []

    assert post_summary(summary, no_token, say=said.append) == {"#nightmail": "printed"}

    assert "slack.token" in said[0]
    assert said[2].startswith("ZTF night 20260302: complete\n400 of 400 alerts kept")
    assert slack.calls == []


def test_a_night_of_no_data(slack: SlackApi, settings: Settings) -> None:
    """A night without a folder is one message, without a thread."""
    nothing = Summary(
        survey="ztf", night=NIGHT, day_obs="20260301", status="no data", files=0,
        alerts=0, kept=0, generation=0, classes={},
    )  # fmt: skip

    post_summary(nothing, settings, say=ignore)

    (message,) = slack.posted()
    assert message["text"] == (
        "ZTF night 20260302: no data. The store has no such night (dayObs 20260301)."
    )
    assert files(slack) == []


def test_without_matplotlib_there_are_no_pictures(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    no_pictures: None,
) -> None:
    """The message says so, and how to get them."""
    del no_pictures

    post_summary(summary, settings, say=ignore)

    assert "pip install 'nightmail[plot]'" in str(leads(slack)[0]["blocks"][-1])
    assert files(slack) == ["ztf_20260302_objects.csv"]


def test_the_history_is_read_once(
    settings: Settings, summary: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many channels there are, the nights before are read once."""
    read: list[str] = []

    def count(*args: Any) -> Any:
        read.append(args[2])
        return read_history(*args)

    monkeypatch.setattr(bulletins, "read_history", count)
    mine = routed(settings, Route(channel="#{class}"), Route(channel="#other"))

    prepared = list(bulletins.prepare_bulletins(summary, mine))

    assert len(prepared) > 2
    assert read == [NIGHT]
