"""Post a night's summary to Slack, once per night and channel."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from archive.history import LOOK_BACK
from archive.summary import read_summary, summary_file
from archive.totals import Summary
from nightmail import (
    NightmailError,
    SlackError,
    SlackUnavailableError,
)
from nightmail.slack import SlackClient
from settings import Settings
from settings.errors import NightError
from tasks.bulletins import Prepared, prepare_bulletins
from tasks.post_bulletin import post_bulletin
from tasks.post_once import Key, Point
from tasks.posted import Posted, read_record, record_file, remember

__all__ = ["open_slack", "post_summary"]

logger = logging.getLogger("nightmail")

MAX_RETRIED = 5
"""Earlier nights that one run posts again."""

NOTICE = "notice "
"""Beginning of the names under which notices are written down."""

Say = Callable[[str], None]


def open_slack(settings: Settings, *, say: Say = logger.info) -> SlackClient | None:
    """Open the bot of the settings; None without a token.

    Parameters
    ----------
    say
        Takes what people shall read while there is something to wait for.
    """
    slack = settings.slack
    if slack.token is None:
        return None
    token = slack.token.get_secret_value()
    return SlackClient(token, base_url=slack.base_url, say=say)


def post_summary(
    summary: Summary,
    settings: Settings,
    *,
    say: Say = logger.info,
    at: Point = lambda _: None,
) -> dict[str, str]:
    """Post a summary to its channels, or change what was posted before.

    What of earlier nights could not be posted is tried first, and said in the message
    of this one. A channel that fails keeps no other from its message. Without a token
    the message is printed.

    Parameters
    ----------
    summary
        The night.
    settings
        `slack` says what goes where; what was posted is written down beside the
        archive.
    say
        Takes what people shall read.
    at
        Is told where the work is; tests end the process there.

    Returns
    -------
    dict
        By channel `posted`, `changed` or `unchanged`; `printed` without a token.

    Raises
    ------
    SlackRefusedError
        Slack refuses some message, and would again.
    SlackUnavailableError
        Slack does not answer.
    ArchiveUnavailableError
        What was posted cannot be written down.
    """
    client = open_slack(settings, say=say)
    if client is None:
        say("Not posted to Slack: no token is set (slack.token or SLACK_API_TOKEN).")
        say("The message:")
        for prepared in prepare_bulletins(summary, settings):
            if prepared.share.is_whole:
                say(prepared.bulletin.plain)
        return {settings.slack.channel: "printed"}
    late = _post_earlier(client, summary, settings, say=say)
    prepared_all = prepare_bulletins(summary, settings, unposted=late)
    outcomes: dict[str, str] = {}
    errors: list[NightmailError] = []
    for prepared in prepared_all:
        channel = prepared.share.channel
        if errors and isinstance(errors[-1], SlackUnavailableError):
            # Each further channel would wait as long for the same.
            _remember_failure(prepared, settings, errors[-1])
            continue
        try:
            outcomes[channel] = _post_one(client, prepared, settings, at=at)
        except (NightError, SlackError) as error:
            say(f"Not posted to Slack in {channel}: {error}")
            _remember_failure(prepared, settings, error)
            errors.append(error)
        else:
            say(_told(summary, channel, outcomes[channel]))
    if errors:
        raise max(errors, key=lambda error: error.exit_code)
    return outcomes


def _told(summary: Summary, channel: str, outcome: str) -> str:
    again = " already" if outcome == "unchanged" else ""
    return f"The summary of {summary.survey} {summary.night} is in {channel}{again}."


def _post_one(
    client: SlackClient, prepared: Prepared, settings: Settings, *, at: Point
) -> str:
    """Post one channel's bulletin; where it is, is written down beside the archive."""
    summary, channel = prepared.share.summary, prepared.share.channel
    file = record_file(settings.archive_root(), summary.survey, summary.night)
    return post_bulletin(
        client,
        prepared.bulletin,
        Key(summary.survey, summary.night, channel, summary.generation),
        attachments=lambda: prepared.attachments,
        before=read_record(file).get(channel),
        remember=partial(remember, file, channel),
        at=at,
    )


def _remember_failure(
    prepared: Prepared, settings: Settings, error: NightmailError
) -> None:
    """Write down that a channel wants its message, for the next run."""
    summary, channel = prepared.share.summary, prepared.share.channel
    file = record_file(settings.archive_root(), summary.survey, summary.night)
    now = read_record(file).get(channel, Posted())
    remember(file, channel, replace(now, done=False, failure=str(error)))


def _post_earlier(
    client: SlackClient, summary: Summary, settings: Settings, *, say: Say
) -> list[str]:
    """Post what of earlier nights is wanting, and say how that went."""
    told = []
    for night in _unposted(settings, summary):
        root = settings.archive_root()
        try:
            earlier = read_summary(root, summary.survey, night)
        except NightError:
            continue
        record = read_record(record_file(root, summary.survey, night))
        for prepared in prepare_bulletins(earlier, settings) if earlier else ():
            channel = prepared.share.channel
            if record.get(channel, Posted(done=True)).done:
                continue
            try:
                _post_one(client, prepared, settings, at=lambda _: None)
            except (NightError, SlackError) as error:
                _remember_failure(prepared, settings, error)
                told.append(f"{night} in {channel}: not yet. {error}")
                if isinstance(error, SlackUnavailableError):
                    return told
            else:
                told.append(f"{night} in {channel}: now posted.")
                say(f"The summary of {summary.survey} {night} is in {channel} now.")
    return told


def _unposted(settings: Settings, summary: Summary) -> list[str]:
    """Name the last nights before this one of which something is not posted."""
    folder = summary_file(settings.archive_root(), summary.survey, summary.night).parent
    files = sorted(folder.glob(f"{'[0-9]' * 8}.slack.json"), reverse=True)
    before = [file for file in files if file.name[:8] < summary.night][:LOOK_BACK]
    wanting = [file.name[:8] for file in before if _is_wanting(read_record(file))]
    return sorted(wanting[:MAX_RETRIED])


def _is_wanting(record: dict[str, Posted]) -> bool:
    return any(
        not one.done for name, one in record.items() if not name.startswith(NOTICE)
    )
