"""The message fits Slack, and nothing in the data acts.

REFRESH_GOLDEN=1 writes the golden files anew.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from archive.summary import Partition, Status, Summary, TopicSummary
from tasks.render_slack import MAX_TEXT, escape, render_slack, render_text

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def summary() -> Summary:
    """Give a night with two filters, of which one has failed."""
    bright = TopicSummary(
        topic="fink_bright_ztf",
        filter="bright",
        summary="Bright alerts.",
        owner="a@example.org",
        kept=1200,
        delivered=1199,
        archived=1199,
        set_aside=1,
        bytes=62_000_000,
        seconds=0.25,
        classes={"SN candidate": 199, "EB*": 600, "Unknown": 400},
        partitions=(
            Partition(partition=0, first_offset=5, last_offset=2000, count=1199),
        ),
    )
    broken = replace(
        bright,
        topic="fink_broken_ztf",
        filter="broken",
        kept=0,
        delivered=0,
        archived=0,
        set_aside=0,
        classes={},
        failures=("the column candidate_nope is in no file.",),
        partitions=(),
    )
    return Summary(
        survey="ztf",
        night="20260301",
        day_obs="20260228",
        status="failed",
        files=5,
        alerts=5000,
        kept=1199,
        generation=0,
        classes=bright.classes,
        topics=(bright, broken),
    )


def test_message_is_the_recorded_one(summary: Summary) -> None:
    """A change of the message shows in a diff of its golden file."""
    assert summary.problems() == []
    file = GOLDEN / "slack_message.json"
    text = json.dumps(render_slack(summary), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


def test_text_is_the_recorded_one(summary: Summary) -> None:
    """The terminal's form has the same lines."""
    file = GOLDEN / "slack_message.txt"
    text = render_text(summary) + "\n"
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


def test_large_night_keeps_slacks_limits(summary: Summary) -> None:
    """Fifty blocks and 3000 characters a section are never passed."""
    classes = {f"<Class&{i}>" * 5: i + 1 for i in range(200)}
    topics = tuple(
        replace(
            summary.topics[0],
            filter=f"filter_{i}",
            classes=classes,
            failures=(f"a `long` <failure> {'&' * 5000}",),
        )
        for i in range(500)
    )

    message = render_slack(replace(summary, classes=classes, topics=topics))

    sections = message["blocks"][1:]
    assert len(message["blocks"]) <= 50
    assert max(len(block["text"]["text"]) for block in sections) <= MAX_TEXT
    assert all(block["text"]["text"].count("```") in {0, 2} for block in sections)
    assert "does not fit" in sections[-1]["text"]["text"]


@pytest.mark.parametrize(
    "trick", ["<!channel>", "<@U1>", "<http://x|y>", "```\n<!here>"]
)
def test_nothing_in_the_data_acts(summary: Summary, trick: str) -> None:
    """Mentions, links and the end of a code block are only text."""
    topic = replace(summary.topics[1], filter=trick, failures=(trick,))

    message = render_slack(
        replace(summary, classes={trick: 1199}, topics=(topic,), failures=(trick,))
    )

    texts = [block["text"] for block in message["blocks"][1:]]
    assert "<" not in json.dumps(message)
    assert {text["text"].count("```") for text in texts} == {0, 2}
    assert all(text["verbatim"] for text in texts)


def test_escape() -> None:
    """Slack's three characters, and the mark of code."""
    assert escape("a&b <c> `d`") == "a&amp;b &lt;c&gt; 'd'"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("empty", "0 of 0 alerts kept, from 5 files (dayObs 20260228)."),
        ("no data", "The store has no such night (dayObs 20260228)."),
    ],
)
def test_night_of_zero(summary: Summary, status: Status, sentence: str) -> None:
    """A night without alerts is a short message, not an error."""
    nothing = replace(summary, status=status, alerts=0, kept=0, classes={}, topics=())

    assert render_text(nothing) == f"ZTF night 20260301: {status}\n{sentence}"
    assert len(render_slack(nothing)["blocks"]) == 2
