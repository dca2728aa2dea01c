"""What a bot reads in a workspace of Slack: who is there, and what was said."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from nightmail._errors import SlackTokenError
from nightmail.slack.directory import (
    Channel,
    User,
    find_channel,
    find_user,
    is_email,
    is_id,
)
from nightmail.slack.transport import Transport

__all__ = ["SlackReader"]

logger = logging.getLogger("nightmail")

BASE_URL = "https://slack.com/api/"
"""Slack's Web API."""

TIMEOUT_S = 30.0
"""How long Slack may take to answer [s]."""

PATIENCE_S = 60.0
"""Longest time that one call waits for Slack, all its tries together [s]."""

PAGE = 200
"""Channels, people or messages asked for at once, as Slack recommends."""


class SlackReader:
    """A bot that calls, finds and reads; `SlackClient` sends as well.

    Nothing is asked of Slack, and slack_sdk is not imported, before the first call.

    Parameters
    ----------
    token
        The bot's, `xoxb-…`; it stands in no message, log or repr, and is not pickled.
    base_url
        Slack's Web API.
    timeout
        How long Slack may take to answer [s].
    patience
        Longest time that one call waits, all its tries together [s].
    say
        Takes a sentence when there is something to wait for.
    pause
        Waits for some seconds.
    """

    def __init__(  # noqa: PLR0913  all but the token has a default
        self,
        token: str,
        *,
        base_url: str = BASE_URL,
        timeout: float = TIMEOUT_S,
        patience: float = PATIENCE_S,
        say: Callable[[str], None] = logger.info,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = Transport(
            token,
            base_url=base_url,
            timeout=timeout,
            patience=patience,
            say=say,
            pause=pause,
        )
        self._pause = pause
        self._last_post: dict[str, float] = {}
        self._channels: list[Channel] | None = None
        self._users: list[User] | None = None

    def __repr__(self) -> str:
        return f"SlackClient(base_url={self._transport.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A SlackClient holds a token: make one where it is needed.")

    def call(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        """Call one method of Slack's Web API.

        Parameters
        ----------
        method
            As `conversations.join`.
        arguments
            As Slack names them; None is left out.

        Returns
        -------
        dict
            Slack's answer.

        Raises
        ------
        SlackRefusedError
            Slack refuses, and would again; `MessageGoneError` where the message to be
            changed or answered is not there.
        SlackUnavailableError
            Slack does not answer, or asks for more patience than there is;
            `OutcomeUnknownError` where it may have done what was asked.
        ConfigError
            slack_sdk is not installed.
        """
        place = self._name(str(arguments.get("channel") or ""))
        return self._transport.call(method, arguments, place=place).fields

    def identity(self) -> dict[str, Any]:
        """Ask Slack who the bot is, and what it may do.

        Returns
        -------
        dict
            Of auth.test: `team`, `user`, `bot_id` …; and `scopes`, sorted, empty where
            Slack does not tell.

        Raises
        ------
        SlackError
            As `call`.
        """
        answer = self._transport.call("auth.test", {})
        granted = answer.headers.get("x-oauth-scopes", "")
        scopes = sorted(scope.strip() for scope in granted.split(",") if scope.strip())
        return answer.fields | {"scopes": scopes}

    def channels(self) -> list[Channel]:
        """List the channels that the bot can see; asked once and kept.

        Returns
        -------
        list of Channel
            Public ones, archived ones too, and private ones that the bot is in, as far
            as its scopes let it (`channels:read`, `groups:read`).

        Raises
        ------
        SlackError
            As `call`.
        """
        if self._channels is None:
            try:
                found = list(self._listed("public_channel,private_channel"))
            except SlackTokenError as error:
                if "groups:read" not in str(error):
                    raise
                found = list(self._listed("public_channel"))
            self._channels = found
        return self._channels

    def users(self) -> list[User]:
        """List the people and bots of the workspace; asked once and kept.

        Returns
        -------
        list of User
            Closed accounts too.

        Raises
        ------
        SlackError
            As `call`; the scope is `users:read`.
        """
        if self._users is None:
            pages = self._pages("users.list", {}, "members")
            self._users = [User.read(each) for each in pages]
        return self._users

    def find(self, target: str) -> str:
        """Find whom a message is for.

        Parameters
        ----------
        target
            `#channel`, a display name or real name, `@handle`, an e-mail address, or
            an id of Slack.

        Returns
        -------
        str
            Id of a channel or of a person.

        Raises
        ------
        SlackRefusedError
            Nothing and nobody is called so, or several people are; who is near is
            said. The channel is archived, or a scope is missing.
        SlackUnavailableError
            Slack does not answer.
        """
        if is_id(target):
            return target
        if target.startswith("#"):
            return find_channel(self.channels(), target).id
        if is_email(target):
            return str(self.call("users.lookupByEmail", email=target)["user"]["id"])
        return find_user(self.users(), target).id

    def history(
        self, target: str, oldest: float | str, *, latest: float | str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Read the messages of a channel, with the metadata they were sent with.

        Parameters
        ----------
        target
            As `find` takes it.
        oldest, latest
            Bounds of time, both left out [s since 1970, or a message's `ts`].

        Yields
        ------
        dict
            Slack's message, the newest first; answers in threads are not among them.

        Raises
        ------
        SlackError
            As `call`; the scope is `channels:history` or, of private channels,
            `groups:history`.
        """
        channel = self._conversation(self.find(target))
        arguments = {"channel": channel, "oldest": oldest, "latest": latest}
        asked = arguments | {"include_all_metadata": True}
        yield from self._pages("conversations.history", asked, "messages")

    def replies(self, channel: str, ts: str) -> Iterator[dict[str, Any]]:
        """Read a thread, with the metadata its messages were sent with.

        Parameters
        ----------
        channel, ts
            Where its first message stands.

        Yields
        ------
        dict
            Slack's message, the oldest first; the first is that at `ts`.

        Raises
        ------
        MessageGoneError
            There is no such message.
        SlackError
            As `history`.
        """
        asked = {"channel": channel, "ts": ts, "include_all_metadata": True}
        yield from self._pages("conversations.replies", asked, "messages")

    def _conversation(self, found: str) -> str:
        """Id of the conversation with a person, of what `find` gives."""
        if not found.startswith(("U", "W")):
            return found
        return str(self.call("conversations.open", users=found)["channel"]["id"])

    def _listed(self, types: str) -> Iterator[Channel]:
        for each in self._pages("conversations.list", {"types": types}, "channels"):
            yield Channel.read(each)

    def _pages(
        self, method: str, arguments: Mapping[str, Any], what: str
    ) -> Iterator[dict[str, Any]]:
        """Everything of a list that Slack gives in pages, which may be empty."""
        cursor = None
        while cursor != "":
            asked = {**arguments, "limit": PAGE, "cursor": cursor}
            answer = self.call(method, **asked)
            yield from answer.get(what) or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""

    def _name(self, channel: str) -> str:
        """Name of a channel where it is known, for what is said."""
        names = {each.id: f"#{each.name}" for each in self._channels or []}
        return names.get(channel, channel)
