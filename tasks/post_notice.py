"""Tell the operators that a night failed, crashed or did not run: once."""

import logging
from collections.abc import Callable

from news.notice import Notice, compose_notice
from nightmail import SlackError
from settings import Settings
from settings.errors import ArchiveUnavailableError
from tasks.post_once import Key, digest_of, post_once
from tasks.post_summary import NOTICE, open_slack
from tasks.posted import Posted, read_record, record_file, remember

logger = logging.getLogger("nightmail")


def post_notice(
    notice: Notice, settings: Settings, *, say: Callable[[str], None] = logger.info
) -> str:
    """Post a notice to `slack.operators`; the same night and kind has one message.

    A night that fails again changes its message, and is not told anew: the channel is
    for what is news. Whatever goes wrong here is said and goes no further.

    Parameters
    ----------
    notice
        What to tell.
    settings
        Without a token or `slack.operators`, nothing is posted.
    say
        Takes what people shall read.

    Returns
    -------
    str
        `posted`, `changed` or `unchanged`; `off` where no channel is set; `failed`.
    """
    channel = settings.slack.operators
    client = open_slack(settings, say=say)
    if client is None or not channel:
        return "off"
    file = record_file(settings.archive_root(), notice.survey, notice.night)
    name = f"{NOTICE}{notice.kind} {channel}"
    before = read_record(file).get(name)
    message = compose_notice(notice)
    digest = digest_of(message)
    if before and before.ts and before.digest == digest:
        return "unchanged"

    def note(posted: Posted) -> None:
        try:
            remember(file, name, posted)
        except ArchiveUnavailableError as error:
            # It may be the very thing to be told.
            logger.debug("Not written down: %s", error)

    key = Key(notice.survey, notice.night, channel, kind=notice.kind)
    try:
        _, outcome = post_once(
            client, message, key, digest=digest, before=before, remember=note
        )
    except SlackError as error:
        logger.warning("The operators were not told in %s: %s", channel, error)
        return "failed"
    return outcome
