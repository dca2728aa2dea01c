"""Tables keep their rows and fit their messages, whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmail.slack import limits
from nightmail.slack.text_table import cell, table_parts

CELLS = st.text(alphabet="ab <>&`|\u0308星é", max_size=120).map(cell)
"""Cells with what Slack would take for markup, and wide and combining letters."""

ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=60)


def shown(part: str) -> str:
    """Text as Slack shows it, without its fence."""
    body = part.removeprefix("```\n").removesuffix("\n```")
    return body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(ROWS, st.integers(min_value=200, max_value=4000))
def test_every_row_once_in_order(rows: list[tuple[str, str]], longest: int) -> None:
    """Parts are as long as allowed, but for one row too long by itself."""
    parts = list(table_parts(["object", "class"], rows, longest=longest))

    assert sum(number for _, number in parts) == len(rows)
    assert all(len(part) <= longest or number == 1 for part, number in parts)
    assert all(len(part) < limits.MAX_MESSAGE for part, _ in parts)
    body = [line for part, _ in parts for line in shown(part).splitlines()[3:-1]]
    expected = [f"|{a.replace('`', chr(39))}" for a, _ in rows]
    assert [line[: len(want)] for line, want in zip(body, expected, strict=True)] == (
        expected
    )


@given(st.text(max_size=300), st.integers(min_value=1, max_value=50))
def test_pieces_lose_nothing(text: str, longest: int) -> None:
    """Whatever is cut, only newlines between two pieces are left out."""
    pieces = list(limits.pieces(text, longest))

    assert all(len(piece) <= longest for piece in pieces)
    rest = text
    for piece in pieces:
        assert rest.startswith(piece)
        rest = rest[len(piece) :].removeprefix("\n" if rest[len(piece) :] else "")
    assert rest == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (12.5901418, "12.5901418"),
        (-0.00001, "-0.00001"),
        (1e22, "10000000000000000000000"),
        (float("nan"), "nan"),
        (170032915988086813, "170032915988086813"),
        ("a\nb\tc", "a b c"),
        ("x" * 101, "x" * 99 + "…"),
        (True, "True"),
    ],
)
def test_cell(value: object, text: str) -> None:
    """One line, every digit, no exponent."""
    assert cell(value) == text


def test_as_spark_shows_it() -> None:
    """Columns are as wide as their widest cell, and three at least."""
    ((part, number),) = table_parts(["a", "b"], [["1", "1234"], ["22", ""]], longest=99)

    assert number == 2
    assert part.splitlines()[1:-1] == [
        "+---+----+",
        "|a  |b   |",
        "+---+----+",
        "|1  |1234|",
        "|22 |    |",
        "+---+----+",
    ]
