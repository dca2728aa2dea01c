"""Messages and files go where they are meant to, once."""

import itertools
import pickle
import time

import pytest

from client.tests.slack_api import Drop, SlackApi
from nightmail import OutcomeUnknownError, SlackTokenError
from nightmail.slack import Sent, SlackClient


def test_identity(slack: SlackApi, client: SlackClient) -> None:
    """The bot's name and team, with its scopes in order."""
    slack.scopes = {"users:read", "chat:write"}

    identity = client.identity()

    assert (identity["team"], identity["user"]) == ("Observatory", "nightmail")
    assert identity["scopes"] == ["chat:write", "users:read"]


def test_a_message_to_a_channel(slack: SlackApi, client: SlackClient) -> None:
    """The manual's first example: its text, where it was sent, and no preview."""
    sent = client.send_message("#newsletter", "New version of Fink is released")

    (message,) = slack.posted("newsletter")
    assert sent == Sent(message["channel"], message["ts"])
    assert message["text"] == "New version of Fink is released"
    assert slack.calls[-1].arguments["unfurl_links"] is False


@pytest.mark.parametrize("target", ["Bob", "bob kepler", "@bkepler", "bob@x.org"])
def test_a_message_to_a_person(
    slack: SlackApi, client: SlackClient, target: str
) -> None:
    """The manual's second example: the conversation with Bob, however he is named."""
    sent = client.send_message(target, "Your submitted query is complete")

    (message,) = slack.posted()
    assert slack.workspace.channels[sent.channel]["user"] == client.find("Bob")
    assert message["text"] == "Your submitted query is complete"


def test_messages_stay_in_order(slack: SlackApi, client: SlackClient) -> None:
    """What is sent first stands first, and answers stand in their thread."""
    lead = client.send_message("#rrlyr", "lead")
    for text in ("one", "two"):
        client.send_message("#rrlyr", text, thread_ts=lead.ts)

    assert [message["text"] for message in slack.posted("rrlyr")] == [
        "lead",
        "one",
        "two",
    ]
    assert [m["text"] for m in client.replies(lead.channel, lead.ts)] == [
        "lead",
        "one",
        "two",
    ]
    assert [m["text"] for m in client.history("#rrlyr", 0)] == ["lead"]


def test_a_message_is_changed(slack: SlackApi, client: SlackClient) -> None:
    """The new text stands where the old one was, and nothing beside it."""
    sent = client.send_message("#rrlyr", "old")

    changed = client.update(sent.channel, sent.ts, "new")

    (message,) = slack.posted("rrlyr")
    assert (changed, message["text"]) == (sent, "new")


def test_a_change_replaces_blocks_and_keeps_metadata(
    slack: SlackApi, client: SlackClient
) -> None:
    """Blocks that are not given anew are gone, metadata stays."""
    mark = {"event_type": "night", "event_payload": {"night": "20260301"}}
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "old"}}
    sent = client.send_message("#rrlyr", "old", [block], metadata=mark)

    client.update(sent.channel, sent.ts, "new")

    (message,) = slack.posted("rrlyr")
    assert (message["text"], message.get("blocks")) == ("new", [])
    assert message["metadata"] == mark


def test_metadata_comes_back(client: SlackClient) -> None:
    """What a message carries is read in the history, page by page, newest first."""
    for number in range(3):
        mark = {"event_type": "night", "event_payload": {"number": number}}
        client.send_message("#rrlyr", "x", metadata=mark)

    payloads = [m["metadata"]["event_payload"] for m in client.history("#rrlyr", 0)]

    assert payloads == [{"number": 2}, {"number": 1}, {"number": 0}]


def test_history_follows_short_pages(slack: SlackApi, client: SlackClient) -> None:
    """Slack may give fewer messages at once than are asked for."""
    slack.history_page = 2
    times = [client.send_message("#rrlyr", str(n)).ts for n in range(5)]

    found = [message["text"] for message in client.history("#rrlyr", times[0])]

    assert found == ["4", "3", "2", "1"]
    assert slack.methods().count("conversations.history") == 2


@pytest.mark.parametrize(("target", "shown"), [("#rrlyr", "C"), ("Bob", "D")])
def test_a_file_is_shown(
    slack: SlackApi, client: SlackClient, target: str, shown: str
) -> None:
    """Its bytes, name and title arrive, in a channel or in a conversation."""
    lead = client.send_message(target, "lead")

    file = client.upload(target, "map.png", b"\x89PNG", title="Map", thread_ts=lead.ts)

    assert slack.workspace.files[file] == {
        "name": "map.png",
        "length": 4,
        "data": b"\x89PNG",
        "done": True,
        "title": "Map",
        "channel": lead.channel,
        "thread_ts": lead.ts,
        "comment": None,
    }
    assert lead.channel.startswith(shown)


def test_the_address_of_an_upload_gets_no_token(
    slack: SlackApi, client: SlackClient
) -> None:
    """The token goes to Slack's API, and to no other address."""
    client.upload("#rrlyr", "a.csv", b"a,b\n", title="A")

    tokens = {call.method: call.token for call in slack.calls}
    assert tokens.pop("upload") == ""
    assert set(tokens.values()) == {slack.token}


def test_one_message_a_second_in_a_channel(
    slack: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's pace is kept, so nothing is refused; other channels do not wait."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0.2)
    slack.seconds_a_message = 0.2
    client = SlackClient(slack.token, base_url=slack.url, patience=0)

    for number, channel in itertools.product(range(3), ("#rrlyr", "#ebwuma")):
        client.send_message(channel, str(number))

    assert len(slack.posted()) == 6
    posts = [call.at for call in slack.calls if call.method == "chat.postMessage"]
    assert posts[1] - posts[0] < 0.2


def test_a_post_without_an_answer_is_not_repeated(
    slack: SlackApi, client: SlackClient
) -> None:
    """Slack may have taken it, and has: there is one message, and it is said."""
    slack.plan("chat.postMessage", Drop(done=True))

    with pytest.raises(OutcomeUnknownError, match="look into the channel"):
        client.send_message("#rrlyr", "once")

    assert len(slack.posted("rrlyr")) == 1


def test_nothing_is_asked_before_it_is_needed(slack: SlackApi) -> None:
    """Making a client calls nobody; an id needs no list of channels."""
    channel = slack.add_channel("vip")
    client = SlackClient(slack.token, base_url=slack.url)
    assert slack.calls == []

    client.send_message(channel, "x")

    assert slack.methods() == ["chat.postMessage"]


def test_lists_are_asked_for_once(slack: SlackApi, client: SlackClient) -> None:
    """Ten messages to two channels and a person need one list of each."""
    for target in ["#rrlyr", "#ebwuma", "Bob"] * 3:
        client.send_message(target, "x")

    assert slack.methods().count("conversations.list") == 1
    assert slack.methods().count("users.list") == 1


def test_a_token_with_a_newline_is_refused_unsaid(slack: SlackApi) -> None:
    """Python would quote it in its own refusal; ours does not."""
    client = SlackClient("xoxb-1\nx", base_url=slack.url)

    with pytest.raises(SlackTokenError, match="check the token") as caught:
        client.identity()

    assert "xoxb-1" not in str(caught.value)
    assert slack.calls == []


def test_it_is_not_pickled(client: SlackClient) -> None:
    """Its token would be in the file."""
    with pytest.raises(TypeError, match="make one where it is needed"):
        pickle.dumps(client)


def test_the_time_of_a_message_is_now(client: SlackClient) -> None:
    """A message's id is the time, so that a history can begin at an instant."""
    before = time.time() - 1

    sent = client.send_message("#rrlyr", "x")

    assert [message["ts"] for message in client.history("#rrlyr", before)] == [sent.ts]
