"""A night's walk on a real broker: sent, remembered, archived, and not twice."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from archive.views import open_archive
from cluster.access import KafkaAccess
from cluster.topics import ensure_topics
from nightmail import AlertConsumer, Filter, alert_filter
from settings.model import Settings
from settings.names import PUBLISHER

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]


class Died(BaseException):
    """Stands for a kill at a point of the walk."""


def bright(candidate_magpsf: pd.Series) -> pd.Series:
    """Bright alerts."""
    return candidate_magpsf < 18


def faint(candidate_magpsf: pd.Series) -> pd.Series:
    """Faint alerts."""
    return candidate_magpsf > 18


def _filter(
    function: Callable[..., Any], version: str = "1", name: str | None = None
) -> Filter:
    function.__name__ = name or function.__name__
    made = alert_filter(owner="someone@example.org")(function)
    return Filter(**(vars(made) | {"survey": "ztf", "version": version}))


BRIGHT, FAINT = _filter(bright), _filter(faint)


def _matches(settings: Settings) -> Counter[tuple[str, int]]:
    connection = open_archive(settings.archive_root(), "ztf")
    rows = connection.execute("select filter, id from matches").fetchall()
    return Counter(rows)


def _archived(settings: Settings) -> Counter[int]:
    connection = open_archive(settings.archive_root(), "ztf")
    return Counter(
        i for (i,) in connection.execute("select candid from alerts").fetchall()
    )


def _agree(settings: Settings, walked: Any, read_topics: Any) -> None:
    """Topics, ledger and archive have the same alerts, each once."""
    topics = read_topics([t.topic for t in walked.summary.topics])
    on_topics = Counter(
        (t.filter, i) for t in walked.summary.topics for i in topics[t.topic]
    )
    assert on_topics == _matches(settings)
    assert set(on_topics.values()) <= {1}
    assert _archived(settings) == Counter({i for _, i in on_topics})
    assert {f: sum(1 for n, _ in on_topics if n == f) for f in walked.delivered} == (
        walked.delivered
    )


@pytest.fixture
def read_topics(access: KafkaAccess) -> Callable[[list[str]], dict[str, list[int]]]:
    """Ids on topics, read by an anonymous reader that shares no code with us."""

    def read(topics: list[str]) -> dict[str, list[int]]:
        consumer = Consumer(
            {
                "bootstrap.servers": access.public_servers,
                "group.id": "some-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        known = consumer.list_topics(timeout=10).topics
        parts = [TopicPartition(t, p, 0) for t in topics for p in known[t].partitions]
        consumer.assign(parts)
        found: dict[str, list[int]] = {topic: [] for topic in topics}
        ends = 0
        while ends < len(parts):
            message: Any = consumer.poll(20)
            if message.error():
                ends += 1
            else:
                found[message.topic()].append(int(dict(message.headers())["id"]))
        consumer.close()
        return found

    return read


def test_a_night_is_delivered_once(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """The second run of a night finds nothing to do."""
    simulated_night()

    first = walk(filters=[BRIGHT, FAINT])
    second = walk(filters=[BRIGHT, FAINT])

    assert first.summary.status == "complete"
    assert sum(first.delivered.values()) == first.summary.alerts
    assert second.plan.work == {}
    assert second.summary == first.summary
    _agree(settings, second, read_topics)


@pytest.mark.parametrize(
    "point",
    ["owned", "repaired", "selected", "archived", "begin", "produce", "before commit"],
)
def test_a_run_that_died_leaves_nothing_wrong(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any, point: str
) -> None:
    """Dead before the commit, then a filter edited, then run again: all agree."""
    simulated_night()

    def die(where: str) -> None:
        if where == point:
            raise Died

    with pytest.raises(Died):
        walk(filters=[BRIGHT, FAINT], at=die)
    edited = _filter(bright, version="2")
    walked = walk(filters=[edited, FAINT])

    assert walked.summary.status == "complete"
    _agree(settings, walked, read_topics)


def test_dead_after_the_commit_is_repaired(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """A slice that was committed and not yet shown is shown by the next owner."""
    simulated_night(rows_per_file=300)

    def die(where: str) -> None:
        if where == "after commit":
            raise Died

    with pytest.raises(Died):
        walk(filters=[BRIGHT, FAINT], at=die)
    assert _matches(settings) == Counter()
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    _agree(settings, walked, read_topics)


def test_a_late_file_sends_only_itself(
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    read_topics: Any,
    tmp_path: Path,
) -> None:
    """A file that arrives later is the only work of the next run."""
    folder = simulated_night()
    late = folder / "part-00002.parquet"
    shutil.move(late, tmp_path / "late")
    walk(filters=[BRIGHT, FAINT])
    shutil.move(tmp_path / "late", late)

    walked = walk(filters=[BRIGHT, FAINT])

    assert [w.unit.name for ws in walked.plan.work.values() for w in ws] == [late.name]
    _agree(settings, walked, read_topics)


def test_a_new_filter_sends_only_its_topic(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """Alerts that the archive has are not written there again."""
    simulated_night()
    walk(filters=[BRIGHT])
    everything = _filter(lambda candidate_magpsf: candidate_magpsf > 0, name="anything")

    walked = walk(filters=[BRIGHT, everything])

    assert walked.delivered["anything"] == walked.summary.alerts
    _agree(settings, walked, read_topics)


def test_a_file_of_another_content_is_refused(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """A file replaced under its old name is named, and nothing of it is sent."""
    folder = simulated_night()
    walk(filters=[BRIGHT, FAINT])
    path = folder / "part-00000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert "part-00000.parquet" in walked.summary.failures[0]
    _agree(settings, walked, read_topics)


def test_an_id_that_stands_twice_is_sent_once(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """In one file or in two, the first keeps it; how many were left out is counted."""
    folder = simulated_night()
    table = pq.read_table(folder / "part-00000.parquet")
    pq.write_table(pa.concat_tables([table, table]), folder / "part-00000.parquet")
    shutil.copy(folder / "part-00001.parquet", folder / "part-00009.parquet")

    walked = walk(filters=[BRIGHT, FAINT])

    assert sum(r.duplicates for r in walked.reports) == 200
    assert sum(walked.delivered.values()) == 300
    _agree(settings, walked, read_topics)


def test_a_filter_that_raises_fails_alone(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """The others are delivered; it is not tried again until it changes."""
    simulated_night()
    calls = []

    def picky(candidate_magpsf: pd.Series) -> pd.Series:
        """Raise on one row."""
        calls.append(len(candidate_magpsf))
        if (candidate_magpsf > 0).sum() > 1:
            raise ValueError("one row is odd")
        return candidate_magpsf > 0

    walked = walk(filters=[BRIGHT, _filter(picky)])
    assert walked.summary.status == "failed"
    assert set(walked.failures) == {"picky"}
    assert "ValueError: one row is odd" in walked.failures["picky"][0]
    tried = len(calls)

    again = walk(filters=[BRIGHT, _filter(picky)])
    assert again.plan.work == {}
    assert again.summary.status == "failed"
    assert len(calls) == tried

    mended = _filter(
        lambda candidate_magpsf: candidate_magpsf > 17, version="2", name="picky"
    )
    healed = walk(filters=[BRIGHT, mended])
    assert healed.summary.status == "complete"
    _agree(settings, healed, read_topics)


def test_a_column_that_no_file_has_fails_its_filter(
    simulated_night: Night, walk: Any
) -> None:
    """The failure names the column, and the next run does not try again."""
    simulated_night()
    hopeful = _filter(lambda candidate_magpfs: candidate_magpfs > 0, name="hopeful")

    walked = walk(filters=[BRIGHT, hopeful])

    assert walked.delivered["bright"] > 0
    assert "candidate_magpsf" in walked.failures["hopeful"][0]
    assert walk(filters=[BRIGHT, hopeful]).plan.work == {}


def test_a_column_that_only_newer_files_have_is_null_in_older_ones(
    real_night: Callable[[str, str], Path], walk: Any
) -> None:
    """`anomaly_score` came with schema 4.02; a night with both schemas is complete."""
    real_night("ztf", "20260301")
    odd = _filter(lambda anomaly_score: anomaly_score < 1, name="odd")

    walked = walk(filters=[odd])

    assert walked.summary.status == "complete"
    assert 0 < walked.delivered["odd"] <= 9


def test_a_corrupt_file_is_named_and_the_rest_goes_on(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """The night ends failed, with every alert of the other files delivered."""
    folder = simulated_night()
    (folder / "part-00001.parquet").write_bytes(b"PAR1 cut short")

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert "part-00001.parquet" in walked.summary.failures[0]
    assert sum(walked.delivered.values()) == 200
    _agree(settings, walked, read_topics)


def test_an_empty_night_has_a_summary_of_zero(
    simulated_night: Night, walk: Any
) -> None:
    """Files without alerts are no error."""
    simulated_night(alerts=0)

    walked = walk(filters=[BRIGHT])

    assert walked.summary.status == "empty"
    assert walked.delivered == {"bright": 0}


def test_one_topic_that_refuses_does_not_stop_the_others(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Night,
    walk: Any,
    read_topics: Any,
) -> None:
    """The refusing topic is named; mended, it is all that the next run does."""
    simulated_night()
    admin = AdminClient(dict(access.admin))
    topic = f"{settings.topics.prefix}faint_ztf"

    def allow(size: int) -> None:
        entry = ConfigEntry(
            "max.message.bytes",
            str(size),
            incremental_operation=AlterConfigOpType.SET,
        )
        resource = ConfigResource(
            ResourceType.TOPIC, topic, incremental_configs=[entry]
        )
        for future in admin.incremental_alter_configs([resource]).values():
            future.result()

    simulated = walk(filters=[BRIGHT])
    ensure_topics(access, settings, [topic])
    allow(1000)
    walked = walk(filters=[BRIGHT, FAINT])
    assert walked.summary.status == "failed"
    assert topic in " ".join(walked.summary.failures)
    assert walked.delivered["bright"] == simulated.delivered["bright"]
    assert walked.delivered["faint"] == 0

    allow(4_194_304)
    mended = walk(filters=[BRIGHT, FAINT])
    assert {n for ws in mended.plan.work.values() for w in ws for n in w.filters} == {
        "faint"
    }
    assert mended.summary.status == "complete"
    _agree(settings, mended, read_topics)


def test_the_nights_record_is_read_as_any_alert(
    settings: Settings, access: KafkaAccess, simulated_night: Night, walk: Any
) -> None:
    """The record decodes by its key, and is written only when it changed."""
    simulated_night()
    walked = walk(filters=[BRIGHT])
    walk(filters=[BRIGHT])

    topic = f"{settings.topics.prefix}nights_ztf"
    config = {"servers": access.public_servers, "group_id": "nights"}
    with AlertConsumer([topic], config) as consumer:
        _, record, key = consumer.poll(10)
        assert consumer.poll(2) == (None, None, None)
    assert json.loads(key or "")["name"].endswith("Night")
    assert record is not None
    assert (record["night"], record["kept"]) == ("20260301", walked.summary.kept)
    assert record["topics"][0]["delivered"] == walked.delivered["bright"]


def test_an_alert_that_cannot_be_sent_is_set_aside(
    settings: Settings, walk: Any, read_topics: Any
) -> None:
    """Too large, or a map with one key twice: counted, the others are delivered."""
    rows = [
        {
            "candid": number,
            "candidate": {"magpsf": 15.0},
            "stats": [("m0", 1.0), ("m0" if number == 3 else "m1", 2.0)],
            "stamp": b"x" * (4_100_000 if number == 4 else 10),
        }
        for number in range(1, 7)
    ]
    schema = pa.schema(
        [
            ("candid", pa.int64()),
            ("candidate", pa.struct([("magpsf", pa.float64())])),
            ("stats", pa.map_(pa.string(), pa.float64())),
            ("stamp", pa.binary()),
        ]
    )
    folder = settings.store_root("ztf") / "science" / "20260301"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "a.parquet")

    walked = walk(filters=[BRIGHT])

    assert walked.summary.status == "failed"
    assert walked.failures["bright"][0].startswith("2 alerts")
    (topic,) = walked.summary.topics
    assert (topic.kept, topic.set_aside, topic.delivered) == (6, 2, 4)
    assert set(_archived(settings)) == {1, 2, 5, 6}
    _agree(settings, walked, read_topics)


def test_a_store_that_was_merged_sends_nothing(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """Files are no identity: the same alerts in another file are not sent again."""
    folder = simulated_night()
    first = walk(filters=[BRIGHT, FAINT])
    merged = pa.concat_tables(pq.read_table(f) for f in sorted(folder.glob("part-*")))
    for file in folder.glob("part-*"):
        file.unlink()
    pq.write_table(merged, folder / "merged.parquet")

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    assert walked.delivered == first.delivered
    _agree(settings, walked, read_topics)


def test_an_id_in_two_files_of_which_one_was_not_sent(
    settings: Settings, simulated_night: Night, walk: Any, read_topics: Any
) -> None:
    """Whichever file is sent first, no alert is left to the other for ever."""
    folder = simulated_night(alerts=200)
    shutil.copy(folder / "part-00000.parquet", folder / "part-00009.parquet")
    shards: list[str] = []

    def die_after_the_first(where: str) -> None:
        shards.extend([where] * (where == "owned"))
        if len(shards) > 1:
            raise Died

    for _ in range(3):
        shards.clear()
        try:
            walked = walk(filters=[BRIGHT, FAINT], at=die_after_the_first)
        except Died:
            continue
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    assert sum(walked.delivered.values()) == 200
    _agree(settings, walked, read_topics)


def test_a_denied_topic_does_not_stop_the_others(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Night,
    walk: Any,
    read_topics: Any,
) -> None:
    """A topic that the publisher may not write is found, though no report names it."""
    simulated_night(alerts=60, rows_per_file=60)
    topics = [f"{settings.topics.prefix}{n}_ztf" for n in ("bright", "faint")]
    ensure_topics(access, settings, topics)
    admin = AdminClient(dict(access.admin))
    denied = AclBinding(
        ResourceType.TOPIC,
        topics[1],
        ResourcePatternType.LITERAL,
        f"User:{PUBLISHER}",
        "*",
        AclOperation.WRITE,
        AclPermissionType.DENY,
    )
    for future in admin.create_acls([denied]).values():
        future.result()

    walked = walk(filters=[BRIGHT, FAINT])
    assert walked.summary.status == "failed"
    assert topics[1] in " ".join(walked.summary.failures)
    assert walked.delivered["faint"] == 0 < walked.delivered["bright"]

    for future in admin.delete_acls([_as_filter(denied)]).values():
        future.result()
    mended = walk(filters=[BRIGHT, FAINT])
    assert mended.summary.status == "complete"
    _agree(settings, mended, read_topics)


def _as_filter(binding: AclBinding) -> AclBindingFilter:
    """Make what finds exactly this right."""
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )
