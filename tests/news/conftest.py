"""A night that has something of everything, and the nights before it."""

from dataclasses import replace

import pytest

from archive.totals import Partition, Summary, TopicSummary
from news.routes import Share, share_of, share_out
from news.sky_objects import SkyObject
from settings.routes import Route
from settings.slack import Slack

PORTAL = "https://ztf.example.org/{object}"


@pytest.fixture
def summary() -> Summary:
    """Give a night with three filters, of which one has failed."""
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
    young = replace(
        bright,
        topic="fink_young_ztf",
        filter="young",
        kept=199,
        delivered=199,
        archived=199,
        set_aside=0,
        classes={"SN candidate": 199},
        partitions=(
            Partition(partition=0, first_offset=0, last_offset=198, count=199),
        ),
    )
    broken = replace(
        young,
        topic="fink_broken_ztf",
        filter="broken",
        kept=0,
        delivered=0,
        archived=0,
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
        topics=(bright, broken, young),
    )


@pytest.fixture
def earlier(summary: Summary) -> tuple[Summary, ...]:
    """Give four nights before it: fewer eclipsing binaries, and no supernovae."""
    bright, _, young = summary.topics
    nights = []
    for number in range(4):
        classes = {"EB*": 90 + 10 * number, "Unknown": 380 + 10 * number}
        count = sum(classes.values())
        topics = (
            replace(bright, classes=classes, delivered=count, kept=count, set_aside=0),
            replace(young, classes={}, delivered=0, kept=0, partitions=()),
        )
        nights.append(
            replace(
                summary,
                night=f"2026022{8 - number}",
                status="complete",
                kept=count,
                classes=classes,
                topics=topics,
            )
        )
    return tuple(nights)


@pytest.fixture
def slack() -> Slack:
    """Give settings with a route of their own for supernovae."""
    routes = (Route(channel="#supernovae", classes=("SN*",)),)
    return Slack(channel="#nights", routes=routes)


@pytest.fixture
def shares(summary: Summary, slack: Slack) -> tuple[Share, ...]:
    """Give what each channel gets."""
    return share_out(summary, slack).shares


@pytest.fixture
def before(
    earlier: tuple[Summary, ...], shares: tuple[Share, ...], slack: Slack
) -> list[list[Share]]:
    """Give what each channel would have got of the nights before."""
    return [[share_of(one, slack, s.channel) for one in earlier] for s in shares]


def sky_object(number: int, label: str = "SN candidate") -> SkyObject:
    """Make an object; every third is fainter than in the template."""
    return SkyObject(
        name=f"ZTF26aaaa{number:05d}",
        page=f"ZTF26aaaa{number:05d}",
        ra=(37.5 * number) % 360,
        dec=-28 + number % 90,
        label=label,
        filters=("bright", "young"),
        alerts=1 + number % 3,
        magnitude=17.5 + number % 4,
        is_brighter=bool(number % 3),
        band="gr"[number % 2],
        mjd=61100.25 + number / 1000,
        alert_id=1000 + number,
    )
