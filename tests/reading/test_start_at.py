"""A group is put to another place once per start, and replays move nobody."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from nightmail import AlertConsumer, AlertReplay, ConfigError
from tests.reading.conftest import MakeTopic, Topic, candids

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

NOW = datetime.now(UTC)


def ago_ms(hours: float) -> int:
    """Give a time of some hours ago [ms since 1970]."""
    return int((NOW - timedelta(hours=hours)).timestamp() * 1000)


def drain(consumer: AlertConsumer, timeout: float = 8) -> list[int]:
    """Read all that comes."""
    return candids(consumer.consume(100, timeout))


@pytest.mark.parametrize(
    ("start_at", "expected"),
    [("earliest", [1, 2, 3]), ("latest", []), ("-2h", [2, 3]), (None, [3])],
)
def test_a_group_starts_where_it_is_told(
    topic: Topic, start_at: str | None, expected: list[int]
) -> None:
    """Wherever it was before."""
    topic.send_alerts(1, timestamp_ms=ago_ms(3))
    topic.send_alerts(2, timestamp_ms=ago_ms(1))
    with AlertConsumer([topic.name], topic.config) as consumer:
        consumer.consume(2, timeout=20)
    topic.send_alerts(3)

    with AlertConsumer([topic.name], topic.config, start_at=start_at) as consumer:
        found = drain(consumer)

    assert found == expected
    assert topic.committed() == [3]


def test_a_group_starts_at_a_night(topic: Topic) -> None:
    """By the headers: what belongs to an earlier night is passed, at the start only."""
    for candid, night in enumerate(("20260301", "20260302", "20260303", "20260301")):
        topic.send_alerts(candid, night=night)

    with AlertConsumer([topic.name], topic.config, start_at="20260302") as consumer:
        found = drain(consumer)

    assert found == [1, 2, 3]


def test_the_start_holds_once_whoever_joins(make_topic: MakeTopic) -> None:
    """A second member takes half the partitions over, and nothing is read twice."""
    topic = make_topic(partitions=2)
    for partition in (0, 1):
        topic.send_alerts(
            *range(partition * 10, partition * 10 + 5), partition=partition
        )
    found: list[int] = []

    with AlertConsumer([topic.name], topic.config, start_at="earliest") as first:
        found += candids(first.consume(10, timeout=20))
        first.commit()
        with AlertConsumer([topic.name], topic.config) as second:
            end = time.monotonic() + 12
            while time.monotonic() < end:
                found += candids(first.consume(1, 0.2))
                found += candids(second.consume(1, 0.2))

    assert sorted(found) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


def test_a_start_holds_although_nothing_was_read(topic: Topic) -> None:
    """The next reader of the group begins there."""
    topic.send_alerts(1, 2)

    with AlertConsumer([topic.name], topic.config, start_at="latest") as consumer:
        nothing = consumer.poll(8)
    topic.send_alerts(3)
    with AlertConsumer([topic.name], topic.config) as consumer:
        found = drain(consumer)

    assert (nothing, found) == ((None, None, None), [3])


def test_a_replay_gives_all_and_ends(make_topic: MakeTopic) -> None:
    """Of every partition; the position of the group stays."""
    topic = make_topic(partitions=2)
    topic.send_alerts(1, 2)
    topic.send_alerts(3, partition=1)
    with AlertConsumer([topic.name], topic.config) as consumer:
        consumer.consume(3, timeout=20)
    before = topic.committed(2)

    with AlertReplay([topic.name], topic.config) as replay:
        first = sorted(candids(list(replay)))
    with AlertReplay([topic.name], topic.config) as replay:
        table = replay.to_arrow(["candid"])

    assert first == [1, 2, 3]
    assert sorted(table.to_pydict()["candid"]) == [1, 2, 3]
    assert topic.committed(2) == before == [2, 1]


def test_a_replay_of_one_night_has_that_night_only(topic: Topic) -> None:
    """By the headers, also of what was sent late."""
    for candid, night in enumerate(("20260301", "20260302", "20260303", "20260302")):
        topic.send_alerts(candid, night=night)

    with AlertReplay([topic.name], topic.config, night="20260302") as replay:
        found = candids(list(replay))

    assert found == [1, 3]


def test_a_replay_of_a_night_without_headers_goes_by_time(topic: Topic) -> None:
    """From noon to noon at the observatory."""
    noon = datetime(2026, 3, 2, 20, tzinfo=UTC)
    for candid, hours in enumerate((-25, -23, -1, 1)):
        moment = int((noon + timedelta(hours=hours)).timestamp() * 1000)
        topic.send_alerts(candid, timestamp_ms=moment)

    with AlertReplay([topic.name], topic.config, night="20260302") as replay:
        found = candids(list(replay))

    assert found == [1, 2]


def test_a_replay_goes_from_time_to_time(topic: Topic) -> None:
    """The first belongs to it, the last does not."""
    for candid, hours in enumerate((5, 3, 1)):
        topic.send_alerts(candid, timestamp_ms=ago_ms(hours))

    with AlertReplay([topic.name], topic.config, since="-4h", until="-2h") as replay:
        found = candids(list(replay))

    assert found == [1]


def test_a_replay_needs_no_group(topic: Topic) -> None:
    """The servers are enough."""
    topic.send_alerts(1)
    config = {"bootstrap.servers": topic.access.public_servers}

    with AlertReplay([topic.name], config) as replay:
        found = candids(list(replay))

    assert found == [1]


def test_a_replay_of_a_topic_that_is_not_there_is_refused(topic: Topic) -> None:
    """It would wait for ever."""
    with pytest.raises(ConfigError, match="There is no topic fink_gone_ztf at "):
        AlertReplay(["fink_gone_ztf"], topic.config)
