"""Our reader on what Fink's broker sends: its packets, its keys, its codecs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Producer

from client.tests.avro_alerts import without_nan, write
from client.tests.test_accepted import (
    ACCEPTED,
    ALERT,
    FIELD,
    MISFITS,
    REFUSED,
    pretty,
)
from nightmail import AlertConsumer, AlertReader
from nightmail.silence import silent_logger
from tests.reading.conftest import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PACKETS = {
    "ztf": "ztf_science_avro_v402_fink-client_part-3-305711.avro",
    "lsst": "lsst_science_avro_fink-client_part-2-918301.avro",
}
"""Alerts that Fink has sent, with its schema."""


@pytest.fixture
def packets(shared_data: Path) -> Callable[[str], tuple[Any, list[dict[str, Any]]]]:
    """Give Fink's schema of a survey, and alerts."""

    def read(survey: str) -> tuple[Any, list[dict[str, Any]]]:
        with (shared_data / PACKETS[survey]).open("rb") as stream:
            reader: Any = fastavro.reader(stream)
            return json.loads(reader.metadata["avro.schema"]), list(reader)

    return read


@pytest.mark.parametrize("survey", PACKETS)
def test_fink_s_own_packets_are_read(
    topic: Topic,
    packets: Callable[[str], tuple[Any, list[dict[str, Any]]]],
    tmp_path: Path,
    survey: str,
) -> None:
    """As Fink sends them: an indented key, no headers, no transaction, no codec."""
    schema, sent = packets(survey)
    key = json.dumps(schema, indent=2)
    topic.send(*write(schema, *sent), key=key.encode())

    with AlertConsumer([topic.name], topic.config) as consumer:
        found = [consumer.poll_and_write(tmp_path, 20) for _ in sent]
    with AlertConsumer([topic.name], topic.config, start_at="earliest") as consumer:
        table = consumer.to_arrow(max_alerts=len(sent), timeout=20)

    assert {(name, text) for name, _, text in found} == {(topic.name, key)}
    assert [without_nan(alert) for _, alert, _ in found] == without_nan(sent)
    assert table.num_rows == len(sent)
    name = {"ztf": "candid", "lsst": "diaSourceId"}[survey]
    assert table[name].to_pylist() == [alert[name] for alert in sent]
    saved = {alert[name]: alert for alert in AlertReader(tmp_path).to_iterator()}
    assert without_nan(saved) == without_nan({one[name]: one for one in sent})


def test_every_codec_is_read(topic: Topic) -> None:
    """What librdkafka can compress, each batch as its producer likes."""
    codecs = ["none", "gzip", "lz4", "zstd", "snappy"]
    (value,) = write(FIELD, ALERT)
    for codec in codecs:
        properties = {**topic.access.publisher, "compression.type": codec}
        producer = Producer(properties, logger=silent_logger())
        for _ in range(20):
            producer.produce(topic.name, value, pretty(FIELD), partition=0)
        assert producer.flush(30) == 0

    with AlertConsumer([topic.name], topic.config) as consumer:
        found = consumer.consume(20 * len(codecs), timeout=30)

    assert [alert for _, alert, _ in found] == [ALERT] * 20 * len(codecs)


def test_each_refused_message_costs_itself_only(topic: Topic, tmp_path: Path) -> None:
    """Between good ones of every kind: all of these come, those are kept with why."""
    (good,) = write(FIELD, ALERT)
    sent: list[dict[str, Any]] = []
    for schema, more in ACCEPTED.values():
        sent.append(ALERT | more)
        topic.send(*write(schema, sent[-1]), key=pretty(schema))
    for key, _ in REFUSED.values():
        topic.send(good, key=key)
        topic.send(good, key=pretty(FIELD))
    for value, _ in MISFITS.values():
        topic.send(value, key=pretty(FIELD))
        topic.send(good, key=pretty(FIELD))
    refused = [reason for _, reason in (*REFUSED.values(), *MISFITS.values())]
    sent += [ALERT] * len(refused)

    with AlertConsumer(
        [topic.name], topic.config, on_bad="set_aside", bad_folder=tmp_path
    ) as consumer:
        found = consumer.consume(len(sent), timeout=30)
        nothing = consumer.poll(1)

    assert [alert for _, alert, _ in found] == sent
    assert nothing == (None, None, None)
    kept = [json.loads(file.read_text()) for file in tmp_path.iterdir()]
    kept.sort(key=lambda one: one["offset"])
    assert len(kept) == consumer.set_aside == len(refused)
    for one, reason in zip(kept, refused, strict=True):
        assert reason in one["reason"]
