"""The page about Slack does what it says, at a local Slack."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.tests.slack_api import SlackApi
from client.tests.slack_api.methods import SCOPES
from nightmail.slack.alert_rows import CLASSES, OBJECTS, POSITIONS
from nightmail.slack.channel_names import channel_of
from settings.errors import NightmailError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "slack.md").read_text("utf-8")
"""The page."""

PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
"""What can be copied from it."""


def part(title: str) -> str:
    """Text of a section, up to the next of any kind."""
    return re.split(r"^#+ ", PAGE.split(f"# {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackApi]:
    """Give the workspace that the page speaks of, its token in the environment."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0)
    with SlackApi() as server:
        for name in ("newsletter", "rrlyr", "ebwuma", "seyferts"):
            server.add_channel(name)
        server.add_user("bkepler", real_name="Bob Kepler", display_name="Bob")
        monkeypatch.setenv("SLACK_API_TOKEN", server.token)
        monkeypatch.setenv("NIGHTMAIL_SLACK__BASE_URL", server.url)
        yield server


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_programs_run(slack: SlackApi, number: int) -> None:
    """Each program of the page runs as it stands, and posts something."""
    exec(compile(PROGRAMS[number], "docs/slack.md", "exec"), {})  # noqa: S102

    assert slack.posted() != []


def test_the_messages_shown_are_sent(slack: SlackApi) -> None:
    """The page shows what Slack gets, to the letter."""
    program = next(text for text in PROGRAMS if "ZTF17aabuwws" in text)
    shown = re.findall(r"^```\n\+.*?^```", PAGE, re.MULTILINE | re.DOTALL)

    exec(compile(program, "docs/slack.md", "exec"), {})  # noqa: S102

    assert [message["text"] for message in slack.posted()] == shown


def test_channels_shown_are_those_of_the_rule() -> None:
    """The table of classes is what the code does."""
    rows = re.findall(
        r"^\| `(.*?)` \| `#(.*?)` \|$", part("The channel of a class"), re.MULTILINE
    )

    assert len(rows) > 9
    assert [channel_of(name) for name, _ in rows] == [channel for _, channel in rows]


def test_columns_shown_are_those_that_are_known() -> None:
    """Every name that the code looks for stands on the page, and no other."""
    table = part("Alerts to the channels of their classes")
    rows = dict(
        re.findall(r"^\| (object|position|class) \| (.*) \|$", table, re.MULTILINE)
    )

    named = {what: re.findall(r"`([\w.]+)`", text) for what, text in rows.items()}
    assert named["object"] == list(OBJECTS)
    assert named["position"] == [*(ra for ra, _ in POSITIONS), "dec"]
    assert named["class"] == list(CLASSES)


def test_errors_shown_exist() -> None:
    """Every error of the table is one, with the parent that its row tells."""
    rows = re.findall(
        r"^\| `(\w+)` \| (of those)?", part("When Slack does not do it"), re.MULTILINE
    )
    kinds = {kind.__name__: kind for kind in descendants(NightmailError)}

    parents: list[str] = []
    for name, below in rows:
        parents = [*(parents[:1] if below else []), name]
        assert issubclass(kinds[name], kinds[parents[0]])

    assert {name for name, _ in rows} == {
        kind.__name__ for kind in descendants(kinds["SlackError"])
    }


def test_scopes_shown_are_those_that_are_needed() -> None:
    """The page names the scopes of the methods that are called, and no other."""
    shown = set(re.findall(r"`([\w.]+:[\w.]+)`", part("The bot and its scopes")))

    called = set(SCOPES.values()) - {"channels:join"}
    assert shown == called | {"groups:read", "groups:history", "im:history"}


def descendants(kind: type[NightmailError]) -> Iterator[type[NightmailError]]:
    """Yield every error below one."""
    for each in kind.__subclasses__():
        yield each
        yield from descendants(each)
