"""A count is new or unusual by a stated rule, and by nothing less."""

import math

import pytest

from news.compare import Compared, Counted, compare, lower_limit, upper_limit

THREE_SIGMA = 0.00135
"""Probability beyond three sigma of a normal distribution, one-sided."""


def verdict(count: int, past: list[int], alerts: int = 1000) -> str:
    """Verdict on a count after nights of a thousand alerts."""
    nights = [Counted(1000, {"a": number}) for number in past]
    (one,) = compare(Counted(alerts, {"a": count}), nights)
    return one.verdict


def at_most(count: int, mean: float) -> float:
    """Probability of a count so low or lower, by Poisson's distribution."""
    terms = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1)]
    return math.fsum(map(math.exp, terms))


@pytest.mark.parametrize("count", [0, 1, 3, 10, 50, 300])
def test_limits_are_those_of_poisson(count: int) -> None:
    """At the limits, the probability is that of three sigma; of few, it is less."""
    assert at_most(count, upper_limit(count)) == pytest.approx(THREE_SIGMA, rel=0.2)
    if count > 1:
        above = 1 - at_most(count - 1, lower_limit(count))
        assert THREE_SIGMA / 3 < above < THREE_SIGMA * 1.2


def test_new_is_in_none_of_three_nights() -> None:
    """One alert is enough; two nights to compare with are not."""
    assert verdict(1, [0, 0, 0]) == "new"
    assert verdict(1, [0, 0]) == ""
    assert verdict(1, [0, 1, 0]) == ""


def test_high_is_beyond_poisson_and_beyond_every_night() -> None:
    """Neither a fluctuation nor what such a night has had before is unusual."""
    assert verdict(60, [20, 21, 19]) == "high"
    assert verdict(30, [20, 21, 19]) == ""
    assert verdict(60, [20, 61, 19]) == ""


def test_low_is_the_same_below() -> None:
    """A lack is unusual only where enough was expected."""
    assert verdict(5, [40, 41, 39]) == "low"
    assert verdict(5, [40, 4, 39]) == ""
    assert verdict(0, [2, 2, 2]) == ""


def test_counts_are_compared_in_proportion() -> None:
    """A night of three times the alerts has three times the count."""
    assert verdict(60, [20, 21, 19], alerts=3000) == ""
    assert verdict(20, [20, 21, 19], alerts=100) == "high"


def test_usual_is_the_median_of_the_nights_that_have_the_name() -> None:
    """A night in which a filter did not run says nothing of it."""
    nights = [Counted(10, {"a": 4}), Counted(10, {}), Counted(0, {"a": 0})]

    compared = compare(Counted(10, {"a": 5, "b": 7}), nights)

    assert compared == [
        Compared("b", 7, None, ""),
        Compared("a", 5, 4.0, "", expected=4.0, nights=1),
    ]
