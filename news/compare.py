"""What of a night is new or unusual, beside the nights before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

LEAST_NIGHTS = 3
"""Nights without which nothing is called new or unusual."""

SIGMA = 3.0
"""How far a count must be from what is expected, as a normal distribution's."""

LEAST_EXPECTED = 3.0
"""Expected count under which a lack is not called unusual: zero would not be."""


@dataclass(frozen=True)
class Counted:
    """Counts of one night, by name of filter or class."""

    alerts: int
    """Alerts that the night had: what its counts are compared in proportion to."""

    counts: Mapping[str, int]
    """A name that was not looked for is not there; one that was not found is 0."""


@dataclass(frozen=True)
class Compared:
    """A count beside those of the nights before."""

    name: str
    """Of the filter or class."""

    count: int
    """This night's."""

    usual: float | None
    """Median of the nights before; None where there are none to compare with."""

    verdict: Literal["new", "high", "low", ""]
    """`new` was in none of the nights before; empty is nothing unusual."""

    expected: float = 0.0
    """Count at the rate of the nights before, in so many alerts as this night has."""

    nights: int = 0
    """How many nights it was compared with."""


def compare(tonight: Counted, before: Sequence[Counted]) -> list[Compared]:
    """Compare a night's counts with those of the nights before.

    A count is *new* where none of at least three nights had any. It is *high* or *low*
    where both hold: three sigma of Poisson's distribution do not reach from it to what
    is expected, and in no night before was its share of the alerts as high, or as low.
    The second is what keeps a telescope that looks elsewhere every night from being
    called unusual each time: counts of alerts scatter by more than Poisson's law.

    Parameters
    ----------
    tonight
        The night.
    before
        Nights before it, in any order; one without alerts is passed over.

    Returns
    -------
    list of Compared
        One for each name of the night, the most frequent first. It is compared with
        the nights that have the name.
    """
    nights = [night for night in before if night.alerts]
    compared = [_compare_one(name, tonight, nights) for name in tonight.counts]
    return sorted(compared, key=lambda one: (-one.count, one.name))


def upper_limit(count: int) -> float:
    """Largest mean with which a count so low has the probability of three sigma.

    By Wilson and Hilferty's approximation of chi-squared, as Gehrels (1986, ApJ 303,
    336) gives it for Poisson's distribution; good to some per cent at three sigma.

    Examples
    --------
    >>> round(upper_limit(0), 1)
    6.7
    """
    more = count + 1
    return float(more * (1 - 1 / (9 * more) + SIGMA / (3 * more**0.5)) ** 3)


def lower_limit(count: int) -> float:
    """Smallest mean with which a count so high has the probability of three sigma.

    By the same approximation; of fewer than ten, it is on the safe side.

    Examples
    --------
    >>> round(lower_limit(25), 1)
    12.6
    >>> lower_limit(0)
    0.0
    """
    if not count:
        return 0.0
    root = 1 - 1 / (9 * count) - SIGMA / (3 * count**0.5)
    return float(count * max(root, 0.0) ** 3)


def _compare_one(name: str, tonight: Counted, nights: Sequence[Counted]) -> Compared:
    mine = [night for night in nights if name in night.counts]
    count = tonight.counts[name]
    if not mine:
        return Compared(name, count, None, "")
    past = [night.counts[name] for night in mine]
    usual = float(median(past))
    expected = sum(past) / sum(night.alerts for night in mine) * tonight.alerts
    verdict: Literal["new", "high", "low", ""] = ""
    if len(mine) >= LEAST_NIGHTS and tonight.alerts:
        shares = [night.counts[name] / night.alerts for night in mine]
        share = count / tonight.alerts
        if count and not any(past):
            verdict = "new"
        elif lower_limit(count) > expected and share > max(shares):
            verdict = "high"
        elif (
            expected >= LEAST_EXPECTED
            and upper_limit(count) < expected
            and share < min(shares)
        ):
            verdict = "low"
    return Compared(name, count, usual, verdict, expected, len(mine))
