"""A channel's news of one night, as the messages and files that are posted."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.totals import Summary
from news.layout import (
    Message,
    context,
    fitting,
    header,
    in_messages,
    linked,
    packed,
    section,
    sections,
)
from news.parts import Beside, every_count, lead, parts, set_beside, small_print, title
from news.routes import Share
from news.sky_objects import TIME_SCALE, SkyObject, to_csv
from nightmail.slack import escape

MAX_LINKED = 150
"""Objects with a link each in the thread; where there are more, the complete table is
a file."""

MAX_TABLE_MESSAGES = 2
"""Messages of the thread that list filters and classes."""

MAX_OBJECT_MESSAGES = 4
"""Messages of the thread that list objects."""

MAX_CSV_ROWS = 100_000
"""Objects in the file, about 15 MB."""

CUT = "Not everything fits in a message: the thread and the archive have the rest."
"""What a lead message that was cut says at its end."""

LABEL_WIDTH = 24
"""Longest name of a class beside an object; a longer one is cut [characters]."""


@dataclass(frozen=True, kw_only=True)
class Bulletin:
    """Everything that one channel gets of one night, but for the pictures."""

    lead: Message
    """The message in the channel."""

    thread: tuple[Message, ...]
    """What follows it in its thread, in this order."""

    table: bytes
    """Complete table of the objects as CSV; empty where the thread has them all."""

    digest: str
    """Digest of all of it: the same for the same news."""

    plain: str
    """The lead message for a terminal."""


def compose(  # noqa: PLR0913 - what is told, and where the rest of it is
    share: Share,
    before: Sequence[Share],
    objects: Sequence[SkyObject],
    *,
    portal: str,
    remarks: Sequence[str] = (),
    unposted: Sequence[str] = (),
) -> Bulletin:
    """Compose what a channel gets of a night.

    Parameters
    ----------
    share
        What the channel gets.
    before
        The same of the nights before.
    objects
        The objects in it, in the order in which they are to be listed.
    portal
        Address of an object's page, with {object} for its name.
    remarks
        What else is to be said in small print, a sentence each.
    unposted
        What of earlier nights could not be posted, a sentence each; it is no part of
        the digest, as a night does not change by it.
    """
    beside = set_beside(share, before)
    told = [small_print(beside), *_where(share, objects), *remarks]
    thread = (*_tables(share), *_lists(share.summary, objects, portal))
    is_file = len(objects) > MAX_LINKED
    table = to_csv(objects[:MAX_CSV_ROWS], portal) if is_file else b""
    same = _lead(share, beside, told, ())
    return Bulletin(
        lead=_lead(share, beside, told, unposted),
        thread=thread,
        table=table,
        digest=_digest(same, thread, table),
        plain=_plain(share, beside, told, unposted),
    )


def _lead(
    share: Share, beside: Beside, told: Sequence[str], unposted: Sequence[str]
) -> Message:
    name = title(share.summary)
    texts = [
        text
        for part in parts(share, beside, unposted=unposted)
        for text in sections(part)
    ]
    top = [header(name), section(escape(lead(share)))]
    bottom = [context(escape(" ".join(told)))]
    blocks = fitting(texts, [*top, *bottom, context(CUT)])
    if len(blocks) < len(texts):
        bottom.append(context(CUT))
    return Message(escape(f"{name}. {lead(share)}"), (*top, *blocks, *bottom))


def _plain(
    share: Share, beside: Beside, told: Sequence[str], unposted: Sequence[str]
) -> str:
    lines = [title(share.summary), lead(share)]
    for part in parts(share, beside, unposted=unposted):
        lines += ["", part.title, *(f"  {line}" for line in part.lines)]
    return "\n".join([*lines, "", *told])


def _where(share: Share, objects: Sequence[SkyObject]) -> Iterator[str]:
    """Say where the rest is."""
    if not objects:
        return
    summary = share.summary
    things = "1 object" if len(objects) == 1 else f"{len(objects):,} objects"
    if len(objects) <= MAX_LINKED:
        yield f"In the thread: {things}, each with its page."
        return
    yield (
        f"In the thread: the {MAX_LINKED} objects of the rarest classes with their"
        f" pages, and a table of {min(len(objects), MAX_CSV_ROWS):,} as a file."
    )
    if len(objects) > MAX_CSV_ROWS:
        yield (
            f"All {things}: nightmail archive sql --survey {summary.survey}"
            f" \"from matches where night = '{summary.night}'\"."
        )


def _rest(summary: Summary) -> str:
    query = "select filter, class, count(*) from matches where night = {} group by all"
    shown = query.replace("{}", f"'{summary.night}'")
    return f'The rest: nightmail archive sql --survey {summary.survey} "{shown}"'


def _tables(share: Share) -> list[Message]:
    part = every_count(share)
    if len(part.lines) <= 1:
        return []
    texts = list(sections(part))
    messages = in_messages(
        texts, title=f"{title(share.summary)}: filters and classes",
        most=MAX_TABLE_MESSAGES,
    )  # fmt: skip
    posted = sum(len(message.blocks) for message in messages)
    if posted < len(texts):
        last = messages[-1]
        blocks = (*last.blocks[:-1], context(escape(_rest(share.summary))))
        messages[-1] = Message(last.text, blocks)
    return messages


def _lists(
    summary: Summary, objects: Sequence[SkyObject], portal: str
) -> list[Message]:
    """List objects, a line each: the page, then its position, light and class."""
    if not objects:
        return []
    listed = objects[:MAX_LINKED]
    scale = TIME_SCALE[summary.survey]
    is_cut = len(objects) > len(listed)
    rest = f" (the first {len(listed)} of {len(objects):,})" if is_cut else ""
    first = (
        f"*Objects*{rest}: right ascension and"
        " declination (ICRS, degrees), AB magnitude and band of the last alert, time"
        f" (MJD, {scale}), class, filters\n"
    )
    lines = [_line(one, portal) for one in listed]
    return in_messages(
        list(packed(lines, first)),
        title=f"{title(summary)}: objects",
        most=MAX_OBJECT_MESSAGES,
    )


def _line(one: SkyObject, portal: str) -> str:
    magnitude = "     " if one.magnitude is None else f"{one.magnitude:5.2f}"
    label = one.label if len(one.label) <= LABEL_WIDTH else f"{one.label[:23]}…"
    cells = (
        f"{one.ra:9.5f} {one.dec:+9.5f}  {one.band} {magnitude}  {one.mjd:.4f}"
        f"  {label:<{LABEL_WIDTH}}  {' '.join(one.filters)}"
    )
    code = f"`{escape(cells[:200].rstrip())}`"
    if one.page is None:
        return f"`{escape(one.name)}`  {code}"
    return f"{linked(portal.replace('{object}', one.page), one.name)}  {code}"


def _digest(lead_message: Message, thread: Sequence[Message], table: bytes) -> str:
    told = [message.arguments() for message in (lead_message, *thread)]
    text = json.dumps(told, sort_keys=True).encode() + table
    return hashlib.sha256(text).hexdigest()[:16]
