"""Whatever goes wrong with Slack is waited for or said, in one sentence."""

import pytest

from client.tests.slack_api import (
    Drop,
    Fault,
    Hold,
    RateLimit,
    Refuse,
    SlackApi,
    Status,
)
from nightmail import (
    MessageGoneError,
    OutcomeUnknownError,
    SlackError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)
from nightmail.slack import SlackClient

REFUSALS = {
    "invalid_auth": r"check the token \(SLACK_API_TOKEN or slack\.token\)",
    "token_expired": "it has expired",
    "token_revoked": "it was revoked",
    "account_inactive": "make the token",
    "channel_not_found": "check its name",
    "not_in_channel": "invite the bot: type `/invite @`",
    "is_archived": "unarchive it",
    "restricted_action": "ask the workspace's owners",
    "cannot_dm_bot": "a bot takes no messages",
    "something_new": "in #rrlyr: something_new.$",
}


@pytest.mark.parametrize(("code", "advice"), REFUSALS.items())
def test_a_refusal_says_what_to_do(
    slack: SlackApi, client: SlackClient, code: str, advice: str
) -> None:
    """Slack's own word, where, and what to do; it is not tried again."""
    slack.plan("chat.postMessage", Refuse(code))

    with pytest.raises(
        SlackRefusedError, match=f"in #rrlyr: {code}|{advice}"
    ) as caught:
        client.send_message("#rrlyr", "x")

    assert caught.match(advice)
    assert caught.value.exit_code == 1
    assert slack.posted() == []
    assert slack.methods().count("chat.postMessage") == 1


def test_a_missing_scope_is_named(slack: SlackApi, client: SlackClient) -> None:
    """Which scope is missing, and which there are."""
    slack.scopes = {"channels:read", "groups:read", "users:read"}

    with pytest.raises(SlackTokenError) as caught:
        client.send_message("#rrlyr", "x")

    assert str(caught.value) == (
        "Slack refused chat.postMessage in #rrlyr: missing_scope; give the app the"
        " scope chat:write and install it again; it has channels:read groups:read"
        " users:read."
    )


def test_private_channels_need_a_scope_that_may_be_missing(
    slack: SlackApi, client: SlackClient
) -> None:
    """Without `groups:read`, public channels are found all the same."""
    slack.scopes = {"channels:read", "chat:write"}

    client.send_message("#rrlyr", "x")

    assert len(slack.posted("rrlyr")) == 1


@pytest.mark.parametrize(
    ("target", "scope"),
    [("#rrlyr", "channels"), ("#secret", "groups"), ("Bob", "im")],
)
def test_a_history_needs_the_scope_of_its_kind(
    slack: SlackApi, client: SlackClient, target: str, scope: str
) -> None:
    """Public channels, private ones and people have a scope each, and it is named."""
    slack.add_channel("secret", private=True)
    slack.scopes.discard(f"{scope}:history")

    with pytest.raises(
        SlackTokenError, match=f"give the app the scope {scope}:history"
    ):
        list(client.history(target, 0))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"archived": True}, "#old is archived; unarchive it"),
        ({"member": False}, "in #old: not_in_channel; invite the bot"),
        ({"member": False, "private": True}, "no channel #old that the bot can see"),
    ],
)
def test_a_channel_that_takes_nothing(
    slack: SlackApi, client: SlackClient, kind: dict[str, bool], message: str
) -> None:
    """Archived, without the bot, or private: which it is."""
    slack.add_channel("old", **kind)

    with pytest.raises(SlackRefusedError, match=message):
        client.send_message("#old", "x")


def test_a_short_wait_is_waited(
    slack: SlackApi, client: SlackClient, waits: list[float]
) -> None:
    """As long as Slack says, twice where it says so twice; the message arrives once."""
    slack.plan("chat.postMessage", RateLimit(2), RateLimit(3))

    client.send_message("#rrlyr", "x")

    assert waits == [2, 3]
    assert len(slack.posted("rrlyr")) == 1


def test_a_long_wait_is_said(
    slack: SlackApi, client: SlackClient, waits: list[float]
) -> None:
    """Beyond our patience, which counts all waits of a call together."""
    slack.plan("chat.postMessage", RateLimit(6), RateLimit(6))

    with pytest.raises(SlackUnavailableError, match="asks to wait 6 s") as caught:
        client.send_message("#rrlyr", "x")

    assert type(caught.value) is SlackUnavailableError
    assert (waits, caught.value.exit_code) == ([6], 5)


@pytest.mark.parametrize("header", [None, 0, -1])
def test_a_wait_of_unknown_length(
    slack: SlackApi, client: SlackClient, waits: list[float], header: float | None
) -> None:
    """It is a second, and twice that the next time."""
    slack.plan("users.list", RateLimit(header), RateLimit(header))

    client.users()

    assert waits == [1, 2]


@pytest.mark.parametrize(
    "fault",
    [Drop(), Drop(done=True), Status(500), Status(502), Refuse("internal_error")],
)
def test_reading_is_repeated(
    slack: SlackApi, client: SlackClient, waits: list[float], fault: Fault
) -> None:
    """A list does no harm when it is asked for twice."""
    slack.plan("conversations.list", fault, fault)

    client.send_message("#rrlyr", "x")

    assert waits == [1, 2]


@pytest.mark.parametrize(
    "fault",
    [Drop(), Status(500), Status(503, done=True), Refuse("fatal_error"), Status(200)],
)
def test_a_post_of_unknown_outcome_is_not_repeated(
    slack: SlackApi, client: SlackClient, waits: list[float], fault: Fault
) -> None:
    """By Slack's own words it may have been posted."""
    slack.plan("chat.postMessage", fault)

    with pytest.raises(OutcomeUnknownError) as caught:
        client.send_message("#rrlyr", "x")

    assert "all the same" in str(caught.value)
    assert (waits, slack.methods().count("chat.postMessage")) == ([], 1)


def test_slack_is_too_slow(slack: SlackApi) -> None:
    """A message that is not answered in time may have been posted."""
    hold = Hold(done=True)
    slack.plan("chat.postMessage", hold)
    client = SlackClient(slack.token, base_url=slack.url, timeout=1)

    with pytest.raises(OutcomeUnknownError, match="TimeoutError"):
        client.send_message("#rrlyr", "x")

    hold.released.set()
    assert len(slack.posted("rrlyr")) == 1


def test_a_change_is_repeated(
    slack: SlackApi, client: SlackClient, waits: list[float]
) -> None:
    """To change a message twice is to change it once."""
    sent = client.send_message("#rrlyr", "old")
    slack.plan("chat.update", Drop(done=True), Status(503))

    client.update(sent.channel, sent.ts, "new")

    assert (waits, slack.posted()[0]["text"]) == ([1, 2], "new")


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload"])
def test_an_upload_is_repeated_up_to_its_end(
    slack: SlackApi, client: SlackClient, method: str
) -> None:
    """Until it is shown, nobody has seen anything."""
    slack.plan(method, Drop(), Status(500), RateLimit(1))

    file = client.upload("#rrlyr", "a.png", b"abc", title="A")

    assert slack.workspace.files[file]["done"]


def test_a_deleted_message_is_gone(client: SlackClient) -> None:
    """It can be neither changed nor answered, which its error says."""
    sent = client.send_message("#rrlyr", "x")
    client.call("chat.delete", channel=sent.channel, ts=sent.ts)

    with pytest.raises(MessageGoneError, match="deleted"):
        client.update(sent.channel, sent.ts, "y")
    with pytest.raises(MessageGoneError, match="deleted"):
        client.send_message("#rrlyr", "y", thread_ts=sent.ts)


def test_nobody_listens(waits: list[float]) -> None:
    """A refused connection is surely no message, so it is tried until patience ends."""
    client = SlackClient(
        "xoxb-1", base_url="http://127.0.0.1:1/", patience=10, pause=waits.append
    )

    with pytest.raises(SlackUnavailableError, match=r"127\.0\.0\.1:1/") as caught:
        client.send_message("C012345678", "x")

    assert type(caught.value) is SlackUnavailableError
    assert waits == [1, 2, 4]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_address_that_is_not_slacks(
    slack: SlackApi, client: SlackClient, status: int
) -> None:
    """A proxy or a wrong address is to be set right, not waited for."""
    slack.plan("chat.postMessage", Status(status))

    with pytest.raises(SlackRefusedError, match=r"check slack\.base_url"):
        client.send_message("#rrlyr", "x")


def test_what_slack_says_of_blocks_is_said(client: SlackClient) -> None:
    """The block that Slack refuses is named as Slack names it."""
    with pytest.raises(SlackRefusedError, match=r"\(unsupported type .*/blocks/0/type"):
        client.send_message("#rrlyr", "x", blocks=[{"type": "confetti"}])


def test_every_error_is_one_of_ours() -> None:
    """One `except` takes all of them."""
    kinds = [SlackRefusedError, SlackUnavailableError, OutcomeUnknownError]

    assert all(issubclass(kind, SlackError) for kind in [*kinds, MessageGoneError])
