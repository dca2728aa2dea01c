"""What a workspace of Slack holds: channels, people, messages, files."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any


class SlackRefusalError(Exception):
    """Slack's answer is an error."""

    def __init__(self, error: str, **also: Any) -> None:
        super().__init__(error)
        self.error = error
        self.also = also


@dataclass
class Workspace:
    """Everything the local Slack knows; changed by its calls and by tests."""

    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Conversations by id, in the order in which they were made."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    """People by id."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    """Every message in the order of posting, with its `channel`; deleted ones left."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Uploads by id: `name`, `data`, and after completion `channel`, `title` …"""

    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while a call works."""

    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _last: float = 0.0

    def new_id(self, letter: str) -> str:
        """Make an id as Slack's: a letter for its kind, and ten characters."""
        return f"{letter}0NM{next(self._numbers):06d}X"

    def new_ts(self) -> str:
        """Make a message's id: the time [s] with six digits, later than any before."""
        self._last = max(round(time.time(), 6), round(self._last + 1e-6, 6))
        return f"{self._last:.6f}"

    def conversation(self, target: str) -> dict[str, Any]:
        """Find by id, or as chat.postMessage does by name or person.

        Raises
        ------
        SlackRefusalError
            `channel_not_found`, `user_not_found`.
        """
        if target in self.channels:
            channel = self.channels[target]
            if channel["is_private"] and not channel["is_member"]:
                raise SlackRefusalError("channel_not_found")
            return channel
        if target in self.users:
            return self.open_im(target)
        name = target.removeprefix("#")
        for channel in self.channels.values():
            hidden = channel["is_private"] and not channel["is_member"]
            if channel.get("name") == name and not hidden:
                return channel
        raise SlackRefusalError("channel_not_found")

    def open_im(self, user: str) -> dict[str, Any]:
        """Direct conversation with a person; made where there is none.

        Raises
        ------
        SlackRefusalError
            `user_not_found`, `user_disabled`, `cannot_dm_bot`.
        """
        if user not in self.users:
            raise SlackRefusalError("user_not_found")
        if self.users[user]["deleted"]:
            raise SlackRefusalError("user_disabled")
        if self.users[user]["is_bot"]:
            raise SlackRefusalError("cannot_dm_bot")
        for channel in self.channels.values():
            if channel.get("user") == user:
                return channel
        new = self.new_id("D")
        made = {"id": new, "is_im": True, "user": user}
        made |= {"is_archived": False, "is_member": True, "is_private": False}
        self.channels[new] = made
        return made

    def message(self, channel: str, ts: str) -> dict[str, Any]:
        """Find a message by its place.

        Raises
        ------
        SlackRefusalError
            `message_not_found`.
        """
        for message in self.messages:
            if (message["channel"], message["ts"]) == (channel, ts):
                return message
        raise SlackRefusalError("message_not_found")
