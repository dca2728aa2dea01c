"""Whom a name means, among hundreds."""

import pytest

from client.tests.slack_api import Drop, RateLimit, SlackApi, Status
from nightmail import SlackRefusedError
from nightmail.slack import Channel, SlackClient, User
from nightmail.slack.directory import is_id


@pytest.fixture
def crowd(slack: SlackApi) -> SlackApi:
    """Give a workspace of 700 channels and 900 people."""
    for number in range(700):
        slack.add_channel(f"channel-{number}", archived=number % 3 == 0)
    for number in range(900):
        slack.add_user(f"user{number}", real_name=f"Person {number}")
    return slack


def test_everything_is_listed(crowd: SlackApi, client: SlackClient) -> None:
    """All pages are asked for, by the cursor of the one before."""
    channels, users = client.channels(), client.users()

    assert (len(channels), len(users)) == (703, 901)
    assert crowd.methods() == ["conversations.list"] * 4 + ["users.list"] * 5


def test_trouble_between_two_pages(
    crowd: SlackApi, client: SlackClient, waits: list[float]
) -> None:
    """The page that failed is asked for again: nothing is missing, nothing twice."""
    crowd.plan("conversations.list", None, RateLimit(3), None, Drop(), Status(500))

    channels = client.channels()

    assert len({channel.id for channel in channels}) == len(channels) == 703
    assert waits == [3, 1, 2]


def test_the_last_of_hundreds_is_found(crowd: SlackApi, client: SlackClient) -> None:
    """The channel and the person that stand on the last page."""
    client.send_message("#channel-698", "x")
    client.send_message("Person 899", "x")

    assert len(crowd.posted("channel-698")) == 1
    assert len(crowd.posted()) == 2


def test_what_is_known_of_them(slack: SlackApi, client: SlackClient) -> None:
    """Ids, names, and whether a message would arrive."""
    old = slack.add_channel("old", archived=True, member=False)
    bot = slack.add_user("robot", real_name="Robot", is_bot=True, deleted=True)

    assert client.channels()[-1] == Channel(
        old, "old", is_private=False, is_archived=True, is_member=False
    )
    assert client.users()[-1] == User(
        id=bot,
        name="robot",
        real_name="Robot",
        display_name="",
        email="",
        is_bot=True,
        is_deleted=True,
    )


def test_two_of_the_same_name(slack: SlackApi, client: SlackClient) -> None:
    """Nobody is chosen: both are said, with what tells them apart."""
    second = slack.add_user("bobby", real_name="Bob")
    first = client.find("@bkepler")

    with pytest.raises(SlackRefusedError) as caught:
        client.send_message("Bob", "x")

    assert str(caught.value) == (
        f"Several people in Slack are called Bob: @bkepler ({first}), @bobby"
        f" ({second}); take a handle, an e-mail address or an id."
    )
    assert slack.posted() == []


def test_bots_and_closed_accounts_are_not_meant(
    slack: SlackApi, client: SlackClient
) -> None:
    """Beside one of them, a person's name is not ambiguous."""
    slack.add_user("old", real_name="Bob", deleted=True)
    slack.add_user("robot", real_name="Bob", is_bot=True)

    assert client.find("Bob") == client.find("@bkepler")


@pytest.mark.parametrize(
    ("target", "offered"),
    [
        ("#rrlyra", "#rrlyr"),
        ("Bob Keppler", "Bob Kepler"),
        ("@bkeplr", "@bkepler"),
    ],
)
def test_a_name_that_is_nearly_right(
    client: SlackClient, target: str, offered: str
) -> None:
    """The similar one is offered, and nothing is sent."""
    with pytest.raises(SlackRefusedError, match=rf"take .*{offered}\b"):
        client.find(target)


def test_a_name_like_no_other(client: SlackClient) -> None:
    """Nothing is offered for it."""
    with pytest.raises(SlackRefusedError) as caught:
        client.find("Zwicky")

    assert str(caught.value) == (
        "Slack has nobody called Zwicky; give an id, or #name for a channel."
    )


def test_an_unknown_address(client: SlackClient) -> None:
    """Slack's word for it, and what to do."""
    with pytest.raises(SlackRefusedError, match="users_not_found; check the address"):
        client.find("nobody@x.org")


@pytest.mark.parametrize(
    ("real_name", "target"),
    [
        ("Zoë Ångström", "zoe\u0308 a\u030angstro\u0308m"),
        ("李 明", "李 明"),
        ("Bob  van  Gogh", "bob van gogh"),
        ("ﬁnk", "FINK"),
    ],
)
def test_names_in_unicode(
    slack: SlackApi, client: SlackClient, real_name: str, target: str
) -> None:
    """A name is the same in both forms of Unicode, in capitals, and when spaced."""
    user = slack.add_user("someone", real_name=real_name)

    assert client.find(target) == user


def test_a_channel_in_capitals_is_found(client: SlackClient) -> None:
    """Slack's channels have no capitals."""
    assert client.find("#RRLyr") == client.find("#rrlyr")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("C024BE91L", True),
        ("U0NM000004X", True),
        ("#C024BE91L", False),
        ("CASSIOPEIA", False),
        ("Bob", False),
    ],
)
def test_what_is_an_id(target: str, *, expected: bool) -> None:
    """A name in capital letters is none."""
    assert is_id(target) is expected
