"""What is missing is named before a night would find out."""

import pytest

from client.tests.slack_api import SlackApi
from nightmail.slack import SlackUnavailableError
from settings.model import Settings
from settings.routes import Route
from tasks.check_slack import Finding, check_slack, wanted_channels
from tasks.post_summary import open_slack
from tests.tasks.slack import settings, slack

__all__ = ["settings", "slack"]


def found(settings: Settings) -> dict[str, Finding]:
    """Check, and give what was looked at by its name."""
    client = open_slack(settings, say=lambda _: None)
    assert client
    return {one.what: one for one in check_slack(client, settings.slack)}


def missing(settings: Settings) -> list[str]:
    """Name what is missing."""
    return [one.what for one in found(settings).values() if one.state == "missing"]


def routed(settings: Settings, *routes: Route, allow: tuple[str, ...] = ()) -> Settings:
    """Add routes to settings."""
    changed = settings.slack.model_copy(update={"routes": routes, "allow": allow})
    return settings.model_copy(update={"slack": changed})


def test_all_is_there(slack: SlackApi, settings: Settings) -> None:
    """Every channel and scope is looked at, and nothing is posted."""
    looked = found(settings)

    assert missing(settings) == []
    assert looked["token"].advice == "It is of nightmail in Observatory."
    assert {"#nights", "#ops", "scope chat:write", "scope files:write"} <= set(looked)
    assert slack.posted() == []


@pytest.mark.parametrize(
    "scope", ["chat:write", "channels:read", "channels:history", "files:write"]
)
def test_a_missing_scope_is_named(
    slack: SlackApi, settings: Settings, scope: str
) -> None:
    """With what it is for."""
    slack.scopes.discard(scope)

    assert f"scope {scope}" in missing(settings)


def test_what_only_a_command_needs_is_optional(
    slack: SlackApi, settings: Settings
) -> None:
    """Nights do not write to people."""
    slack.scopes.discard("users:read")

    assert missing(settings) == []
    assert found(settings)["scope users:read"].state == "optional"


def test_a_private_channel_needs_more(slack: SlackApi, settings: Settings) -> None:
    """Its own scopes are asked for only where there is one."""
    slack.scopes.discard("groups:history")
    assert missing(settings) == []

    slack.add_channel("secret", private=True)

    secret = routed(settings, Route(channel="#secret"))
    assert missing(secret) == ["scope groups:history"]


def test_a_channel_that_is_not_reachable_is_named(
    slack: SlackApi, settings: Settings
) -> None:
    """Archived, not there, or without the bot; each with what to do."""
    slack.add_channel("old", archived=True)
    slack.add_channel("strange", member=False)
    names = ("#old", "#strange", "#nighst")

    looked = found(routed(settings, *(Route(channel=name) for name in names)))

    assert [looked[name].state for name in names] == ["missing"] * 3
    assert "archived" in looked["#old"].advice
    assert "/invite" in looked["#strange"].advice
    assert "#nights" in looked["#nighst"].advice


def test_a_bad_token_is_all_that_is_said(slack: SlackApi, settings: Settings) -> None:
    """Nothing else can be known then."""
    slack.token_error = "token_expired"  # noqa: S105 - an answer

    (one,) = found(settings).values()

    assert (one.what, one.state) == ("token", "missing")
    assert "token_expired" in one.advice


def test_a_slack_that_does_not_answer(settings: Settings) -> None:
    """Exit code 5: try again later."""
    nowhere = settings.slack.model_copy(update={"base_url": "http://127.0.0.1:1/"})
    away = settings.model_copy(update={"slack": nowhere})
    client = open_slack(away, say=lambda _: None)
    assert client
    client._transport._patience = 0

    with pytest.raises(SlackUnavailableError) as caught:
        check_slack(client, away.slack)

    assert caught.value.exit_code == 5


def test_channels_are_known_before_the_night(settings: Settings) -> None:
    """Those that a night names are those of the list that allows them."""
    plain, made = Route(channel="#a"), Route(channel="#{class}")

    assert wanted_channels(routed(settings, plain).slack) == ["#nights", "#a", "#ops"]
    named = routed(settings, plain, made, allow=("b", "#a")).slack
    assert wanted_channels(named) == ["#nights", "#a", "#b", "#ops"]
