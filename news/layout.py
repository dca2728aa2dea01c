"""Text that Slack shows as it is, in pieces as long as Slack takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightmail.slack import escape
from nightmail.slack.limits import (
    BLOCK_WEIGHT,
    MAX_BLOCKS,
    MAX_HEADER,
    MAX_TEXT,
    MAX_WEIGHT,
    weight,
)

MAX_LINE = 400
"""Longest line; a longer one is cut. Escaped, it still fits a section [characters]."""

FENCE = "```"
"""What Slack shows unchanged stands between two of these."""


@dataclass(frozen=True)
class Part:
    """A titled part of a message, shown in columns."""

    title: str
    """Empty, if it has none."""

    lines: tuple[str, ...]
    """Plain text, nothing in it escaped yet."""


@dataclass(frozen=True)
class Message:
    """What chat.postMessage takes, without channel and metadata."""

    text: str
    """For notifications, escaped."""

    blocks: tuple[Mapping[str, Any], ...] = ()
    """Block Kit."""

    def arguments(self) -> dict[str, Any]:
        """Fields of the call."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks]}


def linked(address: str, text: str) -> str:
    """Give a link in Slack's markup.

    Examples
    --------
    >>> linked("https://example.org/a b|c>", "a|b")
    '<https://example.org/a%20b%7Cc%3E|a b>'
    """
    for mark in " |<>`":
        address = address.replace(mark, f"%{ord(mark):02X}")
    return f"<{address}|{escape(text.replace('|', ' '))}>"


def one_line(text: str) -> str:
    """Text without line breaks, cut where it is longer than a line may be."""
    flat = text.translate({ord(c): " " for c in "\r\n\t"}).rstrip()
    return flat if len(flat) <= MAX_LINE else f"{flat[: MAX_LINE - 1]}…"


def sections(part: Part) -> Iterator[str]:
    """Texts of sections, each at most as long as Slack takes."""
    title = f"*{escape(one_line(part.title))}*\n" if part.title else ""
    lines = [escape(one_line(line)) for line in part.lines]
    yield from packed(lines, f"{title}{FENCE}\n", f"{FENCE}\n", FENCE)


def packed(
    lines: Iterable[str], first: str, further: str = "", end: str = ""
) -> Iterator[str]:
    """Put lines together into as few texts as they fit.

    Parameters
    ----------
    lines
        In Slack's markup, each shorter than a text.
    first, further
        Beginning of the first text, and of the others.
    end
        End of each.
    """
    start, held = first, ""
    for line in lines:
        if held and len(start) + len(held) + len(line) + 1 + len(end) > MAX_TEXT:
            yield (start + held + end).rstrip("\n")
            start, held = further, ""
        held += f"{line}\n"
    yield (start + held + end).rstrip("\n")


def header(text: str) -> dict[str, Any]:
    """Title of a message."""
    return {"type": "header", "text": {"type": "plain_text", "text": text[:MAX_HEADER]}}


def section(text: str) -> dict[str, Any]:
    """Text in Slack's markup, of which Slack makes no links by itself."""
    words = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "section", "text": words}


def context(text: str) -> dict[str, Any]:
    """Small print, in Slack's markup."""
    words = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "context", "elements": [words]}


def fitting(
    texts: Sequence[str], around: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Make sections of as many texts as fit into one message.

    Parameters
    ----------
    texts
        In Slack's markup, each as long as a section may be at most.
    around
        What else the message has.
    """
    blocks: list[dict[str, Any]] = []
    room = MAX_WEIGHT - weight(around)
    for text in texts:
        room -= len(text) + BLOCK_WEIGHT
        if room < 0 or len(blocks) + len(around) == MAX_BLOCKS:
            break
        blocks.append(section(text))
    return blocks


def in_messages(texts: Sequence[str], *, title: str, most: int) -> list[Message]:
    """Put sections into as few messages as they fit, and no more than so many.

    Parameters
    ----------
    texts
        In Slack's markup, each as long as a section may be at most.
    title
        Text for notifications; a message's number follows it, where there are several.
    most
        Messages there may be; what does not fit in them is left out.
    """
    groups: list[list[dict[str, Any]]] = []
    left = list(texts)
    while left and len(groups) < most:
        groups.append(fitting(left, ()))
        del left[: len(groups[-1])]
    return [
        Message(
            escape(title) + (f" ({number} of {len(groups)})" if groups[1:] else ""),
            tuple(group),
        )
        for number, group in enumerate(groups, 1)
    ]
