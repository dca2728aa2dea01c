"""Filters in SQL."""

import pytest

from nightmail import FilterError
from nightmail._sql import parse, sql_filter

HEAD = "-- owner: someone@example.org\n-- summary: Bright alerts.\n"


def test_reads_its_head() -> None:
    """Owner and summary are the leading comment lines."""
    made = sql_filter("bright", HEAD + "candidate.magpsf < 18;\n", survey="ztf")

    said = (made.name, made.survey, made.summary, made.owner, made.columns, made.keep)
    assert said == (
        "bright",
        "ztf",
        "Bright alerts.",
        "someone@example.org",
        ("candidate_magpsf",),
        None,
    )


def test_version_is_that_of_the_text() -> None:
    """Another text, another version."""
    first = sql_filter("bright", HEAD + "candidate_magpsf < 18").version
    second = sql_filter("bright", HEAD + "candidate_magpsf < 19").version

    assert len(first) == 8
    assert first != second


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("candidate_magpsf < 18 and roid = 3", ("candidate_magpsf", "roid")),
        ("candidate.magpsf < 18 or candidate_magpsf > 20", ("candidate_magpsf",)),
        (
            "list_count(list_filter(prv.magpsf, lambda x: x < rb)) > 1",
            ("prv_magpsf", "rb"),
        ),
        ("list_count(list_filter(prv_jd, lambda x: x.a < 3)) > 1", ("prv_jd",)),
        ('"vsx_Type" is null -- the end', ("vsx_Type",)),
    ],
)
def test_finds_the_columns(text: str, columns: tuple[str, ...]) -> None:
    """Nested names are flat, and the arguments of lambdas are no columns."""
    assert parse(text).columns == columns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("magpsf <", "is not SQL: syntax error"),
        ("x < 1; select 2", "one boolean expression"),
        ("x < 1, y < 2", "one boolean expression"),
        ("x < 1 from other", "one boolean expression"),
        ("x in (select 1)", "no subquery"),
        ("columns(*) > 3", "no \\*"),
        ("1 < 2", "reads no column"),
    ],
)
def test_refuses_what_is_no_expression(text: str, says: str) -> None:
    """A filter is one expression over the columns of an alert."""
    with pytest.raises(FilterError, match=says):
        parse(text)


@pytest.mark.parametrize("line", [0, 1])
def test_wants_owner_and_summary(line: int) -> None:
    """A file that does not say whose it is, or what for, is refused."""
    text = HEAD.splitlines()[line] + "\nmagpsf < 18"

    with pytest.raises(FilterError, match="has no line"):
        sql_filter("bright", text)


@pytest.mark.parametrize(
    ("line", "is_on"),
    [("", True), ("-- on by default: yes\n", True), ("-- on by default: no\n", False)],
)
def test_says_whether_it_is_on(line: str, is_on: bool) -> None:  # noqa: FBT001
    """A line at its top turns it off where nobody asks for it."""
    one = sql_filter("bright", f"{HEAD}{line}candidate.magpsf < 16")

    assert one.on_by_default is is_on


def test_refuses_what_is_neither_on_nor_off() -> None:
    """Any other word is named."""
    with pytest.raises(FilterError, match="on by default: maybe"):
        sql_filter("bright", f"{HEAD}-- on by default: maybe\ncandidate.magpsf < 16")
