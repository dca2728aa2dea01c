"""`nightmail stats`: the manual's table, and lag in alerts where that is known."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from nightmail import BrokerUnavailableError, ConfigError
from nightmail.commands import offsets as module
from nightmail.commands.offsets import Offsets, Position
from nightmail.commands.stats import statistics_text, stats
from nightmail.nights import Count, Nights, Range, count_lag

CONFIG = {"bootstrap.servers": "h:1", "group.id": "me"}


class _Topic:
    error = None

    def __init__(self, partitions: int) -> None:
        self.partitions = dict.fromkeys(range(partitions))


class _Kafka:
    """Stands in for librdkafka's consumer, which never joins here."""

    def __init__(self) -> None:
        self.topics = {"fink_a_ztf": _Topic(2), "__consumer_offsets": _Topic(1)}
        self.fails: KafkaError | None = None
        self.notes: KafkaError | None = None

    def __call__(self, properties: dict[str, Any]) -> "_Kafka":
        self.properties = properties
        return self

    def list_topics(self, timeout: float) -> "_Kafka":
        assert timeout > 0
        if self.fails:
            raise KafkaException(self.fails)
        return self

    def committed(
        self, asked: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        assert timeout > 0
        known = {0: 5, 1: -1001}
        return [TopicPartition(p.topic, p.partition, known[p.partition]) for p in asked]

    def get_watermark_offsets(
        self, one: TopicPartition, timeout: float
    ) -> tuple[int, int]:
        assert timeout > 0
        return (2, 12) if one.partition == 0 else (0, 0)

    def poll(self, timeout: float) -> None:
        """Tell what was noted: librdkafka does so when it is polled, and only then."""
        assert timeout == 0
        if self.notes:
            self.properties["error_cb"](self.notes)

    def close(self) -> None:
        pass

    def assign(self, places: Sequence[TopicPartition]) -> None:
        assert list(places) == []

    def unassign(self) -> None:
        pass


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> _Kafka:
    """Give a Kafka without network."""
    kafka = _Kafka()
    monkeypatch.setattr(module, "Consumer", kafka)
    return kafka


def test_the_table_is_the_manuals() -> None:
    """Its words and widths; a partition without anything is left out."""
    found = {
        "fink_a_ztf": [
            Position("fink_a_ztf", 0, 0, 0, None, Count(0, is_exact=True)),
            Position("fink_a_ztf", 1, 0, 5, 2, Count(3, is_exact=True)),
            Position("fink_a_ztf", 2, 0, 4, None, Count(4, is_exact=False)),
        ]
    }

    assert statistics_text(found) == (
        "\n"
        "Topic [Partition]                                   Committed        Lag\n"
        "========================================================================\n"
        "fink_a_ztf [1]                                              2          3\n"
        "fink_a_ztf [2]                                              -          4\n"
        "------------------------------------------------------------------------\n"
        "Total for fink_a_ztf                                        2          7\n"
        "------------------------------------------------------------------------\n"
    )


@pytest.mark.usefixtures("kafka")
def test_where_nights_say_nothing_offsets_are_counted() -> None:
    """Which is a bound; a topic that is not there has no partitions."""
    found = Offsets(CONFIG).positions(["fink_a_ztf", "fink_b_ztf"])

    assert found == {
        "fink_a_ztf": [
            Position("fink_a_ztf", 0, 2, 12, 5, Count(7, is_exact=False)),
            Position("fink_a_ztf", 1, 0, 0, None, Count(0, is_exact=True)),
        ],
        "fink_b_ztf": [],
    }


@pytest.mark.usefixtures("kafka")
def test_where_nights_tell_alerts_are_counted() -> None:
    """The end of a night's transaction is no alert."""
    nights = Nights({("fink_a_ztf", 0): [Range(2, 10, 9)]})

    found = Offsets(CONFIG).positions(["fink_a_ztf"], nights)

    assert found["fink_a_ztf"][0].lag == Count(6, is_exact=True)


@pytest.mark.parametrize(
    ("committed", "end", "lag"),
    [(0, 11, "10"), (10, 11, "0"), (11, 11, "0"), (12, 11, "0"), (10, 14, "≤ 3")],
)
def test_behind_a_night_there_is_nothing_to_read(
    committed: int, end: int, lag: str
) -> None:
    """A reader stands on the end of the transaction, which is never given out."""
    assert str(count_lag([Range(0, 9, 10)], committed, end)) == lag


@pytest.mark.usefixtures("kafka")
def test_kafkas_own_topics_are_not_named() -> None:
    """Nor those of other services."""
    assert Offsets(CONFIG).topics() == ["fink_a_ztf"]


@pytest.mark.parametrize(
    ("notes", "error", "reason"),
    [
        (None, BrokerUnavailableError, "Kafka does not answer at h:1"),
        (KafkaError._AUTHENTICATION, ConfigError, "does not let you log in"),
    ],
)
def test_what_is_wrong_is_said(
    kafka: _Kafka,
    monkeypatch: pytest.MonkeyPatch,
    notes: int | None,
    error: type[Exception],
    reason: str,
) -> None:
    """A refused login looks like silence to who asks; librdkafka notes the reason."""
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.05)
    kafka.fails = KafkaError(KafkaError._TRANSPORT)
    kafka.notes = KafkaError(notes) if notes is not None else None

    with pytest.raises(error, match=reason):
        Offsets(CONFIG).topics()


@pytest.mark.usefixtures("kafka")
def test_the_command_prints_a_plain_table() -> None:
    """A bound is marked."""
    line = "fink_a_ztf fink_b_ztf --servers h:1 --group me"

    done = CliRunner().invoke(stats, line.split())

    assert done.stdout == (
        "topic       partition  committed                     lag\n"
        "fink_a_ztf        all          5                     ≤ 7\n"
        "                    0          5                     ≤ 7\n"
        "fink_b_ztf          -          -  there is no such topic\n"
    )


@pytest.mark.usefixtures("kafka")
def test_json_tells_whether_it_is_exact() -> None:
    """For scripts, with all partitions."""
    line = "fink_a_ztf --servers h:1 --group me --json"

    done = CliRunner().invoke(stats, line.split())

    [topic] = json.loads(done.stdout)
    assert (topic["lag"], topic["exact"], len(topic["partitions"])) == (7, False, 2)
