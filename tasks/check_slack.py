"""Look whether Slack would take what the settings want posted."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from nightmail.slack import Channel, SlackClient, SlackError, SlackRefusedError
from settings.slack import Slack

SCOPES = {
    "chat:write": "post messages",
    "channels:read": "find channels by their names",
    "channels:history": "find, after a crash, what was posted before it",
    "files:write": "show pictures and large tables",
}
"""Scopes of the token, and what each is for."""

PRIVATE_SCOPES = {
    "groups:read": "find private channels",
    "groups:history": "find what was posted in private channels before a crash",
}
"""Further ones, where a channel is private."""

PEOPLE_SCOPES = {
    "users:read": "send to people by their names",
    "users:read.email": "send to people by their addresses",
    "im:write": "send files to people",
}
"""Further ones for `nightmail slack send` to people; nothing else needs them."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    """As `token`, `scope files:write` or `#nightmail`."""

    state: str
    """`ok`, `missing`, or `optional`: missing, and needed by nothing but a command."""

    advice: str
    """What to do, or what is known; a sentence."""


def check_slack(client: SlackClient, slack: Slack) -> list[Finding]:
    """Look at the token, its scopes and every channel of the settings.

    Parameters
    ----------
    client
        The bot.
    slack
        Channels, routes and operators.

    Returns
    -------
    list of Finding
        What was looked at. Nothing is posted.

    Raises
    ------
    SlackUnavailableError
        Slack does not answer.
    """
    try:
        known = client.identity()
    except SlackRefusedError as error:
        return [Finding("token", "missing", str(error))]
    who = f"{known.get('user', '?')} in {known.get('team', '?')}"
    found = [Finding("token", "ok", f"It is of {who}.")]
    scopes = frozenset(known["scopes"])
    try:
        channels = client.channels() if "channels:read" in scopes else []
    except SlackRefusedError as error:
        found.append(Finding("channels", "missing", str(error)))
        channels = []
    found += _scopes(scopes, channels, slack)
    found += [_channel(name, channels, client) for name in wanted_channels(slack)]
    return [*found, _pictures()]


def wanted_channels(slack: Slack) -> list[str]:
    """Name the channels that are known before a night is: each once."""
    routed = [route.channel for route in slack.routes if "{" not in route.channel]
    allowed = list(slack.allow) if len(routed) < len(slack.routes) else []
    names = [slack.channel, *routed, *map(_hashed, allowed), slack.operators]
    return list(dict.fromkeys(name for name in names if name))


def _hashed(name: str) -> str:
    return name if name.startswith("#") else f"#{name}"


def _scopes(
    granted: frozenset[str], channels: list[Channel], slack: Slack
) -> Iterator[Finding]:
    if not granted:
        yield Finding("scopes", "ok", "Slack does not tell what the token may do.")
        return
    wanted = {name.removeprefix("#") for name in wanted_channels(slack)}
    is_private = any(one.name in wanted and one.is_private for one in channels)
    for scope, use in (SCOPES | (PRIVATE_SCOPES if is_private else {})).items():
        state = "ok" if scope in granted else "missing"
        yield Finding(f"scope {scope}", state, f"It is there to {use}.")
    for scope, use in PEOPLE_SCOPES.items():
        state = "ok" if scope in granted else "optional"
        yield Finding(f"scope {scope}", state, f"It is there to {use}.")


def _channel(name: str, channels: list[Channel], client: SlackClient) -> Finding:
    try:
        found = client.find(name)
    except SlackRefusedError as error:
        return Finding(name, "missing", str(error))
    except SlackError as error:
        return Finding(name, "missing", str(error))
    known = next((one for one in channels if one.id == found), None)
    if known and not known.is_member:
        bot = "Invite the bot: type /invite @ and its name there."
        return Finding(name, "missing", bot)
    return Finding(name, "ok", f"It is {found}.")


def _pictures() -> Finding:
    if find_spec("matplotlib"):
        return Finding("pictures", "ok", "matplotlib is installed.")
    advice = "Without matplotlib there are none: pip install 'nightmail[plot]'."
    return Finding("pictures", "optional", advice)
