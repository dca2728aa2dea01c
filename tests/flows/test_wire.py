"""What existing clients get from a night of real records: each field, compared."""

import datetime as dt
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, TopicPartition

from cluster.local import status
from settings.model import Settings
from tests.flows.conftest import Run

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

EACH_ALERT = """
from nightmail import alert_filter

@alert_filter(owner="someone@example.org", survey="{survey}")
def each_alert({column}):
    "All alerts."
    return {column} > 0
"""
"""A filter that sends every record, so that each is compared."""

ID = {"ztf": "candid", "lsst": "diaSourceId"}


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


def _stored(folder: Path, column: str) -> dict[int, dict[str, Any]]:
    return {
        row[column]: row
        for file in folder.glob("*.parquet")
        for row in pq.ParquetFile(file).read().to_pylist(maps_as_pydicts="strict")
    }


def _differences(  # noqa: C901 - a case for each kind of value
    wire: Any, store: Any, path: str
) -> Iterator[str]:
    """Paths at which a decoded value is not what the store has, types included."""
    if isinstance(store, dt.datetime):
        store = f"{store:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").removesuffix(".")
    if isinstance(wire, dict) and isinstance(store, dict):
        if wire.keys() != store.keys():
            yield f"{path}: {sorted(wire.keys() ^ store.keys())}"
        for key in wire.keys() & store.keys():
            yield from _differences(wire[key], store[key], f"{path}.{key}")
    elif isinstance(wire, list) and isinstance(store, list):
        if len(wire) != len(store):
            yield f"{path}: {len(wire)} items, {len(store)} in the store"
        for one, other in zip(wire, store, strict=False):
            yield from _differences(one, other, f"{path}[]")
    elif isinstance(wire, float) and isinstance(store, float) and math.isnan(store):
        if not math.isnan(wire):
            yield f"{path}: {wire} for NaN"
    elif wire != store or type(wire) is not type(store):
        yield f"{path}: {wire!r:.60} for {store!r:.60}"


@pytest.mark.parametrize(
    ("survey", "night", "schemas"), [("ztf", "20260301", 2), ("lsst", "20260310", 2)]
)
def test_real_records_arrive_as_they_are_in_the_store(  # noqa: PLR0913, PLR0917
    settings: Settings,
    real_night: Callable[[str, str], Path],
    run: Run,
    plugin: Callable[[str], str],
    survey: str,
    night: str,
    schemas: int,
) -> None:
    """Two schemas in one night give two keys; nothing is lost, doubled or changed."""
    folder = real_night(survey, night)
    path = plugin(EACH_ALERT.format(survey=survey, column=ID[survey]))

    ended = run(
        "nightmail", "night", "--survey", survey, "--night", night, "--json",
        PYTHONPATH=path,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    servers = status(settings).public_servers
    topic = f"{settings.topics.prefix}each_alert_{survey}"
    stored = _stored(folder, ID[survey])
    seen: Counter[int] = Counter()
    keys: set[bytes] = set()
    differences: list[str] = []
    for key, value in _messages(str(servers), topic):
        schema = fastavro.parse_schema(json.loads(key))
        alert: Any = fastavro.schemaless_reader(io.BytesIO(value), schema, None)
        keys.add(key)
        seen[alert[ID[survey]]] += 1
        differences += _differences(alert, stored[alert[ID[survey]]], "")
    assert differences == []
    assert seen == Counter(stored.keys())
    assert len(keys) == schemas
    summary = json.loads(ended.stdout)
    assert summary["status"] == "complete"
    assert summary["alerts"] == summary["kept"] == len(stored)

    again = run(
        "nightmail", "night", "--survey", survey, "--night", night, PYTHONPATH=path
    )
    assert again.returncode == 0, again.stderr
    assert "Nothing to send" in again.stderr
    assert sum(1 for _ in _messages(str(servers), topic)) == len(stored)
