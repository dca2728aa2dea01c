"""Nights of stores that Spark reads for us, or that are not on this machine."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.orc as po
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, TopicPartition

from archive.slices import NightFolder
from archive.totals import Summary
from cluster.access import KafkaAccess
from runtime.spark import spark_session
from settings.model import Archive, Settings, Spark, Store
from tasks.distribute_night import distribute_night
from tasks.find_night import find_night
from tasks.gather_evidence import gather_evidence
from tasks.plan_night import plan_night
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.repair_archive import repair_archive
from tasks.summarise_night import summarise_night
from tasks.verify_night import verify_night
from tests.store.conftest import s3_key, s3_server, s3_url, upload
from tests.tasks.conftest import find_alerts

__all__ = ["s3_key", "s3_server", "s3_url", "upload"]

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

NIGHT = "20260301"

Sent = Counter[tuple[str, int, bytes, str, tuple[tuple[str, bytes], ...]]]
"""How often each (topic, partition, key, alert, headers) stands there."""


@pytest.fixture(scope="module")
def spark(kafka_state: Path) -> Iterator[Any]:
    """Give one session, whose workers have a key for S3."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        settings = Settings(state_dir=kafka_state, spark=Spark(master="local[2]"))
        with spark_session(settings) as session:
            yield session


@pytest.fixture
def orc(settings: Settings, tmp_path: Path) -> Settings:
    """Give settings of a store of ORC, with topics and an archive of its own."""
    prefix = f"{settings.topics.prefix}orc_"
    return settings.model_copy(
        update={
            "store": Store(uri=str(tmp_path / "orc store" / "{survey}"), format="orc"),
            "archive": Archive(uri=str(tmp_path / "orc archive")),
            "topics": settings.topics.model_copy(update={"prefix": prefix}),
        }
    )


@pytest.fixture
def orc_folder(orc: Settings) -> Path:
    """Make the folder of the night."""
    folder = orc.store_root("ztf") / "science" / NIGHT
    folder.mkdir(parents=True)
    return folder


def _to_orc(folder: Path, to: Path) -> None:
    """Write a night of Parquet as ORC."""
    for file in folder.iterdir():
        table = pq.ParquetFile(file).read()
        po.write_table(table, str(to / f"{file.stem}.orc"), compression="ZLIB")


def _distribute(settings: Settings, access: KafkaAccess) -> Summary:
    """Run a night of ZTF, as the flow does."""
    found = find_night(settings, survey="ztf", night=NIGHT)
    prepare_topics(settings, access, found)
    plan = plan_night(settings, access, found)
    reports = distribute_night(settings, access, plan) if plan.work else []
    failures = [*plan.failures, *(r.message for r in reports if r.message)]
    back = read_back(settings, access, plan)
    return summarise_night(settings, access, plan, back, failures=failures)


def _read(access: KafkaAccess, settings: Settings, summary: Summary) -> Sent:
    """Read the topics, by no code of ours; names without what tells settings apart.

    Entries of a map are sorted: Java's ORC sorts them when it writes.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": access.public_servers,
            "group.id": "some-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    known = consumer.list_topics(timeout=30).topics
    topics = [one.topic for one in summary.topics]
    parts = [TopicPartition(t, p, 0) for t in topics for p in known[t].partitions]
    consumer.assign(parts)
    sent: Sent = Counter()
    ends = 0
    while ends < len(parts):
        message: Any = consumer.poll(30)
        if message.error():
            ends += 1
            continue
        name = message.topic().removeprefix(settings.topics.prefix)
        schema = fastavro.parse_schema(json.loads(message.key()))
        alert: Any = fastavro.schemaless_reader(BytesIO(message.value()), schema, None)
        text = json.dumps(alert, sort_keys=True, default=repr)
        headers = tuple(message.headers())
        sent[name, message.partition(), message.key(), text, headers] += 1
    consumer.close()
    return sent


def _delivered(summary: Summary) -> int:
    return sum(topic.delivered for topic in summary.topics)


def _agrees(settings: Settings, access: KafkaAccess) -> bool:
    found = find_night(settings, survey="ztf", night=NIGHT)
    return verify_night(gather_evidence(settings, access, found)).agrees


def test_a_night_of_orc_is_the_night_of_parquet(  # noqa: PLR0913, PLR0917
    spark: Any,
    settings: Settings,
    orc: Settings,
    orc_folder: Path,
    access: KafkaAccess,
    real_night: Callable[[str, str], Path],
    tmp_path: Path,
) -> None:
    """Real alerts of two schemas: the same records of the same keys on each topic."""
    for file in real_night("ztf", NIGHT).iterdir():
        made = tmp_path / "made" / file.stem
        spark.read.parquet(f"file://{file}").coalesce(1).write.orc(f"file://{made}")
        (part,) = made.glob("part-*.orc")
        part.rename(orc_folder / f"{file.stem}.orc")

    summaries = [_distribute(one, access) for one in (settings, orc)]
    again = _distribute(orc, access)

    assert [one.status for one in summaries] == ["complete", "complete"]
    sent = [
        _read(access, *pair) for pair in zip((settings, orc), summaries, strict=True)
    ]
    assert sent[0] == sent[1]
    assert len({key for _, _, key, _, _ in sent[0]}) == 2
    assert sent[0].total() == _delivered(summaries[0]) > 0
    assert again == summaries[1]
    assert _read(access, orc, again) == sent[1]
    assert _agrees(orc, access)


@pytest.mark.usefixtures("spark")
def test_a_damaged_file_is_named_and_the_others_are_delivered(
    orc: Settings,
    orc_folder: Path,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
) -> None:
    """Rows that Spark leaves out of it are missed; mended, it is sent."""
    _to_orc(simulated_night(alerts=300, rows_per_file=100), orc_folder)
    damaged = orc_folder / "part-00001.orc"
    whole = damaged.read_bytes()
    half = len(whole) // 2
    damaged.write_bytes(whole[:3] + b"\xff" * (half - 3) + whole[half:])

    torn = _distribute(orc, access)
    damaged.write_bytes(whole)
    mended = _distribute(orc, access)

    assert (torn.status, mended.status) == ("failed", "complete")
    assert "part-00001.orc" in torn.failures[0]
    assert (torn.alerts, mended.alerts) == (300, 300)
    assert 0 < _delivered(torn) < _delivered(mended)
    assert set(_read(access, orc, mended).values()) == {1}
    assert _agrees(orc, access)


@pytest.mark.usefixtures("spark")
def test_an_archive_is_repaired_out_of_orc(
    orc: Settings,
    orc_folder: Path,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
) -> None:
    """Alerts that it has lost come from the store again."""
    _to_orc(simulated_night(alerts=60, rows_per_file=60), orc_folder)
    _distribute(orc, access)
    before = find_alerts(orc)
    archive = NightFolder(orc.archive_root(), "ztf", NIGHT, orc.topics.prefix)
    for file in archive.folder("alerts").iterdir():
        file.unlink()
    assert not _agrees(orc, access)

    found = find_night(orc, survey="ztf", night=NIGHT)
    evidence = gather_evidence(orc, access, found)
    repair_archive(orc, access, evidence, verify_night(evidence).problems)

    assert find_alerts(orc) == before != Counter()
    assert _agrees(orc, access)


@pytest.mark.usefixtures("spark")
def test_workers_read_a_store_that_is_elsewhere(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    upload: Callable[..., Any],
) -> None:
    """Every file comes from S3; the same night in a folder has nothing left to send."""
    folder = simulated_night(alerts=300, rows_per_file=100)
    root = upload(folder.parents[1], "my store")
    url = f"{root}?{root.root.partition('?')[2]}".replace(" ", "%20")
    distant = settings.model_copy(update={"store": Store(uri=url)})

    summary = _distribute(distant, access)
    here = _distribute(settings, access)

    assert (summary.status, summary.alerts) == ("complete", 300)
    assert _read(access, distant, summary).total() == _delivered(summary) > 0
    assert here == summary
    assert _agrees(distant, access)
