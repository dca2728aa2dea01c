"""Alerts of the past, read again without touching anybody's position."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from nightmail._arguments import check_topics, read_config
from nightmail._aside import make_aside
from nightmail._connection import connection
from nightmail._consumer import AlertConsumer
from nightmail._hand import Hand
from nightmail._schemas import Schemas, SchemaSource
from nightmail._span import read_span

__all__ = ["AlertReplay"]

_NOBODY = "nightmail-replay"
"""Name that librdkafka wants, of a group that nobody joins."""

_TO_THE_END = -1.0
"""How long is waited where the caller does not say it: there is an end [s]."""

_GROUPS = ("group.id", "group_id", "groupid")


class AlertReplay(AlertConsumer):
    """Reader of what is on topics now; it ends, and leaves no trace.

    It reads as `AlertConsumer` does, but belongs to no group: no position is read or
    moved, and another replay gives the same alerts again. A loop over it ends, and so
    does a table; `poll` without a timeout gives three times None at the end.

    Parameters
    ----------
    topics
        Names of topics; a name that begins with `^` is a regular expression.
    config, survey, schema, on_bad, bad_folder
        As of `AlertConsumer`; the group is not needed.
    night
        Only alerts of this night, `20260301`: by the message's header, else by the time
        at which it was sent, from noon to noon at the observatory.
    since, until
        First time, and first time that is not wished any more: words as of `start_at`
        of `AlertConsumer`. As nights, both are wished. By default all.

    Raises
    ------
    ConfigError
        A topic is missing, or something is wrong in the arguments.
    BrokerUnavailableError
        Kafka does not answer.

    Examples
    --------
    >>> config = {"bootstrap.servers": "127.0.0.1:9092"}
    >>> topics = ["fink_sn_candidates_ztf"]
    >>> with AlertReplay(topics, config, night="20260301") as replay:  # doctest: +SKIP
    ...     table = replay.to_arrow(["objectId", "candidate.magpsf"])
    """

    def __init__(  # noqa: PLR0913 - all but three by name
        self,
        topics: Sequence[str],
        config: Mapping[str, Any] | None = None,
        survey: str | None = None,
        *,
        night: str | None = None,
        since: str | date | None = None,
        until: str | date | None = None,
        schema: SchemaSource | None = None,
        on_bad: str = "raise",
        bad_folder: str | Path | None = None,
    ) -> None:
        from nightmail._range import RangeFeed  # noqa: PLC0415 - librdkafka

        check_topics(topics)
        settings = read_config(config, survey)
        span = read_span(night, since, until, datetime.now(UTC))
        self.survey = survey
        schemas, aside = Schemas(schema), make_aside(on_bad, bad_folder)
        named = {k: v for k, v in settings.items() if k not in _GROUPS}
        feed = RangeFeed(topics, connection({**named, "group.id": _NOBODY}), span)
        self._hand = Hand(feed, schemas, aside, _TO_THE_END)
