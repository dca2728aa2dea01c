"""What a night's message says, in titled parts, for Slack and for a terminal alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive.history import NIGHTS
from archive.tables import aligned
from archive.totals import Summary
from news.compare import LEAST_NIGHTS, Compared, Counted, compare
from news.layout import Part, one_line
from news.routes import Share

MAX_ROWS = 15
"""Filters, and classes, that the lead message lists; the thread has all of them."""

MAX_FAILURES = 12
"""Failures that it lists."""

FILTERS = ("filter", "alerts", "usual", "set aside")
"""Headings of the filters' table."""

CLASSES = ("class", "alerts", "usual")
"""Headings of the classes' table."""


@dataclass(frozen=True)
class Beside:
    """A channel's part of a night, beside those of the nights before."""

    filters: tuple[Compared, ...]
    """One for each filter, the most frequent first."""

    classes: tuple[Compared, ...]
    """One for each class, the same."""

    nights: int
    """How many nights before there are to compare with."""


def set_beside(share: Share, before: Sequence[Share]) -> Beside:
    """Compare what a channel gets of a night with what it would have got before.

    Parameters
    ----------
    share
        The night.
    before
        The same channel's shares of the nights before.
    """
    return Beside(
        tuple(compare(_by_filter(share), [_ran(one) for one in before])),
        tuple(compare(*_with_absent(share, before))),
        len(before),
    )


def title(summary: Summary) -> str:
    """Which night, and how it ended."""
    again = f", generation {summary.generation}" if summary.generation else ""
    return f"{summary.survey.upper()} night {summary.night}{again}: {summary.status}"


def lead(share: Share) -> str:
    """Say how much was read and kept, in a sentence."""
    summary = share.summary
    if summary.status == "no data":
        return f"The store has no such night (dayObs {summary.day_obs})."
    files = "1 file" if summary.files == 1 else f"{summary.files:,} files"
    read = f"{summary.alerts:,} alerts"
    if share.is_whole:
        kept = f"{summary.kept:,} of {read} kept"
    else:
        names = ", ".join(topic.filter for topic in share.topics[:5])
        more = f" and {len(share.topics) - 5} more" if len(share.topics) > 5 else ""  # noqa: PLR2004
        kept = f"{share.count:,} matches of {names}{more}, of {read}"
    return f"{kept}, from {files} (dayObs {summary.day_obs})."


def parts(share: Share, beside: Beside, *, unposted: Sequence[str] = ()) -> list[Part]:
    """Parts of the lead message, what matters most first.

    Parameters
    ----------
    unposted
        What of earlier nights could not be posted, a sentence each.
    """
    found = [
        Part("New or unusual", tuple(_news(beside))),
        Part("Failures", tuple(_first(share.failures, MAX_FAILURES))),
        Part("Does not add up", tuple(_first(_problems(share), MAX_FAILURES))),
        Part("Filters", tuple(_table(FILTERS, [*_filter_rows(share, beside)]))),
        Part("Classes", tuple(_table(CLASSES, [*_class_rows(beside)]))),
        Part("Could not be posted before", tuple(_first(unposted, MAX_FAILURES))),
    ]
    return [part for part in found if part.lines]


def small_print(beside: Beside) -> str:
    """Say what usual, new, high and low mean, or why nothing is compared."""
    if beside.nights < LEAST_NIGHTS:
        return (
            f"What is new or unusual is said after {LEAST_NIGHTS} complete nights, and"
            f" before this one there are {beside.nights or 'none'}."
        )
    return (
        f"usual: median of the last {min(beside.nights, NIGHTS)} complete nights. new:"
        " none in them. high, low: three sigma of Poisson's law from the rate of those"
        " nights (Gehrels 1986), and the highest or lowest share of them."
    )


def every_count(share: Share) -> Part:
    """Complete table of filters and their classes."""
    rows = [
        [topic.filter, name, f"{count:,}"]
        for topic in share.topics
        for name, count in sorted(topic.classes.items(), key=_by_number)
    ]
    right = [False, False, True]
    lines = aligned(["filter", "class", "alerts"], rows, right=right) if rows else []
    return Part("Filters and classes", tuple(map(one_line, lines)))


def _by_number(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _by_filter(share: Share) -> Counted:
    """Count by filter; one that failed has no count that means anything."""
    counts = {t.filter: t.delivered for t in share.topics if not t.failures}
    return Counted(share.summary.alerts, counts)


def _ran(share: Share) -> Counted:
    """Count by filter; one that ran and kept nothing for the channel has a zero."""
    ran = [t.filter for t in share.summary.topics if not t.failures]
    kept = _by_filter(share).counts
    return Counted(share.summary.alerts, dict.fromkeys(ran, 0) | dict(kept))


def _with_absent(
    share: Share, before: Sequence[Share]
) -> tuple[Counted, list[Counted]]:
    """Count by class; one that a night does not name was not in it."""
    nights = [share, *before]
    absent = dict.fromkeys([name for each in nights for name in each.classes], 0)
    counted = [
        Counted(each.summary.alerts, absent | dict(each.classes)) for each in nights
    ]
    return counted[0], counted[1:]


def _news(beside: Beside) -> Iterator[str]:
    rows = [
        [kind, one.name, f"{one.count:,}", _told(one)]
        for kind, many in (("class", beside.classes), ("filter", beside.filters))
        for one in many
        if one.verdict
    ]
    if rows:
        right = [False, False, True, False]
        head = ["", "", "alerts", ""]
        yield from map(one_line, _cut(aligned(head, rows, right=right)[1:], len(rows)))


def _told(one: Compared) -> str:
    if one.verdict == "new":
        return f"new: none in the last {one.nights} nights"
    expected = f"{one.expected:,.0f}" if one.expected >= 10 else f"{one.expected:.1f}"  # noqa: PLR2004
    return f"{one.verdict}: {expected} expected, usual {one.usual:,.0f}"


def _problems(share: Share) -> list[str]:
    return share.summary.problems() if share.is_whole else []


def _filter_rows(share: Share, beside: Beside) -> Iterator[list[str]]:
    """Yield filters with their alerts, those that failed last."""
    aside = {t.filter: f"{t.set_aside:,}" for t in share.topics if t.set_aside}
    for one in beside.filters:
        cells = [one.name, f"{one.count:,}", _usual(one)]
        yield [*cells, aside.get(one.name, "")]
    for topic in share.topics:
        if topic.failures:
            yield [
                topic.filter,
                f"{topic.delivered:,}",
                "",
                aside.get(topic.filter, ""),
            ]


def _class_rows(beside: Beside) -> Iterator[list[str]]:
    for one in beside.classes:
        if one.count:
            yield [one.name, f"{one.count:,}", _usual(one)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, numbers to the right, columns without any value left out."""
    if not rows:
        return
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    lines = aligned(
        [head[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
        right=[i > 0 for i in kept],
    )
    yield from map(one_line, _cut(lines, len(rows)))


def _usual(one: Compared) -> str:
    return "" if one.usual is None else f"{one.usual:,.0f}"


def _cut(lines: Sequence[str], rows: int) -> list[str]:
    """Keep the heading and the first rows of a table, and count the others."""
    kept = [*lines[: len(lines) - max(rows - MAX_ROWS, 0)]]
    return kept if rows <= MAX_ROWS else [*kept, f"… and {rows - MAX_ROWS:,} more"]


def _first(sentences: Sequence[str], most: int) -> list[str]:
    kept = [one_line(text) for text in sentences[:most]]
    rest = len(sentences) - len(kept)
    return [*kept, f"… and {rest:,} more"] if rest else kept
