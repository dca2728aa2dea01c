"""Full disks, bad messages and early ends: no alert is lost, each is saved once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Producer

from client.tests.avro_alerts import record, write
from nightmail._fingerprint import compact
from nightmail.silence import silent_logger
from tests.reading.conftest import KEY, MakeTopic, StartScript, Topic, alerts

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

LARGE = record(objectId="string", candid="long", cutout="bytes")
"""An alert of which a dozen do not fit on a small disk."""

NUMBER = 20

BY_LIBRARY = """
import sys
from nightmail import AlertConsumer

servers, group, topic, folder, number = sys.argv[1:]
with AlertConsumer([topic], {"servers": servers, "group_id": group}) as consumer:
    for _ in range(int(number)):
        consumer.poll_and_write(folder, timeout=20)
"""


def send_large(topic: Topic) -> None:
    """Send more than fits on a small disk."""
    rows = [
        {"objectId": f"ZTF{n}", "candid": n, "cutout": bytes([n]) * 30_000}
        for n in range(NUMBER)
    ]
    topic.send(*write(LARGE, *rows), key=compact(LARGE))


def consume(topic: Topic, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as an astronomer does."""
    where = ["--servers", str(topic.access.public_servers), "--group", topic.group]
    return subprocess.run(
        [sys.executable, "-m", "nightmail", "consume", topic.name, *where, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def whole(folder: Path) -> list[int]:
    """Read what was saved: a file that is not whole would fail here."""
    found: list[Any] = []
    for file in folder.glob("[!.]*"):
        with file.open("rb") as stream:
            found += fastavro.reader(stream)
    return sorted(alert["candid"] for alert in found)


@pytest.mark.parametrize("is_command", [True, False], ids=["command", "library"])
def test_a_disk_that_is_full(
    topic: Topic,
    start_script: StartScript,
    small_disk: Callable[[Path], None],
    tmp_path: Path,
    *,
    is_command: bool,
) -> None:
    """It is said with the file; with space, the rest is saved and nothing twice."""
    folder = tmp_path / "alertDB"
    small_disk(folder)
    send_large(topic)

    def save(number: int) -> tuple[int, str]:
        if is_command:
            words = ("--save", "--outdir", str(folder), "--limit", str(number))
            done = consume(topic, *words)
            return done.returncode, done.stderr
        servers = topic.access.public_servers
        script = (BY_LIBRARY, servers, topic.group, topic.name, folder, number)
        process = start_script(*script)
        return process.wait(120), process.communicate()[1]

    code, said = save(NUMBER)
    before = whole(folder)
    small_disk(folder)
    again, _ = save(NUMBER - len(before))

    assert code == 1
    reason = f"{folder}/ZTF{len(before)}_{len(before)}.avro cannot be written: No space"
    assert reason in said
    assert 0 < len(before) < NUMBER
    assert again == 0
    assert whole(folder) == list(range(NUMBER))
    assert len(list(folder.iterdir())) == NUMBER
    assert topic.committed() == [NUMBER]


def test_a_bad_message_ends_the_command_until_it_is_set_aside(
    topic: Topic, tmp_path: Path
) -> None:
    """What is good before and behind it is saved once, what is bad is kept."""
    folder, bad = tmp_path / "alertDB", tmp_path / "bad"
    topic.send_alerts(0, 1)
    topic.send(b"\x02", None, key=KEY)
    topic.send(*alerts(9), key=b"2.7_3.10.1")
    topic.send_alerts(2, 3)
    words = ("--save", "--outdir", str(folder), "--limit")

    ended = consume(topic, *words, "4")
    before = whole(folder)
    done = consume(topic, *words, "2", "--set-aside", str(bad))

    assert ended.returncode == 1
    assert f"The message of {topic.name}, partition 0, offset 2 " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "--set-aside" in ended.stderr
    assert before == [0, 1]
    assert done.returncode == 0, done.stderr
    assert whole(folder) == [0, 1, 2, 3]
    offsets = [json.loads(file.read_text())["offset"] for file in bad.iterdir()]
    assert sorted(offsets) == [2, 3, 4]
    assert topic.committed() == [7]


def test_what_was_only_fetched_is_not_read(
    make_topic: MakeTopic, tmp_path: Path
) -> None:
    """Whoever ends early finds the rest, also behind the ends of transactions.

    librdkafka, as it closes, counts those as read (its issue 3400), and with them all
    that lies before: whoever lets it count, as fink-client does, loses that.
    """
    topic = make_topic(partitions=2)
    sender = {**topic.access.publisher, "transactional.id": f"nightmail.{topic.name}"}
    producer = Producer(sender, logger=silent_logger())
    producer.init_transactions()
    for first in (0, 4):
        producer.begin_transaction()
        for number, value in enumerate(alerts(*range(first, first + 4))):
            producer.produce(topic.name, value, KEY, partition=number % 2)
        producer.commit_transaction()

    steps = [
        consume(topic, "--save", "--outdir", str(tmp_path), "--limit", number)
        for number in ("1", "2", "5")
    ]

    assert [step.returncode for step in steps] == [0, 0, 0]
    assert whole(tmp_path) == list(range(8))
