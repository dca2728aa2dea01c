"""A reader that is killed or interrupted loses no alert, and saves each once."""

import random
import signal
import time
from pathlib import Path

import pytest

from nightmail import AlertReader
from tests.reading.conftest import StartScript, Topic, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SAVE = """
import sys
from nightmail import AlertConsumer

servers, group, topic, folder = sys.argv[1:]
config = {"servers": servers, "group_id": group, "session.timeout.ms": 6000}
with AlertConsumer([topic], config) as consumer:
    print("ready", flush=True)
    while True:
        consumer.poll_and_write(folder, timeout=1)
"""

HOLD = """
import sys, time
from nightmail import AlertConsumer

servers, group, topic = sys.argv[1:]
with AlertConsumer([topic], {"servers": servers, "group_id": group}) as consumer:
    for topic, alert, key in consumer:
        print(alert["candid"], flush=True)
        if alert["candid"] == 3:
            time.sleep(60)
"""


def test_no_alert_is_lost_when_a_reader_is_killed(
    topic: Topic, start_script: StartScript, tmp_path: Path
) -> None:
    """Killed five times while it saves: every file is whole, and all are there."""
    expected = list(range(3000))
    topic.send_alerts(*expected)
    folder = tmp_path / "alertDB"
    random.seed(7)

    def saved() -> int:
        return sum(1 for _ in folder.glob("*.avro"))

    arguments = (topic.access.public_servers, topic.group, topic.name, folder)
    for _ in range(5):
        before = saved()
        reader = start_script(SAVE, *arguments)
        wait_for(lambda before=before: saved() > before + 20 or saved() == 3000)  # type: ignore[misc]
        time.sleep(random.uniform(0, 0.2))
        reader.send_signal(signal.SIGKILL)
        reader.wait()
    start_script(SAVE, *arguments)
    wait_for(lambda: saved() == len(expected), 60)

    found = sorted(alert["candid"] for alert in AlertReader(folder).to_iterator())
    assert found == expected


def test_ctrl_c_leaves_with_offsets_committed(
    topic: Topic, start_script: StartScript
) -> None:
    """The alert in hand stays; those before it count as read."""
    topic.send_alerts(1, 2, 3)
    reader = start_script(HOLD, topic.access.public_servers, topic.group, topic.name)
    assert reader.stdout is not None
    lines = [reader.stdout.readline() for _ in range(3)]

    reader.send_signal(signal.SIGINT)
    begin = time.monotonic()
    reader.wait(15)

    assert lines == ["1\n", "2\n", "3\n"]
    assert time.monotonic() - begin < 10
    assert topic.committed() == [2]
