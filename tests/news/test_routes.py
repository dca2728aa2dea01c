"""Each channel gets what the settings say, and no channel that they do not allow."""

from dataclasses import replace

import pytest

from archive.totals import Summary
from news.routes import MAX_CHANNELS, share_of, share_out
from settings.routes import Route
from settings.slack import Slack


def shared(
    summary: Summary, *routes: Route, allow: tuple[str, ...] = ()
) -> dict[str, int]:
    """Channels and how many alerts each gets, that of the whole night left out."""
    slack = Slack(channel="#nights", routes=routes, allow=allow)
    first, *others = share_out(summary, slack).shares
    assert (first.channel, first.is_whole) == ("#nights", True)
    return {share.channel: share.count for share in others}


@pytest.mark.parametrize(
    ("route", "channels"),
    [
        (Route(channel="#a"), {"#a": 1398}),
        (Route(channel="#a", filters=("young",)), {"#a": 199}),
        (Route(channel="#a", filters=("y*", "b?ight")), {"#a": 1398}),
        (Route(channel="#a", classes=("SN*",)), {"#a": 398}),
        (Route(channel="#a", classes=("EB*",)), {"#a": 600}),
        (Route(channel="#a", classes=("QSO",)), {}),
        (Route(channel="#a", filters=("young",), classes=("EB*",)), {}),
        (Route(channel="#a", survey="lsst"), {}),
        (Route(channel="#a", classes=("SN*",), minimum=398), {"#a": 398}),
        (Route(channel="#a", classes=("SN*",), minimum=399), {}),
        (Route(channel="#{filter}_{survey}"), {
            "#bright_ztf": 1199, "#young_ztf": 199}),
        (Route(channel="#{class}"), {"#ebstar": 600, "#sncandidate": 398}),
        (Route(channel="#nights", classes=("EB*",)), {}),
    ],
)  # fmt: skip
def test_a_route_gives(
    summary: Summary, route: Route, channels: dict[str, int]
) -> None:
    """By filter, class and survey; from a minimum; one channel for each where asked."""
    assert shared(summary, route) == channels


def test_routes_to_one_channel_are_put_together(summary: Summary) -> None:
    """What two of them give is there once."""
    one = Route(channel="#a", filters=("young",))
    two = Route(channel="#a", filters=("young", "bright"), classes=("SN*",))

    assert shared(summary, one, two) == {"#a": 398}


def test_a_failed_filter_is_told_where_it_is_named(summary: Summary) -> None:
    """Whoever asked for it hears of it, though it kept nothing; no other does."""
    named = Route(channel="#a", filters=("broken",), minimum=100)
    slack = Slack(routes=(named, Route(channel="#b", classes=("SN*",))))

    _, b, a = share_out(summary, slack).shares

    assert (a.channel, b.channel) == ("#a", "#b")
    assert a.failures == ["broken: the column candidate_nope is in no file."]
    assert b.failures == []


def test_only_allowed_channels_are_posted_to(summary: Summary) -> None:
    """With or without the sign; the others are said."""
    route = Route(channel="#{class}")
    slack = Slack(routes=(route,), allow=("ebstar",))

    assert shared(summary, route, allow=("#ebstar",)) == {"#ebstar": 600}
    assert share_out(summary, slack).left == ("Not in slack.allow: #sncandidate.",)


def test_channels_are_bounded(summary: Summary) -> None:
    """A night of hundreds of classes posts to the fifty largest, and says so."""
    classes = {f"class {n}": n for n in range(1, 301)}
    night = replace(summary, topics=(replace(summary.topics[0], classes=classes),))

    shares = share_out(night, Slack(routes=(Route(channel="#{class}"),)))

    assert len(shares.shares) == MAX_CHANNELS
    assert shares.shares[1].channel == "#class300"
    assert "#class251" in shares.left[0]


def test_a_part_counts_matches_and_the_whole_counts_alerts(summary: Summary) -> None:
    """An alert that two filters kept is two matches."""
    slack = Slack(channel="#nights", routes=(Route(channel="#a"),))

    whole, part = share_out(summary, slack).shares

    assert whole.classes == summary.classes
    assert part.classes == {"SN candidate": 398, "EB*": 600, "Unknown": 400}
    assert share_of(summary, slack, "#a") == part
