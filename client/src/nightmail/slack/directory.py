"""Who and what is in a workspace, and whom a name means."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightmail._errors import SlackRefusedError

__all__ = ["Channel", "User", "find_channel", "find_user", "is_email", "is_id"]

NEAR = 3
"""How many similar names are offered."""


@dataclass(frozen=True)
class Channel:
    """A channel that the token can see."""

    id: str
    """Slack's id, `C…`."""

    name: str
    """Without `#`."""

    is_private: bool
    is_archived: bool

    is_member: bool
    """Whether the bot is in it."""

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "Channel":
        """Read one of conversations.list."""
        return cls(
            id=answer["id"],
            name=answer.get("name") or "",
            is_private=bool(answer.get("is_private")),
            is_archived=bool(answer.get("is_archived")),
            is_member=bool(answer.get("is_member")),
        )


@dataclass(frozen=True)
class User:
    """A person, or a bot."""

    id: str
    """Slack's id, `U…` or `W…`."""

    name: str
    """The handle, without `@`."""

    real_name: str
    display_name: str

    email: str
    """Empty where the token may not see it."""

    is_bot: bool

    is_deleted: bool
    """Whether the account is closed."""

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "User":
        """Read one of users.list."""
        profile = answer.get("profile") or {}
        return cls(
            id=answer["id"],
            name=answer.get("name") or "",
            real_name=profile.get("real_name") or answer.get("real_name") or "",
            display_name=profile.get("display_name") or "",
            email=profile.get("email") or "",
            is_bot=bool(answer.get("is_bot")),
            is_deleted=bool(answer.get("deleted")),
        )


def is_id(target: str) -> bool:
    """Whether a target is an id of a channel, a person or a conversation.

    Parameters
    ----------
    target
        As people write it.

    Returns
    -------
    bool
        True for `C0123ABCD`; a name in capital letters has no digit, and is none.
    """
    return bool(re.fullmatch(r"(?=.*\d)[CDGUWZ][A-Z0-9]{8,}", target))


def is_email(target: str) -> bool:
    """Whether a target is an e-mail address.

    Parameters
    ----------
    target
        As people write it.

    Returns
    -------
    bool
        True for `bob@example.org`, not for `@bob`.
    """
    return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", target))


def find_channel(channels: Iterable[Channel], name: str) -> Channel:
    """Find a channel by name.

    Parameters
    ----------
    channels
        What the token can see.
    name
        With or without `#`, in capitals or not.

    Returns
    -------
    Channel
        The one of that name.

    Raises
    ------
    SlackRefusedError
        None has it (similar names are said), or it is archived.
    """
    wanted = _plain(name.removeprefix("#"))
    named = {_plain(channel.name): channel for channel in channels}
    found = named.get(wanted)
    if found is None:
        raise SlackRefusedError(
            f"Slack has no channel #{wanted} that the bot can see;"
            f" {_near(wanted, {plain: f'#{plain}' for plain in named})}make it, or"
            " invite the bot where it is private."
        )
    if found.is_archived:
        raise SlackRefusedError(
            f"Slack's channel #{found.name} is archived; unarchive it, or take another."
        )
    return found


def find_user(users: Sequence[User], name: str) -> User:
    """Find a person by handle, display name or real name.

    Parameters
    ----------
    users
        Of the workspace; bots and closed accounts are passed over.
    name
        `@handle`, or a name in full; capitals do not matter.

    Returns
    -------
    User
        The only one who has it.

    Raises
    ------
    SlackRefusedError
        Nobody has the name (similar ones are said), or several have.
    """
    people = [user for user in users if not (user.is_bot or user.is_deleted)]
    is_handle = name.startswith("@")
    wanted = _plain(name.removeprefix("@"))
    found = [user for user in people if wanted in _names(user, is_handle=is_handle)]
    if len(found) == 1:
        return found[0]
    if found:
        whom = ", ".join(f"@{user.name} ({user.id})" for user in found)
        raise SlackRefusedError(
            f"Several people in Slack are called {name}: {whom}; take a handle, an"
            " e-mail address or an id."
        )
    mark = "@" if is_handle else ""
    known = {
        plain: f"{mark}{shown}"
        for user in people
        for plain, shown in _names(user, is_handle=is_handle).items()
    }
    raise SlackRefusedError(
        f"Slack has nobody called {name}; {_near(wanted, known)}give an id, or"
        " #name for a channel."
    )


def _names(user: User, *, is_handle: bool) -> dict[str, str]:
    """Names of a person as they are compared, and as they are shown."""
    names = [user.name, user.display_name, *([] if is_handle else [user.real_name])]
    return {_plain(name): name for name in names if name}


def _plain(name: str) -> str:
    """Name as it is compared: one form of Unicode, no capitals, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _near(wanted: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=NEAR)
    listed = " or ".join(known[name] for name in near)
    return f"take {listed} if you mean that, or " if listed else ""
