"""What is to be posted of a night, channel by channel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archive.history import read_history
from archive.totals import Summary
from news.compose import Bulletin, compose
from news.figure import can_draw
from news.pictures import NO_PICTURES, Attachment, attach
from news.routes import Share, share_of, share_out
from news.sky_objects import SkyObject, read_objects
from settings import Settings
from settings.errors import NightError


@dataclass(frozen=True)
class Prepared:
    """One channel's bulletin, and what its pictures are made of."""

    share: Share
    bulletin: Bulletin
    objects: tuple[SkyObject, ...]
    root: Path
    """Folder of the archive."""

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """Files of its thread, made when they are first asked for.

        Raises
        ------
        NightError
            The archive cannot be read.
        """
        found = attach(self.root, self.share.summary, self.objects, self.bulletin.table)
        return tuple(found)


def prepare_bulletins(
    summary: Summary, settings: Settings, *, unposted: Sequence[str] = ()
) -> Iterator[Prepared]:
    """Compose what each channel gets of a night.

    Parameters
    ----------
    summary
        The night.
    settings
        `slack` says who gets what; the archive has the objects and the nights before.
    unposted
        What of earlier nights could not be posted; the channel of the whole night says
        it.

    Yields
    ------
    Prepared
        One for each channel, that of the whole night first. Where the archive cannot
        be read, it has no objects and says so.
    """
    root, slack = settings.archive_root(), settings.slack
    history = read_history(root, summary.survey, summary.night)
    shared = share_out(summary, slack)
    for share in shared.shares:
        objects, remarks = _objects(root, share)
        if objects and not can_draw():
            remarks = [*remarks, NO_PICTURES]
        before = [share_of(night, slack, share.channel) for night in history]
        bulletin = compose(
            share,
            before,
            objects,
            portal=slack.portal(summary.survey),
            remarks=[*remarks, *(shared.left if share.is_whole else ())],
            unposted=unposted if share.is_whole else (),
        )
        yield Prepared(share, bulletin, objects, root)


def _objects(root: Path, share: Share) -> tuple[tuple[SkyObject, ...], list[str]]:
    summary = share.summary
    if not share.count:
        return (), []
    try:
        return read_objects(root, summary.survey, summary.night, share.picks), []
    except NightError as error:
        return (), [str(error)]
