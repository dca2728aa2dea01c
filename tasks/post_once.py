"""Post a message once: find the one that was posted before, and change that."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from news.layout import Message
from nightmail.slack import (
    MessageGoneError,
    OutcomeUnknownError,
    Sent,
    SlackClient,
    SlackError,
    SlackRefusedError,
)
from tasks.posted import Posted

MAX_LOOKED_AT = 5000
"""Messages of a channel among which one is looked for, the newest first."""

Remember = Callable[[Posted], None]
"""Writes down what became of a message."""

Point = Callable[[str], None]
"""Is told where the work is; tests end the process there."""


@dataclass(frozen=True)
class Key:
    """What a message is known by: it stands in its metadata."""

    survey: str
    night: str
    channel: str
    """As the settings name it."""

    generation: int = 0
    """0, or the number of a deliberate re-send; no part of what a message is found
    by: a night has one message."""

    kind: str = "night"
    """`night`, `part`, or the kind of a notice."""

    number: int = 0
    """Of a part of the thread, from 1."""

    def metadata(self, digest: str) -> dict[str, Any]:
        """Metadata of a message with such content, as Slack takes it."""
        payload = asdict(self) | {"digest": digest}
        return {"event_type": "nightmail", "event_payload": payload}

    def is_in(self, message: dict[str, Any]) -> bool:
        """Tell whether a message is the one of this key."""
        payload = payload_of(message)
        mine = asdict(self)
        names = ("survey", "night", "channel", "kind", "number")
        return all(payload.get(name) == mine[name] for name in names)


def payload_of(message: dict[str, Any]) -> dict[str, Any]:
    """Give what a message of ours says of itself; nothing of another's."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != "nightmail":
        return {}
    return dict(metadata.get("event_payload") or {})


def digest_of(message: Message) -> str:
    """Digest of a message: the same for the same text and blocks."""
    text = json.dumps(message.arguments(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def post_once(  # noqa: PLR0913 - a message, its place, and what is known of it
    client: SlackClient,
    message: Message,
    key: Key,
    *,
    digest: str,
    before: Posted | None,
    remember: Remember,
    at: Point = lambda _: None,
) -> tuple[Sent, str]:
    """Post a message, or change the one that was posted for the same key.

    Where an earlier run has written down its place, that is taken; else it is looked
    for in the channel, by its metadata. So one that was posted by a run that died
    before it could write it down is changed, and not posted again.

    Parameters
    ----------
    client
        The bot.
    message
        What to post.
    key
        What it is known by; its channel is where it goes.
    digest
        Of the content, for its metadata.
    before
        What is written down of it.
    remember
        Writes it down: before it is posted that it will be, after it where it is.
    at
        Is told `intended`, `lead sent` and `lead recorded`.

    Returns
    -------
    tuple
        Where it stands, and `posted`, `changed` or `unchanged`.

    Raises
    ------
    SlackError
        It could not be posted; `OutcomeUnknownError` where it may have been.
    ArchiveUnavailableError
        It cannot be written down.
    """
    sent, known = _find(client, key, before)
    metadata = key.metadata(digest)
    given = message.arguments()
    if sent and known != digest:
        try:
            client.update(sent.channel, sent.ts, metadata=metadata, **given)
        except MessageGoneError:
            sent = None
        else:
            remember(Posted(sent.channel, sent.ts, digest))
            return sent, "changed"
    if sent:
        remember(Posted(sent.channel, sent.ts, digest))
        return sent, "unchanged"
    remember(Posted(digest=digest))
    at("intended")
    try:
        sent = client.send_message(key.channel, metadata=metadata, **given)
    except OutcomeUnknownError:
        raise
    except SlackError:
        # Surely not posted: the next run need not look for it.
        remember(Posted())
        raise
    at("lead sent")
    remember(Posted(sent.channel, sent.ts, digest))
    at("lead recorded")
    return sent, "posted"


def _find(
    client: SlackClient, key: Key, before: Posted | None
) -> tuple[Sent | None, str]:
    """Find the message, and the digest that it was posted with."""
    if before and before.ts:
        return Sent(before.channel, before.ts), before.digest
    try:
        for message in _recent(client, key):
            if key.is_in(message):
                digest = str(payload_of(message).get("digest"))
                channel = client.find(key.channel)
                return Sent(channel, str(message["ts"])), digest
    except SlackRefusedError as error:
        # Without a trace of an earlier try there is nothing to be found.
        if "missing_scope" not in str(error) or (before and before.digest):
            raise
    return None, ""


def _recent(client: SlackClient, key: Key) -> Iterator[dict[str, Any]]:
    """Messages of the channel since the night, the newest first."""
    morning = dt.datetime.strptime(key.night, "%Y%m%d").replace(tzinfo=dt.UTC)
    oldest = (morning - dt.timedelta(days=1)).timestamp()
    return islice(client.history(key.channel, oldest), MAX_LOOKED_AT)
