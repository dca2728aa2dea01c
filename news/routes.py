"""Which channel gets what of a night."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from archive.totals import Summary, TopicSummary
from nightmail.slack.channel_names import channel_of, is_classified
from settings.routes import Route
from settings.slack import Slack

MAX_CHANNELS = 50
"""Channels that one night is posted to; Slack takes about a message a second."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one channel gets of a night."""

    channel: str
    """As the settings name it."""

    summary: Summary
    """The night, whole."""

    picks: Mapping[str, frozenset[str]]
    """Classes of each filter that the channel gets."""

    is_whole: bool
    """Whether it gets everything, with what failed outside of filters too."""

    @property
    def topics(self) -> tuple[TopicSummary, ...]:
        """What the channel's filters kept, of the channel's classes."""
        if self.is_whole:
            return self.summary.topics
        return tuple(
            _narrowed(topic, self.picks[topic.filter])
            for topic in self.summary.topics
            if topic.filter in self.picks
        )

    @property
    def classes(self) -> Mapping[str, int]:
        """Count alerts by class; in a part of the night, one for each filter."""
        if self.is_whole:
            return self.summary.classes
        counts: Counter[str] = Counter()
        for topic in self.topics:
            counts.update(topic.classes)
        return dict(counts)

    @property
    def count(self) -> int:
        """Alerts of the channel, counted as in `classes`."""
        return sum(self.classes.values())

    @property
    def failures(self) -> list[str]:
        """Name what went wrong in what the channel gets."""
        if self.is_whole:
            return self.summary.all_failures()
        return [f"{t.filter}: {text}" for t in self.topics for text in t.failures]


@dataclass(frozen=True)
class Shares:
    """A night, shared out."""

    shares: tuple[Share, ...]
    """One for each channel, that of the whole night first."""

    left: tuple[str, ...]
    """What is posted in no channel of its own and why, a sentence each."""


def share_out(summary: Summary, slack: Slack) -> Shares:
    """Share a night out to the channels of the settings.

    `slack.channel` gets the whole night. Each route gives the alerts of some filters
    and classes to a channel, or with `{filter}` or `{class}` in its name to one for
    each. What several routes give to one channel is put together.

    Parameters
    ----------
    summary
        The night.
    slack
        Channel, routes, and the channels that are allowed.

    Returns
    -------
    Shares
        A part that has fewer alerts than its route's `minimum` and no failure is left
        out; so is a channel that `slack.allow` does not name.
    """
    picks: dict[str, dict[str, frozenset[str]]] = {}
    for route, channel, part in _offers(summary, slack):
        if _is_enough(summary, part, route.minimum):
            _add(picks.setdefault(channel, {}), part)
    picks.pop(slack.channel, None)
    denied = [name for name in picks if slack.allow and not _allows(slack.allow, name)]
    allowed = [name for name in sorted(picks) if name not in denied]
    first = share_of(summary, slack, slack.channel)
    parts = [
        Share(channel=name, summary=summary, picks=picks[name], is_whole=False)
        for name in allowed
    ]
    parts.sort(key=lambda share: -share.count)
    left = [f"Not in slack.allow: {', '.join(sorted(denied))}."] if denied else []
    if rest := parts[MAX_CHANNELS - 1 :]:
        left.append(
            f"No more than {MAX_CHANNELS} channels get a message each night; left out:"
            f" {', '.join(share.channel for share in rest[:10])}"
            f"{' and others' if len(rest) > 10 else ''}."  # noqa: PLR2004
        )
    return Shares((first, *parts[: MAX_CHANNELS - 1]), tuple(left))


def share_of(summary: Summary, slack: Slack, channel: str) -> Share:
    """Give what a channel would get of a night if nothing were too little to post.

    Parameters
    ----------
    summary
        A night, of which the counts are wanted to compare another with.
    """
    if channel == slack.channel:
        whole = {topic.filter: frozenset(topic.classes) for topic in summary.topics}
        return Share(channel=channel, summary=summary, picks=whole, is_whole=True)
    picks: dict[str, frozenset[str]] = {}
    for _, name, part in _offers(summary, slack):
        if name == channel:
            _add(picks, part)
    return Share(channel=channel, summary=summary, picks=picks, is_whole=False)


def _offers(
    summary: Summary, slack: Slack
) -> Iterator[tuple[Route, str, dict[str, frozenset[str]]]]:
    """Yield each route, a channel of it, and what it gives to that channel."""
    for route in slack.routes:
        if route.survey in {None, summary.survey}:
            for channel, part in _parts(summary, route).items():
                yield route, channel, part


def _parts(summary: Summary, route: Route) -> dict[str, dict[str, frozenset[str]]]:
    """Tell what a route gives, by channel."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for topic in summary.topics:
        if not _fits(topic.filter, route.filters):
            continue
        classes = [name for name in topic.classes if _fits(name, route.classes)]
        # Of a filter that the route does not name, only what it kept is news.
        if not (classes or route.filters):
            continue
        for channel, part in _by_channel(summary, route, topic, classes):
            _add(found.setdefault(channel, {}), {topic.filter: frozenset(part)})
    return found


def _by_channel(
    summary: Summary, route: Route, topic: TopicSummary, classes: list[str]
) -> Iterator[tuple[str, list[str]]]:
    name = route.channel.replace("{survey}", summary.survey)
    name = name.replace("{filter}", topic.filter)
    if "{class}" not in name:
        yield name, classes
        return
    for each in classes:
        if is_classified(each):
            yield name.replace("{class}", channel_of(each)), [each]


def _is_enough(
    summary: Summary, part: Mapping[str, frozenset[str]], minimum: int
) -> bool:
    share = Share(channel="", summary=summary, picks=part, is_whole=False)
    return share.count >= minimum or bool(share.failures)


def _add(to: dict[str, frozenset[str]], part: Mapping[str, frozenset[str]]) -> None:
    for name, classes in part.items():
        to[name] = to.get(name, frozenset()) | classes


def _fits(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name is among patterns, of which none at all take any.

    `EB*` is a class of SIMBAD's and a pattern of all that begin with EB.
    """
    given = tuple(patterns)
    return not given or name in given or any(fnmatchcase(name, p) for p in given)


def _allows(allowed: Iterable[str], channel: str) -> bool:
    return channel.removeprefix("#") in {name.removeprefix("#") for name in allowed}


def _narrowed(topic: TopicSummary, classes: frozenset[str]) -> TopicSummary:
    counts = {name: n for name, n in topic.classes.items() if name in classes}
    return replace(topic, classes=counts, delivered=sum(counts.values()))
