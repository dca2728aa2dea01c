"""A night's summary as a table: aligned for a terminal, Markdown for Prefect."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archive.totals import Summary, TopicSummary

WIDTH = 100
"""Widest line of the terminal's table [characters]."""

LONGEST_NAME = 36
"""Longest name of a filter in it; a longer one is cut [characters]."""

NUMBERS = ("kept", "delivered", "archived", "set aside", "MB", "s")
"""Headings of the columns of numbers."""

BYTES_PER_MB = 1_000_000
"""Bytes in a megabyte."""


def show_table(summary: Summary) -> str:
    """Per-filter table for a terminal, with totals, and failures below.

    Parameters
    ----------
    summary
        The night.

    Returns
    -------
    str
        Lines of at most `WIDTH` characters, without a newline at the end.
    """
    parts = [headline(summary), *_filter_table(summary)]
    if summary.classes:
        parts += ["", *_wrapped(f"Classes: {by_number(summary.classes)}")]
    for title, sentences in _remarks(summary):
        parts += ["", title]
        parts += [line for text in sentences for line in _wrapped(f"- {text}")]
    return "\n".join(parts)


def markdown_table(summary: Summary) -> str:
    """Per-filter table in Markdown, for a Prefect artifact.

    Parameters
    ----------
    summary
        The night.

    Returns
    -------
    str
        Headings, tables and lists; what would be markup in the data is escaped.
    """
    parts = [f"# {_plain(headline(summary))}"]
    if summary.topics:
        parts.append(
            _markdown(["filter", *NUMBERS, "classes"], _markdown_rows(summary))
        )
    if summary.classes:
        rows = [[name, f"{n:,}"] for name, n in _sorted(summary.classes)]
        parts.append(_markdown(["class", "alerts"], rows))
    for title, sentences in _remarks(summary):
        lines = "\n".join(f"- {_plain(text)}" for text in sentences)
        parts.append(f"## {title}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def headline(summary: Summary) -> str:
    """One line: which night, how it ended, how much was read and kept."""
    night = f"{summary.survey} {summary.night} (dayObs {summary.day_obs})"
    if summary.generation:
        night += f", generation {summary.generation}"
    if summary.status == "no data":
        return f"{night}: no data"
    files = "1 file" if summary.files == 1 else f"{summary.files:,} files"
    return (
        f"{night}: {summary.status}; {summary.kept:,} of {summary.alerts:,} alerts"
        f" kept, from {files}"
    )


def by_number(classes: Mapping[str, int]) -> str:
    """Classes with their numbers in one line, the most frequent first."""
    return ", ".join(f"{name} {number:,}" for name, number in _sorted(classes))


def aligned(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[bool]
) -> list[str]:
    """Lines of a table in plain text, columns two spaces apart.

    Parameters
    ----------
    head
        Headings.
    rows
        Rows of as many cells.
    right
        For each column, whether its cells stand to the right, as numbers do.
    """
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(_padded(row, widths, right)).rstrip() for row in table]


def _padded(
    row: Sequence[str], widths: Sequence[int], right: Sequence[bool]
) -> Iterator[str]:
    for cell, width, to_right in zip(row, widths, right, strict=True):
        yield cell.rjust(width) if to_right else cell.ljust(width)


def _filter_table(summary: Summary) -> list[str]:
    if not summary.topics:
        return []
    rows = [[_cut(topic.filter), *_numbers([topic])] for topic in summary.topics]
    rows.append(["total", *_numbers(summary.topics)])
    right = [False] + [True] * len(NUMBERS)
    lines = aligned(["filter", *NUMBERS], rows, right=right)
    length = max(map(len, lines))
    classes = ["classes", *(by_number(topic.classes) for topic in summary.topics), ""]
    beside = [_beside(*each, length) for each in zip(lines, classes, strict=True)]
    return ["", *beside]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _beside(line: str, classes: str, length: int) -> str:
    room = max(WIDTH - length - 2, 0)
    short = textwrap.shorten(classes, room, placeholder=" …") if room > len("…") else ""
    return f"{line:<{length}}  {short}".rstrip()


def _numbers(topics: Sequence[TopicSummary]) -> list[str]:
    counts = [
        sum(t.kept for t in topics),
        sum(t.delivered for t in topics),
        sum(t.archived for t in topics),
        sum(t.set_aside for t in topics),
    ]
    megabytes = sum(t.bytes for t in topics) / BYTES_PER_MB
    seconds = sum(t.seconds for t in topics)
    return [f"{n:,}" for n in counts] + [f"{megabytes:,.1f}", f"{seconds:,.1f}"]


def _markdown_rows(summary: Summary) -> list[list[str]]:
    rows = [
        [topic.filter, *_numbers([topic]), by_number(topic.classes)]
        for topic in summary.topics
    ]
    return [*rows, ["total", *_numbers(summary.topics), by_number(summary.classes)]]


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = [
        "---",
        *["---:" if name in {*NUMBERS, "alerts"} else "---" for name in head[1:]],
    ]
    table = [head, ruler, *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def _remarks(summary: Summary) -> list[tuple[str, list[str]]]:
    """Titles and sentences of what went wrong, as far as anything did."""
    remarks = [
        ("Failures", summary.all_failures()),
        ("Does not add up", summary.problems()),
    ]
    return [(title, sentences) for title, sentences in remarks if sentences]


def _sorted(classes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(classes.items(), key=lambda item: (-item[1], item[0]))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def _plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_|[]":
        escaped = escaped.replace(mark, f"\\{mark}")
    return " ".join(escaped.split())
