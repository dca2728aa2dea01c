"""The broker's process."""

from pathlib import Path

import pytest

from cluster.broker import explain_death, find_broker
from cluster.folder import KafkaFolder
from cluster.locks import hold

BIND = """\
2026-03-01 ERROR Kafka$ - Exiting Kafka due to fatal exception during startup.
java.lang.RuntimeException: Unable to start acceptor for INTERNAL
\tat kafka.network.SocketServer.main(SocketServer.scala:1)
Caused by: org.apache.kafka.common.KafkaException: Socket server failed to bind.
\t... 16 more
Caused by: java.net.BindException: Address already in use
"""


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (BIND, "Socket server failed to bind"),
        ("x\njava.lang.OutOfMemoryError: Java heap space\n\tat x\n", "Java heap space"),
        (
            "Error: Could not create the Java Virtual Machine.\nbye\n",
            "Could not create the Java Virtual Machine",
        ),
        ("one\n\nlast words.\n", "last words"),
        ("", "it said nothing"),
    ],
)
def test_the_telling_line_is_quoted(tmp_path: Path, log: str, why: str) -> None:
    """Of a log, the line that says best why Kafka ended."""
    (tmp_path / "log").write_text(log)

    assert explain_death(tmp_path / "log") == why


def test_another_process_is_not_taken_for_the_broker(tmp_path: Path) -> None:
    """A number that the system gave to somebody else is not believed."""
    [broker] = KafkaFolder(tmp_path).brokers
    broker.pid.write_text("1")

    with hold(broker.lock, wait_s=0):
        assert find_broker(broker) is None
