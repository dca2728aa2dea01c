"""Post a night's summary to Slack, once per night and channel."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from archive.disk import write_whole
from archive.summary import Summary, TopicSummary, summary_file
from archive.tables import by_number, headline, show_table
from settings import Settings
from settings.errors import SlackPostError, SlackUnavailableError

MAX_SECTIONS = 40
"""Sections of one message; Slack takes 50 blocks, the rest are ours."""

MAX_TEXT = 3000
"""Longest text of a section [characters], by Slack's Block Kit reference."""

MAX_HEADER = 150
"""Longest text of a header [characters], by the same."""

TIMEOUT_S = 30
"""How long Slack may take to answer [s]."""

PATIENCE_S = 30
"""Longest Retry-After that is waited for here; a longer one is Prefect's [s]."""

ADVICE = {
    "invalid_auth": "check slack.token",
    "not_authed": "check slack.token",
    "account_inactive": "its user or workspace is gone: make a new slack.token",
    "token_revoked": "it was revoked: make a new slack.token",
    "token_expired": "it has expired: make a new slack.token",
    "missing_scope": "give the token the scope chat:write",
    "channel_not_found": "check slack.channel, and that the bot may see it",
    "not_in_channel": "invite the bot to slack.channel",
    "is_archived": "unarchive slack.channel or set another",
    "restricted_action": "ask the workspace's owners to let the bot post there",
    "msg_blocks_too_long": "report this: the message should have been cut",
    "invalid_blocks": "report this: the message should have been valid",
}
"""What to do, by Slack's error code."""

TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "ratelimited"}
"""Slack's error codes that say to try again later."""

GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}
"""Slack's error codes for a message that can no longer be changed."""

logger = logging.getLogger("nightmail")


@dataclass(frozen=True)
class Posted:
    """One message of a night in one channel."""

    channel: str
    """Slack's id of the channel; empty while the outcome is not known."""

    ts: str
    """Slack's id of the message; empty while the outcome is not known."""

    digest: str
    """Digest of what was posted."""


def post_summary(
    summary: Summary,
    settings: Settings,
    *,
    say: Callable[[str], None] = logger.info,
) -> str:
    """Post a summary, or change the one that was posted; without a token, print it.

    Parameters
    ----------
    summary
        The night.
    settings
        Its `slack` says where to; the marker of what was posted lies beside the
        archive.
    say
        Takes what people shall read.

    Returns
    -------
    str
        `printed`, `posted`, `changed`, `unchanged`, or `unknown` where an earlier run
        was cut off while it posted the same.

    Raises
    ------
    SlackPostError
        Slack refuses the message, and would again.
    SlackUnavailableError
        Slack does not answer.
    ArchiveUnavailableError
        The marker cannot be written.
    """
    if settings.slack.token is None:
        say(render_text(summary))
        say("Not posted: no token is set (slack.token, or SLACK_API_TOKEN).")
        return "printed"
    channel = settings.slack.channel
    marker = Marker(settings.archive_root(), summary)
    message = render_slack(summary)
    digest = _digest(message)
    before = marker.read().get(channel)
    if before and before.digest == digest:
        return _repeat(before, marker, channel, say)
    call = _Caller(settings)
    if not (before and before.ts):
        marker.write(channel, Posted("", "", digest))
    after = call.put(message, before=before, channel=channel, forget=marker.forget)
    marker.write(channel, Posted(after["channel"], after["ts"], digest))
    return "posted"
