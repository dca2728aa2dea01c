"""Tables in plain text, boxed as in the manuals or aligned for a terminal."""

from collections.abc import Sequence

__all__ = ["aligned", "boxed"]


def boxed(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Draw a table with a frame, each cell in the middle of its column.

    Examples
    --------
    >>> print(boxed(["Topic"], [["fa_ztf"]]))
    +--------+
    | Topic  |
    +--------+
    | fa_ztf |
    +--------+
    """
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    lines = [
        "".join(f"| {cell:^{w}} " for cell, w in zip(row, widths, strict=True)) + "|"
        for row in (headers, *rows)
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def aligned(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]
) -> str:
    """Draw a table without a frame.

    Parameters
    ----------
    headers, rows
        Its cells.
    numbers
        Which columns, from 0, are flush right.

    Examples
    --------
    >>> print(aligned(["topic", "lag"], [["a", "12"], ["bb", "3"]], numbers=[1]))
    topic  lag
    a       12
    bb       3
    """
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [
        "  ".join(
            f"{cell:>{width}}" if i in numbers else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (headers, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)
