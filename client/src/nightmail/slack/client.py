"""A bot in a workspace of Slack, which sends messages and files."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightmail.slack import limits
from nightmail.slack.reader import SlackReader

__all__ = ["Sent", "SlackClient"]

PACE_S = 1.0
"""Least time between two messages in one channel, as Slack asks for [s]."""

Block = Mapping[str, Any]
"""A block of Slack's Block Kit."""


@dataclass(frozen=True)
class Sent:
    """Where a message stands."""

    channel: str
    """Slack's id of the channel, or of the conversation with a person."""

    ts: str
    """Slack's id of the message in it."""


class SlackClient(SlackReader):
    """A bot in a workspace; its arguments are those of `SlackReader`.

    Examples
    --------
    client = SlackClient(token)
    client.send_message("#newsletter", "New version of Fink is released")
    """

    def send_message(
        self,
        target: str,
        text: str,
        blocks: Sequence[Block] | None = None,
        thread_ts: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Sent:
        """Send a message to a channel or a person.

        Parameters
        ----------
        target
            As `find` takes it.
        text
            In Slack's markup; pass what comes from data through `escape`. Without
            blocks, a text above 40,000 characters goes as several messages.
        blocks
            Of Slack's Block Kit; `text` is then what notifications show.
        thread_ts
            Message that this one answers.
        metadata
            `event_type` and `event_payload`, which `history` gives back.

        Returns
        -------
        Sent
            Where it stands; of several, the first.

        Raises
        ------
        SlackRefusedError
            As `find` and `call`.
        SlackUnavailableError
            Slack does not answer; `OutcomeUnknownError` where it may have posted.
        ValueError
            Blocks are more or longer than Slack takes.
        """
        cut = [] if blocks else [p for p in limits.pieces(text) if p.strip()]
        texts = cut or [text]
        first = {"blocks": list(blocks) if blocks else None, "metadata": metadata}
        for piece in texts:
            limits.check({"text": piece, "blocks": blocks})
        channel = self.find(target)
        sent: list[Sent] = []
        for piece in texts:
            also = {"thread_ts": thread_ts} | ({} if sent else first)
            sent.append(self._post(channel, target, {"text": piece} | also))
        return sent[0]

    def update(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[Block] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Sent:
        """Change a message that the bot has sent.

        Parameters
        ----------
        channel, ts
            Where it stands.
        text
            In Slack's markup, at most 4,000 characters.
        blocks
            As for `send_message`; without them, those that were there are removed.
        metadata
            As for `send_message`; without it, what was there stays.

        Returns
        -------
        Sent
            Where it stands.

        Raises
        ------
        MessageGoneError
            Somebody has deleted it.
        SlackError
            As `call`.
        ValueError
            It is longer than Slack takes.
        """
        changed = {"text": text, "blocks": list(blocks or []), "metadata": metadata}
        limits.check_update(changed)
        answer = self.call("chat.update", channel=channel, ts=ts, **changed)
        return Sent(answer["channel"], answer["ts"])

    def upload(
        self,
        target: str,
        name: str,
        data: bytes,
        *,
        title: str,
        thread_ts: str | None = None,
    ) -> str:
        """Show a file in a channel, in a thread, or to a person.

        Parameters
        ----------
        target
            As `find` takes it.
        name
            Of the file, with its ending.
        data
            The file.
        title
            Shown above it.
        thread_ts
            Message that it answers.

        Returns
        -------
        str
            Slack's id of the file.

        Raises
        ------
        SlackError
            As `call`; the scope is `files:write`.
        """
        channel = self._conversation(self.find(target))
        place = self._name(channel)
        made = self.call("files.getUploadURLExternal", filename=name, length=len(data))
        self._transport.put(made["upload_url"], data, what=f"the upload of {name}")
        shown = {"channel_id": channel, "thread_ts": thread_ts}
        files = [{"id": made["file_id"], "title": title}]
        arguments = shown | {"files": json.dumps(files)}
        method = "files.completeUploadExternal"
        self._transport.call(method, arguments, place=place)
        return str(made["file_id"])

    def _post(self, channel: str, target: str, message: dict[str, Any]) -> Sent:
        now = time.monotonic()
        due = self._last_post.get(channel, now - PACE_S) + PACE_S
        if due > now:
            self._pause(due - now)
        fixed = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        arguments = message | fixed
        answer = self._transport.call("chat.postMessage", arguments, place=target)
        self._last_post[channel] = time.monotonic()
        return Sent(answer.fields["channel"], answer.fields["ts"])
