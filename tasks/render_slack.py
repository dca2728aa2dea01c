"""Render a night's summary for Slack, and the same message as plain text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from archive.summary import Summary
from archive.tables import aligned, by_number

MAX_SECTIONS = 45
"""Sections of data in one message; Slack takes 50 blocks with header and remarks."""

MAX_TEXT = 3000
"""Longest text of a section [characters], by Slack's Block Kit reference."""

MAX_LINE = 400
"""Longest line; a longer one is cut. Escaped, it still fits a section [characters]."""

MAX_CLASSES = 25
"""Classes that are listed; the others are counted together."""

FENCE = "```"
"""What Slack shows unchanged stands between two of these."""


@dataclass(frozen=True)
class Part:
    """A titled part of the message."""

    title: str
    lines: tuple[str, ...]


def render_slack(summary: Summary) -> dict[str, Any]:
    """Message in Slack's Block Kit.

    Parameters
    ----------
    summary
        The night.

    Returns
    -------
    dict
        `text` for notifications and `blocks`, ready for chat.postMessage. Nothing in
        the data acts as markup or mentions anybody.
    """
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=title(summary))),
        _section(escape(lead(summary))),
    ]
    sections = [text for part in _parts(summary) for text in _sections(part)]
    blocks += [_section(text) for text in sections[:MAX_SECTIONS]]
    if len(sections) > MAX_SECTIONS:
        blocks.append(
            _section("The rest does not fit; `nightmail archive sql` has it.")
        )
    return {
        "text": escape(f"{title(summary)}. {lead(summary)}"),
        "blocks": [block.to_dict() for block in blocks],
    }


def render_text(summary: Summary) -> str:
    """Message as plain text for a terminal, without a newline at the end."""
    parts = [title(summary), lead(summary)]
    for part in _parts(summary):
        parts += ["", part.title, *(f"  {line}" for line in part.lines)]
    return "\n".join(parts)


def title(summary: Summary) -> str:
    """Which night, and how it ended."""
    again = f", generation {summary.generation}" if summary.generation else ""
    return f"{summary.survey.upper()} night {summary.night}{again}: {summary.status}"


def lead(summary: Summary) -> str:
    """Say how much was read and kept, in a sentence."""
    if summary.status == "no data":
        return f"The store has no such night (dayObs {summary.day_obs})."
    files = "1 file" if summary.files == 1 else f"{summary.files:,} files"
    return (
        f"{summary.kept:,} of {summary.alerts:,} alerts kept, from {files}"
        f" (dayObs {summary.day_obs})."
    )


def escape(text: str) -> str:
    """Text in which Slack sees no markup, link or mention.

    Examples
    --------
    >>> escape("<!channel> R&D `x`")
    "&lt;!channel&gt; R&amp;D 'x'"
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("`", "'")


def _parts(summary: Summary) -> Iterator[Part]:
    if summary.topics:
        yield Part("Filters", tuple(_filters(summary)))
    if summary.classes:
        yield Part("Classes", tuple(_classes(summary)))
    if failures := summary.all_failures():
        yield Part("Failures", tuple(_one_line(text) for text in failures))
    if problems := summary.problems():
        yield Part("Does not add up", tuple(_one_line(text) for text in problems))


def _filters(summary: Summary) -> list[str]:
    head = ["filter", "delivered", "set aside", "classes"]
    rows = [
        [t.filter, f"{t.delivered:,}", f"{t.set_aside:,}", by_number(t.classes)]
        for t in summary.topics
    ]
    if not any(topic.set_aside for topic in summary.topics):
        head, rows = _without(head, 2), [_without(row, 2) for row in rows]
    right = [name in {"delivered", "set aside"} for name in head]
    return [_one_line(line) for line in aligned(head, rows, right=right)]


def _without(row: Sequence[str], index: int) -> list[str]:
    return [*row[:index], *row[index + 1 :]]


def _classes(summary: Summary) -> list[str]:
    ranked = sorted(summary.classes.items(), key=lambda item: (-item[1], item[0]))
    rows = [[name, f"{number:,}"] for name, number in ranked[:MAX_CLASSES]]
    if rest := ranked[MAX_CLASSES:]:
        rows.append([f"{len(rest)} others", f"{sum(n for _, n in rest):,}"])
    lines = aligned(["class", "alerts"], rows, right=[False, True])
    return [_one_line(line) for line in lines]


def _one_line(text: str) -> str:
    flat = text.translate({ord(c): " " for c in "\r\n\t"}).rstrip()
    return flat if len(flat) <= MAX_LINE else f"{flat[: MAX_LINE - 1]}…"


def _sections(part: Part) -> Iterator[str]:
    """Texts of sections, each at most as long as Slack takes."""
    start = f"*{part.title}*\n{FENCE}\n"
    lines: list[str] = []
    room = MAX_TEXT - len(start) - len(FENCE)
    for line in map(escape, part.lines):
        if sum(len(each) + 1 for each in lines) + len(line) + 1 > room:
            yield _fenced(start, lines)
            start, lines = f"{FENCE}\n", []
        lines.append(line)
    yield _fenced(start, lines)


def _fenced(start: str, lines: Sequence[str]) -> str:
    return start + "".join(f"{line}\n" for line in lines) + FENCE


def _section(text: str) -> SectionBlock:
    # Verbatim: Slack makes no links of channel names or addresses by itself.
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True))
