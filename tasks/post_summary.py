"""Post a night's summary to Slack, once per night and channel."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.disk import write_whole
from archive.summary import Summary, summary_file, to_json
from settings import Settings
from settings.errors import NightmailError, SlackPostError
from settings.model import Slack
from tasks.call_slack import MessageGoneError, OutcomeUnknownError, call_slack
from tasks.render_slack import render_slack, render_text

__all__ = ["Posted", "post_summary", "render_slack", "render_text"]

logger = logging.getLogger("nightmail")


@dataclass(frozen=True)
class Posted:
    """One night's message in one channel."""

    channel: str
    """Slack's id of the channel; empty while it is not known whether it was posted."""

    ts: str
    """Slack's id of the message; empty as the other."""

    digest: str
    """Digest of the summary that was posted."""


def post_summary(
    summary: Summary,
    settings: Settings,
    *,
    say: Callable[[str], None] = logger.info,
) -> str:
    """Post a summary, or change the one posted before; without a token, print it.

    Parameters
    ----------
    summary
        The night.
    settings
        `slack` says where to; the marker of what was posted lies beside the archive.
    say
        Takes what people shall read.

    Returns
    -------
    str
        `printed`, `posted`, `changed`, `unchanged`, or `unknown` where an earlier run
        was cut off while it posted the same: then it is not posted again.

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
        say("Not posted to Slack: no token is set (slack.token or SLACK_API_TOKEN).")
        say("The message:")
        say(render_text(summary))
        return "printed"
    slack = settings.slack
    file = marker_file(settings.archive_root(), summary)
    digest = hashlib.sha256(to_json(summary).encode()).hexdigest()[:16]
    markers = _read(file)
    before = markers.get(slack.channel)
    if before and before.digest == digest:
        return _say_again(before, slack, file=file, say=say)
    message = render_slack(summary)
    answer = _change(slack, message, before=before) if before and before.ts else None
    outcome = "changed" if answer else "posted"
    if not answer:
        answer = _post(slack, message, file=file, markers=markers, digest=digest)
    posted = Posted(answer.get("channel", ""), answer.get("ts", ""), digest)
    _write(file, markers | {slack.channel: posted})
    say(f"The summary of {summary.survey} {summary.night} is in {slack.channel}.")
    return outcome


def marker_file(root: Path, summary: Summary) -> Path:
    """File that remembers what was posted of a night, by channel."""
    return summary_file(root, summary.survey, summary.night).with_suffix(".slack.json")


def _say_again(
    before: Posted, slack: Slack, *, file: Path, say: Callable[[str], None]
) -> str:
    if before.ts:
        say(f"The summary is in {slack.channel} already.")
        return "unchanged"
    say(
        f"Not posted to Slack: an earlier run was cut off while it posted the same to"
        f" {slack.channel}; if it is not there, delete {file} and run the night again."
    )
    return "unknown"


def _change(
    slack: Slack, message: dict[str, Any], *, before: Posted
) -> dict[str, Any] | None:
    """Change the posted message; None where somebody has deleted it."""
    place = {"channel": before.channel, "ts": before.ts}
    try:
        return call_slack(slack, "chat.update", arguments=message | place)
    except MessageGoneError:
        return None


def _post(
    slack: Slack,
    message: dict[str, Any],
    *,
    file: Path,
    markers: dict[str, Posted],
    digest: str,
) -> dict[str, Any]:
    """Post, with a marker for as long as it is not known whether it was posted."""
    _write(file, markers | {slack.channel: Posted("", "", digest)})
    place = {"channel": slack.channel, "unfurl_links": False}
    try:
        return call_slack(slack, "chat.postMessage", arguments=message | place)
    except OutcomeUnknownError:
        raise
    except NightmailError:
        _write(file, markers)
        raise


def _read(file: Path) -> dict[str, Posted]:
    if not file.is_file():
        return {}
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return {channel: Posted(**fields) for channel, fields in stored.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise SlackPostError(
            f"{file} should say what was posted to Slack and cannot be read; look into"
            " the channel, and delete the file to post again."
        ) from error


def _write(file: Path, markers: dict[str, Posted]) -> None:
    stored = {channel: asdict(posted) for channel, posted in markers.items()}
    write_whole(file, json.dumps(stored, indent=1) + "\n")
