"""Verify and repair on a real broker: what disagrees is found, and told by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

import tasks.owned_rows
from archive.slices import NightFolder
from archive.summary import read_summary
from cluster.access import KafkaAccess
from filters import Catalogue
from flows.ending import Ending
from flows.verify import repair, verify
from ledger.row import LedgerKey
from nightmail import RetryableError
from settings.errors import NewerRunError, NothingThereError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, stable_hash, transactional_id
from tasks.verification import Verification
from tests.tasks.conftest import BRIGHT, FAINT, bright, make_filter

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

NIGHT = "20260301"
FILTERS = [BRIGHT, FAINT]
DONE = Ending(0, NIGHT, summarised=True)

Night = Callable[..., Path]
Check = Callable[..., Verification]


class Died(BaseException):
    """Stands for a kill at a point of the walk."""


@pytest.fixture
def check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Verify or, told how to complete it, repair the night, with two filters."""
    made = {f.name: f for f in FILTERS}

    catalogue = Catalogue(made, {})
    monkeypatch.setattr("tasks.find_night.load_catalogue", lambda _: catalogue)

    def run(**options: Any) -> Verification:
        does = repair if options else verify
        return does(settings, survey="ztf", night=NIGHT, **options)

    return run


@pytest.fixture
def admin(access: KafkaAccess) -> AdminClient:
    return AdminClient(dict(access.admin))


@pytest.fixture
def topic(settings: Settings) -> str:
    """Name the topic of FAINT."""
    return f"{settings.topics.prefix}faint_ztf"


def _kinds(found: Verification) -> set[tuple[str, str, str]]:
    return {(p.kind, p.topic, p.file) for p in found.problems}


def _wait(futures: Any) -> None:
    for future in futures.values():
        future.result()


def test_a_whole_night_agrees(simulated_night: Night, walk: Any, check: Check) -> None:
    """Every file and topic has the same alerts in ledger, archive and topic."""
    simulated_night(alerts=60, rows_per_file=30)
    walked = walk(filters=FILTERS)

    found = check()

    assert (found.problems, found.notes) == ((), ())
    assert {(f.file, f.topic) for f in found.files} == {
        (unit.name, t.topic)
        for unit in walked.plan.units
        for t in walked.summary.topics
    }
    assert all(f.ledger == f.archive == f.on_topic for f in found.files)
    assert sum(f.ledger for f in found.files) == 60


def test_several_generations_agree(
    simulated_night: Night, walk: Any, check: Check
) -> None:
    """Each generation is compared with its own matches."""
    simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    walk(filters=[FAINT], generation=1)
    brighter = make_filter(
        lambda candidate_magpsf: candidate_magpsf < 17, version="2", name="bright"
    )
    walk(filters=[brighter], generation=1)

    found = check()

    assert found.problems == ()
    assert {f.generation for f in found.files} == {1}


def test_nothing_is_known_of_a_night(
    simulated_night: Night, walk: Any, check: Check
) -> None:
    """A night that nobody has is no night that agrees."""
    simulated_night(night="20260302", alerts=10)
    walk(night="20260302", filters=FILTERS)

    with pytest.raises(NothingThereError, match="Neither store nor ledger"):
        check()


def test_a_topic_that_was_lost_is_filled_again(  # noqa: PLR0913, PLR0917
    simulated_night: Night,
    walk: Any,
    check: Check,
    agree: Any,
    admin: AdminClient,
    topic: str,
) -> None:
    """Exactly what it lacks, though filter and store have changed since."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    first = walk(filters=FILTERS)
    _wait(admin.delete_topics([topic]))
    (folder / "part-00001.parquet").unlink()

    lost = check()
    repaired = check(complete=lambda: pytest.fail("All files were sent."))
    again = check(complete=lambda: pytest.fail("All files were sent."))

    assert {(p.kind, p.topic) for p in lost.problems} == {("lost", topic)}
    assert sum(len(p.ids) for p in lost.problems) == first.delivered["faint"]
    assert repaired.problems == again.problems == ()
    assert repaired.notes == ("The store does not have 1 of the files that were sent.",)
    walked = walk(filters=FILTERS)
    assert walked.delivered == first.delivered
    agree(walked)


def test_expired_records_are_told_and_the_rest_is_checked(
    simulated_night: Night, walk: Any, check: Check, admin: AdminClient, topic: str
) -> None:
    """What Kafka removed for its age is no disagreement, and is not sent again."""
    simulated_night(alerts=60, rows_per_file=30)
    walked = walk(filters=FILTERS)
    (sent,) = (t for t in walked.summary.topics if t.topic == topic)
    ends = [
        TopicPartition(topic, p.partition, p.last_offset + 1) for p in sent.partitions
    ]
    _wait(admin.delete_records(ends[:1]))
    some = check()
    _wait(admin.delete_records(ends))

    every = check(complete=lambda: pytest.fail("All files were sent."))

    assert some.problems == every.problems == ()
    assert sum(f.expired for f in some.files) == sent.partitions[0].count
    assert sum(f.expired for f in every.files) == sent.delivered
    assert "removed by Kafka for their age" in every.notes[0]


def test_a_doubled_alert_is_found(
    simulated_night: Night, walk: Any, check: Check, access: KafkaAccess, topic: str
) -> None:
    """Once more what is there, and one that nobody knows."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    rows = pq.read_table(folder / "part-00000.parquet").to_pylist()
    known = next(row["candid"] for row in rows if row["candidate"]["magpsf"] > 18)
    producer = Producer(dict(access.publisher))
    for one in (known, 4711):
        headers = [("night", NIGHT), ("id", str(one)), ("generation", "0")]
        producer.produce(topic, b"", headers=list[Any](headers))
    producer.flush(30)

    found = check()

    assert {(p.kind, p.topic, p.ids) for p in found.problems} == {
        ("doubled", topic, (known,)),
        ("unknown", topic, (4711,)),
    }


@pytest.mark.parametrize("kind", ["matches", "alerts"])
def test_a_slice_that_was_lost_is_archived_again(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    agree: Any,
    topic: str,
    kind: str,
) -> None:
    """The archive lacks it, the topics have it: it comes from the store, unsent."""
    simulated_night(alerts=60, rows_per_file=30)
    first = walk(filters=FILTERS)
    archive = NightFolder(settings.archive_root(), "ztf", NIGHT, settings.topics.prefix)
    name = min(archive.visible())
    lost = archive.folder("matches") / f"{name}.parquet"
    file = str(pq.ParquetFile(lost).read().column("file")[0].as_py())
    (archive.folder(kind) / f"{name}.parquet").unlink()

    found = check()
    repaired = check(complete=lambda: pytest.fail("All files were sent."))

    kinds = _kinds(found)
    assert ("archive", "", "") in kinds
    assert (("unarchived", topic, file) in kinds) == (kind == "matches")
    assert repaired.problems == ()
    walked = walk(filters=FILTERS)
    assert walked.plan.work == {}
    assert walked.summary == first.summary
    agree(walked)


def test_a_repair_that_was_killed_is_settled(
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A slice of a repair is shown by the next run, as the ledger names it."""
    simulated_night(alerts=30, rows_per_file=30)
    walk(filters=FILTERS)
    archive = NightFolder(settings.archive_root(), "ztf", NIGHT, settings.topics.prefix)
    for kind in ("matches", "alerts"):
        next(archive.folder(kind).iterdir()).unlink()

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(NightFolder, "publish", die)
        with pytest.raises(Died):
            check(complete=lambda: None)
    assert archive.visible() == set()
    walk(filters=FILTERS)

    assert check().problems == ()


def test_a_repair_leaves_a_run_alone(  # noqa: PLR0913, PLR0917
    simulated_night: Night,
    walk: Any,
    check: Check,
    admin: AdminClient,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a run has sent since the evidence was gathered is not sent once more."""
    simulated_night(alerts=30, rows_per_file=30)
    walk(filters=FILTERS)
    _wait(admin.delete_topics([topic]))
    take = tasks.owned_rows.OwnedRows.take

    def meanwhile(owned: Any) -> Any:
        walk(filters=FILTERS, generation=1)
        return take(owned)

    monkeypatch.setattr(tasks.owned_rows.OwnedRows, "take", meanwhile)
    with pytest.raises(NewerRunError, match="A run has worked on"):
        check(complete=lambda: None)


def test_a_row_that_the_ledger_lost_is_found(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    access: KafkaAccess,
    topic: str,
) -> None:
    """The archive and the topic have a file that the ledger does not know."""
    simulated_night(alerts=30, rows_per_file=30)
    walked = walk(filters=FILTERS)
    file = "part-00000.parquet"
    producer = Producer(dict(access.publisher))
    key = LedgerKey(settings.topics.prefix, "ztf", NIGHT, file, topic).encode()
    producer.produce(LEDGER_TOPIC, None, key, stable_hash(file, walked.plan.shards))
    producer.flush(30)

    kinds = _kinds(check())

    assert kinds == {("unarchived", topic, file), ("unsent", "", file)}


def test_a_kafka_that_was_lost_is_filled_by_a_new_generation(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    access: KafkaAccess,
    admin: AdminClient,
) -> None:
    """Topics and ledger are gone, the archive is not: all is sent when asked for."""
    simulated_night(alerts=60, rows_per_file=30)
    first = walk(filters=FILTERS)
    _wait(admin.delete_topics([t.topic for t in first.summary.topics]))
    producer = Producer(dict(access.publisher))
    for unit in first.plan.units:
        for t in first.summary.topics:
            key = LedgerKey(settings.topics.prefix, "ztf", NIGHT, unit.name, t.topic)
            shard = stable_hash(unit.name, first.plan.shards)
            producer.produce(LEDGER_TOPIC, None, key.encode(), shard)
    producer.flush(30)

    walked = walk(filters=FILTERS, generation=1)
    found = check()

    assert walked.delivered == first.delivered
    assert walked.summary.status == "complete"
    assert found.problems == ()
    assert found.notes == (
        "60 records of replaced generations are not there any more.",
    )


def test_a_late_file_and_a_pending_slice_are_found(
    simulated_night: Night, walk: Any, check: Check, tmp_path: Path
) -> None:
    """Both are the next run's to do, and `repair` runs it."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    late = folder / "part-00001.parquet"
    late.rename(tmp_path / "late")

    def die(where: str) -> None:
        if where == "after commit":
            raise Died

    with pytest.raises(Died):
        walk(filters=FILTERS, at=die)
    (tmp_path / "late").rename(late)

    found = check()
    repaired = check(complete=lambda: walk(filters=FILTERS) and DONE)

    kinds = {kind for kind, *_ in _kinds(found)}
    assert {"unsent", "unarchived", "archive"} <= kinds
    assert repaired.problems == ()


def test_an_open_transaction_is_told(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    access: KafkaAccess,
    topic: str,
) -> None:
    """What stands behind it cannot be seen, so the night is not called whole."""
    simulated_night(alerts=30, rows_per_file=30)
    walk(filters=FILTERS)
    name = transactional_id(settings.topics.prefix, "ztf", "20260302", 0)
    producer = Producer(dict(access.publisher) | {"transactional.id": name})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"", partition=0)
    producer.flush(30)

    found = check()
    producer.abort_transaction(30)
    after = check()

    assert {(p.kind, p.topic) for p in found.problems} == {("hidden", topic)}
    assert after.problems == ()


def test_a_merged_store_agrees_after_its_run(
    simulated_night: Night, walk: Any, check: Check
) -> None:
    """The same alerts in another file: first to be looked at, then the same again."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    merged = pa.concat_tables(pq.read_table(f) for f in sorted(folder.glob("part-*")))
    for file in folder.glob("part-*"):
        file.unlink()
    pq.write_table(merged, folder / "merged.parquet")

    before = check()
    walk(filters=FILTERS)
    after = check()

    assert _kinds(before) == {("unsent", "", "merged.parquet")}
    assert after.problems == ()


def test_what_was_set_aside_agrees(settings: Settings, walk: Any, check: Check) -> None:
    """It is told, and compared with the archive's own list."""
    rows = [
        {"candid": n, "candidate": {"magpsf": 15.0}, "stats": [("a", n), ("a", n)]}
        for n in (1, 2)
    ]
    schema = pa.schema(
        [
            ("candid", pa.int64()),
            ("candidate", pa.struct([("magpsf", pa.float64())])),
            ("stats", pa.map_(pa.string(), pa.int64())),
        ]
    )
    folder = settings.store_root("ztf") / "science" / NIGHT
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "a.parquet")
    walk(filters=[make_filter(bright), FAINT])

    found = check()
    archive = NightFolder(settings.archive_root(), "ztf", NIGHT, settings.topics.prefix)
    next(archive.folder("set_aside").iterdir()).unlink()
    without = check()

    assert found.problems == ()
    assert "2 alerts were kept and cannot be sent" in found.notes[0]
    assert {p.kind for p in without.problems} == {"archive"}


@pytest.mark.parametrize("kind", ["matches", "alerts"])
def test_the_archive_is_repaired_before_the_night_is_completed(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    agree: Any,
    kind: str,
) -> None:
    """Else a run would send once more what it cannot see was sent."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    archive = NightFolder(settings.archive_root(), "ztf", NIGHT, settings.topics.prefix)
    next(archive.folder(kind).iterdir()).unlink()
    same = pa.concat_tables(pq.read_table(f) for f in sorted(folder.glob("part-*")))
    pq.write_table(same, folder / "same.parquet")

    repaired = check(complete=lambda: walk(filters=FILTERS) and DONE)

    assert repaired.problems == ()
    agree(walk(filters=FILTERS))


def test_a_repair_ends_as_the_nights_run(
    simulated_night: Night,
    walk: Any,
    check: Check,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another run or nothing reachable stops it; what else failed is told."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    late = folder / "part-00001.parquet"
    late.rename(tmp_path / "late")
    walk(filters=FILTERS)
    (tmp_path / "late").rename(late)

    with pytest.raises(NewerRunError, match=r"not repaired: Somebody is at work\."):
        check(complete=lambda: Ending(4, NIGHT, ("Somebody is at work.",)))
    with pytest.raises(RetryableError, match=r"later: Kafka is away\."):
        check(complete=lambda: Ending(5, NIGHT, ("Kafka is away.",), unreachable=True))
    found = check(complete=lambda: Ending(1, NIGHT, ("It raised.",)))

    assert {p.kind for p in found.problems} == {"unsent"}
    assert "It raised." in caplog.text


def test_a_new_generation_is_repaired_with_its_own_bytes(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    access: KafkaAccess,
    admin: AdminClient,
    topic: str,
) -> None:
    """The archive has the content of the file that was replaced; the store the other.

    And the summary says where the alerts stand now.
    """
    folder = simulated_night(alerts=30, rows_per_file=30)
    first = walk(filters=FILTERS)
    _replace(folder / "part-00000.parquet")
    older = _values(access, topic)
    walk(filters=FILTERS, generation=1)
    newer = _values(access, topic)
    _wait(admin.delete_topics([topic]))

    repaired = check(complete=lambda: pytest.fail("All files were sent."))

    assert repaired.problems == ()
    assert _values(access, topic) == newer
    assert newer.keys() == older.keys()
    assert not set(newer.values()) & set(older.values())
    summary = read_summary(settings.archive_root(), "ztf", NIGHT)
    assert summary is not None
    (now,) = (t for t in summary.topics if t.topic == topic)
    (before,) = (t for t in first.summary.topics if t.topic == topic)
    assert [(p.first_offset, p.count) for p in now.partitions] == [
        (0, p.count) for p in before.partitions
    ]


def _replace(file: Path) -> None:
    """Write other magnitudes, on the same side of what the filters ask."""
    table = pq.read_table(file)
    rows = table.to_pylist()
    for row in rows:
        bright = row["candidate"]["magpsf"] < 18
        row["candidate"]["magpsf"] += -0.01 if bright else 0.01
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)


def _values(access: KafkaAccess, topic: str) -> dict[bytes, bytes]:
    """Read the last value of each id."""
    config = {"bootstrap.servers": access.public_servers, "group.id": "some-reader"}
    consumer = Consumer(config | {"enable.partition.eof": True})
    numbers = consumer.list_topics(timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    found, ends = {}, 0
    while ends < len(numbers):
        message: Any = consumer.poll(20)
        if message.error():
            ends += 1
            continue
        found[dict(message.headers())["id"]] = message.value()
    consumer.close()
    return found


def test_a_file_of_a_generation_that_was_not_completed_is_repaired(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    admin: AdminClient,
    tmp_path: Path,
) -> None:
    """The ledger has a row of it that a later generation replaces: no run's work."""
    folder = simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    away = folder / "part-00001.parquet"
    away.rename(tmp_path / "away")
    walk(filters=[FAINT], generation=1)
    (tmp_path / "away").rename(away)
    _wait(admin.delete_topics([f"{settings.topics.prefix}bright_ztf"]))

    repaired = check(complete=lambda: Ending(1, NIGHT, ("It did nothing.",)))

    assert _kinds(repaired) == {("unsent", "", "part-00001.parquet")}


def test_a_repair_settles_what_waits_to_be_shown(
    simulated_night: Night, walk: Any, check: Check, agree: Any
) -> None:
    """It is shown as the ledger names it, and not written once more."""
    simulated_night(alerts=30, rows_per_file=30)

    def die(where: str) -> None:
        if where == "after commit":
            raise Died

    with pytest.raises(Died):
        walk(filters=FILTERS, at=die)

    repaired = check(complete=lambda: pytest.fail("All files were sent."))

    assert repaired.problems == ()
    agree(walk(filters=FILTERS))


def test_each_topic_is_repaired_in_a_transaction_of_its_own(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    check: Check,
    admin: AdminClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that none is larger than those of a night."""
    simulated_night(alerts=30, rows_per_file=30)
    walk(filters=FILTERS)
    topics = {f"{settings.topics.prefix}{name}_ztf" for name in ("bright", "faint")}
    _wait(admin.delete_topics(list(topics)))
    commit = tasks.owned_rows.OwnedRows.commit
    seen = []

    def look(owned: Any, records: Any, remember: Any) -> Any:
        together = list(records)
        seen.append({record.topic for record in together})
        return commit(owned, together, remember)

    monkeypatch.setattr(tasks.owned_rows.OwnedRows, "commit", look)
    repaired = check(complete=lambda: pytest.fail("All files were sent."))

    assert repaired.problems == ()
    assert sorted(map(sorted, seen)) == sorted([name] for name in topics)


def test_a_new_kafka_knows_no_night(settings: Settings, tmp_path: Path) -> None:
    """Nor has it a ledger yet, which is no failure of Kafka's."""
    new = settings.model_copy(update={"state_dir": tmp_path / "new"})
    settings.store_root("ztf").mkdir(parents=True)

    with pytest.raises(NothingThereError, match="Neither store nor ledger"):
        verify(new, survey="ztf", night=NIGHT)
