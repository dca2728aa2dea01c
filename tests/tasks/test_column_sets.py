"""Topics that get alerts without cutouts, beside others that get all columns."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from archive.views import open_archive
from cluster.access import KafkaAccess
from filters import Catalogue
from flows.verify import repair
from settings.model import Settings
from settings.names import CUTOUT_COLUMNS
from tests.tasks.conftest import make_filter

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WHOLE = make_filter(
    lambda candidate_magpsf: candidate_magpsf < 18, name="sn_candidates"
)

LIGHT = make_filter(
    lambda candidate_magpsf: candidate_magpsf >= 18, name="kn_candidates"
)

EVERY = make_filter(lambda candid: candid > 0, name="microlensing_candidates")

FILTERS = [WHOLE, LIGHT, EVERY]

Alerts = dict[int, dict[str, str]]
"""Fields of each alert, as text: a NaN is not equal to itself."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Have one topic without cutouts."""
    topics = settings.topics.model_copy(update={"without_cutouts": (LIGHT.name,)})
    return settings.model_copy(update={"topics": topics})


@pytest.fixture
def read(settings: Settings, access: KafkaAccess) -> Callable[[str], Alerts]:
    """Read a filter's topic, decoding each record by its own key."""

    def run(name: str) -> Alerts:
        topic = f"{settings.topics.prefix}{name}_ztf"
        config = {
            "bootstrap.servers": access.public_servers,
            "group.id": "some-reader",
            "enable.partition.eof": True,
        }
        consumer = Consumer(config)
        partitions = consumer.list_topics(timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found: Alerts = {}
        ends = 0
        while ends < len(partitions):
            message: Any = consumer.poll(20)
            if message.error():
                ends += 1
                continue
            schema = fastavro.parse_schema(json.loads(message.key()))
            alert: Any = fastavro.schemaless_reader(
                BytesIO(message.value()), schema, None
            )
            assert alert["candid"] not in found
            found[alert["candid"]] = {n: repr(value) for n, value in alert.items()}
        consumer.close()
        return found

    return run


def _without_cutouts(alert: dict[str, str]) -> dict[str, str]:
    return {name: alert[name] for name in alert if name not in CUTOUT_COLUMNS}


def test_each_topic_gets_its_columns(
    settings: Settings,
    simulated_night: Callable[..., Path],
    walk: Any,
    agree: Any,
    read: Callable[[str], Alerts],
) -> None:
    """An alert on two topics has its cutouts on one; the archive has it once, whole."""
    simulated_night(alerts=60, rows_per_file=30)

    walked = walk(filters=FILTERS)

    assert walked.summary.status == "complete"
    whole, light, every = (read(one.name) for one in FILTERS)
    assert whole == {one: every[one] for one in whole}
    assert light == {one: _without_cutouts(every[one]) for one in light}
    assert len(light) + len(whole) == len(every) == 60
    assert walk(filters=FILTERS).plan.work == {}
    agree(walked)
    with open_archive(settings.archive_root(), "ztf") as archive:
        stamps = "count(cutoutScience), count(cutoutTemplate), count(cutoutDifference)"
        counts = archive.execute(f"select count(*), {stamps} from alerts").fetchone()  # noqa: S608
    assert counts == (60, 60, 60, 60)


def test_a_lost_topic_gets_its_columns_again(  # noqa: PLR0913, PLR0917
    settings: Settings,
    simulated_night: Callable[..., Path],
    walk: Any,
    access: KafkaAccess,
    read: Callable[[str], Alerts],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it had them before."""
    catalogue = Catalogue({one.name: one for one in FILTERS}, {})
    monkeypatch.setattr("tasks.find_night.load_catalogue", lambda _: catalogue)
    simulated_night(alerts=60, rows_per_file=30)
    walk(filters=FILTERS)
    before = [read(one.name) for one in FILTERS]
    topics = [f"{settings.topics.prefix}{one.name}_ztf" for one in (LIGHT, EVERY)]
    admin = AdminClient(dict(access.admin))
    for future in admin.delete_topics(topics).values():
        future.result()

    repaired = repair(
        settings,
        survey="ztf",
        night="20260301",
        complete=lambda: pytest.fail("All files were sent."),
    )

    assert repaired.problems == ()
    assert [read(one.name) for one in FILTERS] == before
