"""Alerts counted by what the nights' records say."""

import pytest

from cluster.nights import Count, Range, count_alerts

EXACT, MOST = True, False


@pytest.mark.parametrize(
    ("ranges", "first", "end", "number", "is_exact"),
    [
        pytest.param([], 0, 0, 0, EXACT, id="empty"),
        pytest.param([], 0, 7, 7, MOST, id="no night tells"),
        pytest.param([Range(0, 9, 9)], 0, 11, 9, EXACT, id="one night and its end"),
        pytest.param([Range(0, 9, 9)], 0, 15, 13, MOST, id="something behind it"),
        pytest.param([Range(5, 9, 5)], 0, 11, 10, MOST, id="something before it"),
        pytest.param(
            [Range(0, 4, 5), Range(6, 9, 4)], 0, 11, 9, EXACT, id="two nights"
        ),
        pytest.param(
            [Range(0, 9, 6), Range(3, 6, 3)], 0, 11, 9, EXACT, id="one within another"
        ),
        pytest.param([Range(0, 9, 9)], 20, 20, 0, EXACT, id="all expired"),
        pytest.param([Range(0, 9, 9)], 4, 11, 6, MOST, id="the oldest expired"),
        pytest.param([Range(30, 39, 9)], 0, 0, 0, EXACT, id="a topic made anew"),
    ],
)
def test_counts(
    ranges: list[Range],
    first: int,
    end: int,
    number: int,
    is_exact: bool,  # noqa: FBT001 - of a table
) -> None:
    """Where nights cover all offsets the count is theirs, elsewhere it is a bound."""
    assert count_alerts(ranges, first, end) == Count(number, is_exact=is_exact)


def test_a_bound_says_so() -> None:
    """A sum is exact only if all its parts are."""
    exact, most = Count(1000, is_exact=True), Count(1, is_exact=False)

    assert (str(exact), str(exact + most)) == ("1,000", "≤ 1,001")
