"""What Slack would refuse for its size is refused before it is sent."""

from typing import Any

import pytest

from client.tests.slack_api import SlackApi
from nightmail import SlackRefusedError
from nightmail.slack import SlackClient, limits


def section(text: str) -> dict[str, Any]:
    """Make a block with a text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text: str) -> dict[str, Any]:
    """Make a block with a title."""
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


FULL = {
    "text": {"text": "x" * 40_000},
    "blocks": {"blocks": [section("x")] * 50},
    "section": {"blocks": [section("x" * 3000)]},
    "header": {"blocks": [header("x" * 150)]},
    "weight": {"blocks": [section("x" * 2875)] * 4},
}
"""The largest messages that are taken."""

BEYOND = {
    "text": ({"text": "x" * 40_001}, "at most 40,000 characters: the text .* 40,001"),
    "blocks": ({"blocks": [section("x")] * 51}, "at most 50 blocks: .* 51"),
    "section": ({"blocks": [section("x" * 3001)]}, "a text of block 0 has 3,001"),
    "header": (
        {"blocks": [section("x"), header("x" * 151)]},
        "a text of block 1 has 151",
    ),
    "weight": ({"blocks": [section("x" * 2876)] * 5}, "at most 12,000 .* 15,005"),
    "nothing": ({"text": ""}, "needs a text or blocks"),
    "empty": ({"blocks": [section("")]}, "A text of block 0 is empty"),
}
"""Messages just beyond one of the limits."""


@pytest.mark.parametrize("message", FULL.values(), ids=FULL)
def test_what_just_fits(
    slack: SlackApi, client: SlackClient, message: dict[str, Any]
) -> None:
    """It passes, and Slack takes it."""
    limits.check(message)

    client.call("chat.postMessage", channel=client.find("#rrlyr"), **message)

    assert len(slack.posted("rrlyr")) == 1


@pytest.mark.parametrize(("message", "why"), BEYOND.values(), ids=BEYOND)
def test_what_does_not_fit(
    slack: SlackApi, client: SlackClient, message: dict[str, Any], why: str
) -> None:
    """The limit and the figure are said, and Slack would refuse it indeed."""
    with pytest.raises(ValueError, match=why):
        limits.check(message)

    channel = client.find("#rrlyr")
    with pytest.raises(SlackRefusedError):
        client.call("chat.postMessage", channel=channel, **message)
    assert slack.posted() == []


def test_too_many_blocks_are_not_sent(slack: SlackApi, client: SlackClient) -> None:
    """The client asks Slack nothing for a message that does not fit."""
    with pytest.raises(ValueError, match="at most 50 blocks"):
        client.send_message("#rrlyr", "x", blocks=[section("x")] * 51)

    assert slack.calls == []


def test_a_change_is_shorter(slack: SlackApi, client: SlackClient) -> None:
    """Slack takes 40,000 characters of a new message, and 4,000 of a changed one."""
    sent = client.send_message("#rrlyr", "x" * 40_000)

    client.update(sent.channel, sent.ts, "y" * 4000)
    with pytest.raises(ValueError, match=r"at most 4,000 .* has 4,001"):
        client.update(sent.channel, sent.ts, "y" * 4001)
    with pytest.raises(SlackRefusedError, match="msg_too_long; cut it"):
        client.call("chat.update", channel=sent.channel, ts=sent.ts, text="y" * 4001)

    assert slack.posted("rrlyr")[0]["text"] == "y" * 4000


def test_a_long_text_goes_in_pieces(slack: SlackApi, client: SlackClient) -> None:
    """They are cut at ends of lines, keep their order, and lose nothing."""
    text = "\n".join(f"{number:06d} {'x' * 90}" for number in range(1000))

    sent = client.send_message("#rrlyr", text)

    posted = slack.posted("rrlyr")
    assert [len(message["text"]) <= limits.MAX_MESSAGE for message in posted] == [
        True,
        True,
        True,
    ]
    assert "\n".join(message["text"] for message in posted) == text
    assert sent.ts == posted[0]["ts"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [""]),
        ("abcd", ["abcd"]),
        ("abcde", ["abcd", "e"]),
        ("ab\ncd", ["ab", "cd"]),
        ("abcd\nef", ["abcd", "ef"]),
        ("\nabcdef", ["\nabc", "def"]),
        ("ab\n\n\n\ncd", ["ab\n\n", "\ncd"]),
    ],
)
def test_pieces(text: str, expected: list[str]) -> None:
    """Pieces of four characters at most; only a newline between two is left out."""
    assert list(limits.pieces(text, 4)) == expected
