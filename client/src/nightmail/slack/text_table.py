"""Tables as Spark shows them, in parts that fit Slack's messages."""

import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal

from nightmail.slack.escape import escape

__all__ = ["FENCE", "cell", "table_parts"]

FENCE = "```"
"""What Slack shows unchanged stands between two of these."""

MIN_WIDTH = 3
"""Least width of a column, as in Spark."""

MAX_CELL = 100
"""Longest text of a cell; a longer one is cut [characters]."""


def cell(value: object) -> str:
    """Text of a value, on one line.

    Parameters
    ----------
    value
        Anything; None is `null`.

    Returns
    -------
    str
        A float with all its digits and without exponent; text beyond 100 characters
        ends in an ellipsis.
    """
    if value is None:
        return "null"
    if isinstance(value, float):
        text = repr(float(value))
        text = format(Decimal(text), "f") if "e" in text else text
    else:
        text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def table_parts(
    names: Sequence[str], rows: Sequence[Sequence[str]], *, longest: int
) -> Iterator[tuple[str, int]]:
    """Lay rows out as tables for Slack, each with its head, escaped and fenced.

    Parameters
    ----------
    names
        Of the columns.
    rows
        Cells, at least one row.
    longest
        Longest part [characters]; a part has at least one row.

    Yields
    ------
    tuple of (str, int)
        A part in Slack's markup, and how many rows are in it.
    """
    widths = [
        max(MIN_WIDTH, *(_width(row[i]) for row in (names, *rows)))
        for i in range(len(names))
    ]
    rule = "+" + "+".join("-" * width for width in widths) + "+"
    head = [rule, _line(names, widths), rule]
    least = sum(len(line) + 1 for line in [FENCE, *head, rule, FENCE]) - 1
    lines: list[str] = []
    size = least
    for row in rows:
        line = _line(row, widths)
        if lines and size + len(line) + 1 > longest:
            yield _fenced([*head, *lines, rule]), len(lines)
            lines, size = [], least
        lines.append(line)
        size += len(line) + 1
    yield _fenced([*head, *lines, rule]), len(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        escape(text) + " " * (width - _width(text))
        for text, width in zip(cells, widths, strict=True)
    )
    return "|" + "|".join(padded) + "|"


def _fenced(lines: Sequence[str]) -> str:
    return "\n".join([FENCE, *lines, FENCE])


def _width(text: str) -> int:
    """Columns of a terminal that a text fills."""
    wide = sum(unicodedata.east_asian_width(c) in {"W", "F"} for c in text)
    combining = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) + wide - combining
