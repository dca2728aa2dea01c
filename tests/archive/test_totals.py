"""A summary says where it does not add up."""

import re
from dataclasses import replace
from typing import Any

import pytest

from archive.summary import Partition, Summary


def test_what_adds_up_has_no_problems(summary: Summary) -> None:
    """Alerts set aside are neither delivered nor archived."""
    assert summary.problems() == []


def test_empty_night_adds_up() -> None:
    """A night without alerts and filters is all zeros."""
    night = Summary(
        survey="lsst",
        night="20260301",
        day_obs="20260228",
        status="no data",
        files=0,
        alerts=0,
        kept=0,
        generation=0,
        classes={},
    )

    assert night.problems() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kept": 3}, "bright: 3 alerts were kept, but 2 were delivered"),
        ({"archived": 1}, "bright: 2 alerts were delivered, but the archive has 1"),
        ({"classes": {"SN": 3}}, "bright: 2 .* classes add up to 3"),
        ({"partitions": ()}, "bright: 2 .* partitions add up to 0"),
        (
            {
                "partitions": (
                    Partition(partition=1, first_offset=4, last_offset=4, count=2),
                )
            },
            "bright: partition 1 has 2 alerts between offsets 4 and 4",
        ),
    ],
)
def test_topic_that_does_not_add_up(
    summary: Summary, change: dict[str, Any], sentence: str
) -> None:
    """Each sentence names the filter and both numbers."""
    bright, faint = summary.topics
    changed = replace(summary, topics=(replace(bright, **change), faint))

    (problem,) = changed.problems()

    assert re.search(sentence, problem)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"classes": {"SN": 1}}, "3 alerts are in the archive, but their classes"),
        ({"alerts": 2}, "3 alerts are in the archive, of 2 read"),
        ({"kept": 5, "classes": {"SN": 5}}, "2 at most and 4 together"),
        ({"kept": 1, "classes": {"SN": 1}}, "2 at most and 4 together"),
        ({"status": "complete"}, "called complete, although it has failures"),
    ],
)
def test_night_that_does_not_add_up(
    summary: Summary, change: dict[str, Any], sentence: str
) -> None:
    """The archive holds each alert once, whatever number of filters kept it."""
    (problem,) = replace(summary, **change).problems()

    assert sentence in problem


def test_failures_name_their_filter(summary: Summary) -> None:
    """The night's own failures come first."""
    assert summary.all_failures() == [
        "part-3.parquet is not a Parquet file.",
        "faint: 1 alert could not be encoded.",
    ]
