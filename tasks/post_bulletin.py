"""Post one channel's bulletin of a night: the lead message, and its thread."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from news.compose import Bulletin
from news.pictures import Attachment
from nightmail.slack import MessageGoneError, Sent, SlackClient, SlackRefusedError
from tasks.post_once import Key, Point, Remember, digest_of, payload_of, post_once
from tasks.posted import Posted


def post_bulletin(  # noqa: PLR0913 - what, where, and what is known of it
    client: SlackClient,
    bulletin: Bulletin,
    key: Key,
    *,
    attachments: Callable[[], Sequence[Attachment]],
    before: Posted | None,
    remember: Remember,
    at: Point = lambda _: None,
) -> str:
    """Post a bulletin, or make what is there the same as it.

    The thread itself says what of it is there: each message by its metadata, each file
    by its name, which has the digest of its content. So a run that died anywhere is
    completed by the next, and nothing stands there twice.

    Parameters
    ----------
    client
        The bot.
    bulletin
        What to post.
    key
        Survey, night, channel and generation.
    attachments
        Makes the files of the thread; called only where they are needed.
    before
        What is written down of the channel.
    remember
        Writes it down.
    at
        Is told what has been done: `lead sent`, `part sent`, `file sent` …

    Returns
    -------
    str
        `posted`, `changed`, or `unchanged`.

    Raises
    ------
    SlackError
        Some of it could not be posted.
    ArchiveUnavailableError
        It cannot be written down.
    """
    if before and before.done and before.digest == bulletin.digest:
        return "unchanged"
    sent, outcome = post_once(
        client, bulletin.lead, key, digest=bulletin.digest, before=before,
        remember=remember, at=at,
    )  # fmt: skip
    there = [] if outcome == "posted" else list(client.replies(sent.channel, sent.ts))
    _post_parts(client, bulletin, key, sent=sent, there=there, at=at)
    _upload(client, attachments(), sent=sent, there=there, at=at)
    remember(Posted(sent.channel, sent.ts, bulletin.digest, done=True))
    at("done")
    return outcome


def _post_parts(  # noqa: PLR0913 - what, where, and what is there
    client: SlackClient,
    bulletin: Bulletin,
    key: Key,
    *,
    sent: Sent,
    there: Sequence[dict[str, Any]],
    at: Point,
) -> None:
    """Post the messages of the thread that are not there, and change the others."""
    keys = [
        replace(key, kind="part", number=n + 1) for n in range(len(bulletin.thread))
    ]
    for message, mine in zip(bulletin.thread, keys, strict=True):
        digest = digest_of(message)
        found = next((each for each in there if mine.is_in(each)), None)
        if found and payload_of(found).get("digest") == digest:
            continue
        given: dict[str, Any] = message.arguments()
        given["metadata"] = mine.metadata(digest)
        if found:
            client.update(sent.channel, str(found["ts"]), **given)
        else:
            client.send_message(sent.channel, thread_ts=sent.ts, **given)
        at("part sent")
    for each in there:
        is_part = payload_of(each).get("kind") == "part"
        if is_part and not any(mine.is_in(each) for mine in keys):
            _delete(client, "chat.delete", channel=sent.channel, ts=each["ts"])


def _upload(
    client: SlackClient,
    attachments: Sequence[Attachment],
    *,
    sent: Sent,
    there: Sequence[dict[str, Any]],
    at: Point,
) -> None:
    """Show the files that are not in the thread yet, in place of older ones."""
    shown = [file for each in there for file in each.get("files") or []]
    for one in attachments:
        digest = hashlib.sha256(one.data).hexdigest()[:8]
        name = f"{one.name}_{digest}.{one.ending}"
        if any(file.get("name") == name for file in shown):
            continue
        client.upload(sent.channel, name, one.data, title=one.title, thread_ts=sent.ts)
        at("file sent")
        for file in shown:
            if str(file.get("name")).startswith(f"{one.name}_"):
                _delete(client, "files.delete", file=file["id"])


def _delete(client: SlackClient, method: str, **what: Any) -> None:
    """Take back what is out of date; where Slack does not let us, it stays."""
    try:
        client.call(method, **what)
    except (MessageGoneError, SlackRefusedError):
        return
