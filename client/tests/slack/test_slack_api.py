"""The local Slack does what the Web API does, beyond what our client asks of it."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from client.tests.slack_api import Hold, RateLimit, SlackApi
from nightmail import OutcomeUnknownError
from nightmail.slack import SlackClient


def call(
    slack: SlackApi,
    method: str,
    token: str = "",
    *,
    as_json: bool = False,
    **asked: Any,
) -> dict[str, Any]:
    """Call a method with nothing but Python."""
    kind = "application/json" if as_json else "application/x-www-form-urlencoded"
    body = json.dumps(asked) if as_json else urllib.parse.urlencode(asked)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {token or slack.token}"}
    url = slack.url + method
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def test_pages(slack: SlackApi) -> None:
    """As long as there is more, the answer names the cursor of the next page."""
    first = call(slack, "conversations.list", limit=2)
    second = call(
        slack,
        "conversations.list",
        limit=2,
        cursor=first["response_metadata"]["next_cursor"],
    )

    names = [
        channel["name"] for page in (first, second) for channel in page["channels"]
    ]
    assert names == ["newsletter", "rrlyr", "ebwuma"]
    assert second["response_metadata"]["next_cursor"] == ""


@pytest.mark.parametrize(
    ("limit", "error"), [(1000, "invalid_limit"), (-1, "invalid_limit")]
)
def test_pages_have_a_largest_size(slack: SlackApi, limit: int, error: str) -> None:
    """Slack wants less than a thousand."""
    assert call(slack, "users.list", limit=limit)["error"] == error


def test_archived_channels_are_left_out_of_their_page(slack: SlackApi) -> None:
    """Slack filters a page after it has cut it, so a page may be empty."""
    slack.add_channel("new")
    for channel in slack.workspace.channels.values():
        channel["is_archived"] = channel["name"] != "new"

    page = call(slack, "conversations.list", limit=3, exclude_archived="true")

    assert page["channels"] == []
    assert page["response_metadata"]["next_cursor"] != ""


@pytest.mark.parametrize(
    ("token", "error"), [("xoxb-other", "invalid_auth"), ("\t", "not_authed")]
)
def test_tokens(slack: SlackApi, token: str, error: str) -> None:
    """A wrong one and none are told apart."""
    assert call(slack, "auth.test", token)["error"] == error


def test_some_methods_take_no_json(slack: SlackApi) -> None:
    """Their arguments are as good as not there."""
    answer = call(slack, "users.lookupByEmail", as_json=True, email="bob@x.org")

    assert answer["error"] == "invalid_arguments"


def test_unknown_methods(slack: SlackApi) -> None:
    """They are refused by Slack's word."""
    assert call(slack, "chat.shout")["error"] == "unknown_method"


def test_metadata_is_shown_to_who_asks(slack: SlackApi, client: SlackClient) -> None:
    """Without `include_all_metadata`, the history does not have it."""
    mark = {"event_type": "night", "event_payload": {"night": "20260301"}}
    sent = client.send_message("#rrlyr", "x", metadata=mark)

    plain = call(slack, "conversations.history", channel=sent.channel)["messages"]

    assert "metadata" not in plain[0]
    assert next(client.history("#rrlyr", 0))["metadata"] == mark


@pytest.mark.parametrize(
    "metadata", ["x", {"event_type": "night"}, {"event_type": "", "event_payload": {}}]
)
def test_metadata_has_a_form(slack: SlackApi, metadata: Any) -> None:
    """A type, and a payload that is an object."""
    asked = {"channel": "#rrlyr", "text": "x", "metadata": metadata}

    answer = call(slack, "chat.postMessage", as_json=True, **asked)

    assert answer["error"] == "invalid_metadata_format"


def test_only_ones_own_messages_are_changed(slack: SlackApi) -> None:
    """Those of people are theirs."""
    (channel, *_) = slack.workspace.channels
    slack.workspace.messages.append({"channel": channel, "ts": "1.0", "user": "U1"})

    answer = call(slack, "chat.update", channel=channel, ts="1.0", text="x")

    assert answer["error"] == "cant_update_message"


def test_an_upload_is_not_completed_twice(slack: SlackApi, client: SlackClient) -> None:
    """Nor one whose bytes never came, nor to a person's id."""
    file = client.upload("#rrlyr", "a", b"x", title="A")
    channel = client.find("#rrlyr")
    method, files = "files.completeUploadExternal", json.dumps([{"id": file}])

    again = call(slack, method, channel_id=channel, files=files)
    person = call(slack, method, channel_id=client.find("Bob"), files=files)

    assert (again["error"], person["error"]) == ("file_not_found", "invalid_arguments")


def test_an_image_must_have_been_uploaded(slack: SlackApi, client: SlackClient) -> None:
    """A block that shows a file is taken once the file is complete."""
    file = client.upload("#rrlyr", "a.png", b"x", title="A")

    def answer(name: str) -> str:
        block = {"type": "image", "alt_text": "a", "slack_file": {"id": name}}
        asked: dict[str, Any] = {"channel": "#rrlyr", "text": "a", "blocks": [block]}
        found = call(slack, "chat.postMessage", as_json=True, **asked)
        return str(found.get("error", "ok"))

    assert (answer(file), answer("F000")) == ("ok", "invalid_blocks")


def test_too_fast(slack: SlackApi) -> None:
    """With a pace, the second message of a second is refused; with a header."""
    slack.seconds_a_message = 1
    call(slack, "chat.postMessage", channel="#rrlyr", text="x")

    with pytest.raises(urllib.error.HTTPError) as caught:
        call(slack, "chat.postMessage", channel="#rrlyr", text="x")

    with caught.value as error:
        assert (error.code, error.headers["Retry-After"]) == (429, "1")
    assert len(slack.posted()) == 1


@pytest.mark.parametrize("done", [True, False])
def test_a_call_is_held(slack: SlackApi, client: SlackClient, *, done: bool) -> None:
    """So that a test may do something just before or after it is carried out."""
    hold = Hold(done=done)
    slack.plan("chat.postMessage", hold)
    errors: list[BaseException] = []

    def send() -> None:
        try:
            client.send_message("#rrlyr", "x")
        except OutcomeUnknownError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert hold.reached.wait(5)
    there = len(slack.posted())
    hold.released.set()
    thread.join()

    assert (there, len(errors)) == (done, 1)


def test_what_is_planned_happens_once(slack: SlackApi, client: SlackClient) -> None:
    """In order, call by call; None lets one pass; other methods are not touched."""
    slack.plan("users.list", None, RateLimit(1))

    client.send_message("#rrlyr", "x")
    first = call(slack, "users.list")
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(slack, "users.list")
    caught.value.close()
    last = call(slack, "users.list")

    assert (first["ok"], last["ok"]) == (True, True)
