"""What existing clients get from a night of real records: each field, compared."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition

from cluster.local import status
from settings.model import Settings
from tests.flows.conftest import Run
from tests.stored_alerts import ID, differences, stored_rows

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

EVERYTHING = {"NIGHTMAIL_FILTERS__ALSO": "everything"}
"""Turns the filter on that sends every record, so that each is compared."""


def _messages(servers: str, topic: str) -> Iterator[tuple[bytes, bytes]]:
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "existing client",
            "enable.partition.eof": True,
        }
    )
    parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in parts])
    left = len(parts)
    while left:
        message: Any = consumer.poll(20)
        if message.error():
            left -= 1
        else:
            yield message.key(), message.value()
    consumer.close()


@pytest.mark.parametrize(
    ("survey", "night", "schemas"), [("ztf", "20260301", 2), ("lsst", "20260310", 2)]
)
def test_real_records_arrive_as_they_are_in_the_store(  # noqa: PLR0913, PLR0917
    settings: Settings,
    real_night: Callable[[str, str], Path],
    run: Run,
    survey: str,
    night: str,
    schemas: int,
) -> None:
    """Two schemas in one night give two keys; nothing is lost, doubled or changed."""
    folder = real_night(survey, night)

    ended = run(
        "nightmail", "night", "--survey", survey, "--night", night, "--json",
        **EVERYTHING,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    servers = status(settings).public_servers
    topic = f"{settings.topics.prefix}everything_{survey}"
    stored = stored_rows(folder, ID[survey])
    seen: Counter[int] = Counter()
    keys: set[bytes] = set()
    found: list[str] = []
    for key, value in _messages(str(servers), topic):
        schema = fastavro.parse_schema(json.loads(key))
        alert: Any = fastavro.schemaless_reader(io.BytesIO(value), schema, None)
        keys.add(key)
        seen[alert[ID[survey]]] += 1
        found += differences(alert, stored[alert[ID[survey]]], "")
    assert found == []
    assert seen == Counter(stored.keys())
    assert len(keys) == schemas
    summary = json.loads(ended.stdout)
    assert summary["status"] == "complete"
    assert summary["alerts"] == summary["kept"] == len(stored)

    again = run(
        "nightmail", "night", "--survey", survey, "--night", night, **EVERYTHING
    )
    assert again.returncode == 0, again.stderr
    assert "Nothing to send" in again.stderr
    assert sum(1 for _ in _messages(str(servers), topic)) == len(stored)
