"""What the local Kafka says, shown and followed."""

from contextlib import closing
from pathlib import Path

import pytest

from cluster.logs import Line, follow, read_end
from cluster.status import BrokerStatus


@pytest.fixture
def brokers(tmp_path: Path) -> list[BrokerStatus]:
    """Give two brokers; the second has said nothing yet."""
    logs = [tmp_path / "1.log", tmp_path / "2.log"]
    logs[0].write_text("one\ntwo\nthree\n")
    return [
        BrokerStatus(number, running=True, died=False, pid=1, ports=None, log=log)
        for number, log in enumerate(logs, 1)
    ]


def test_the_end_is_shown(brokers: list[BrokerStatus]) -> None:
    """The last lines of each broker; one that has no log has none."""
    assert read_end(brokers, 2) == [Line(1, "two"), Line(1, "three")]
    assert read_end(brokers, 0) == []


def test_what_is_added_is_followed(brokers: list[BrokerStatus]) -> None:
    """Whole lines only, of every broker, also of a log that a restart begins."""
    first, second = (broker.log for broker in brokers)
    steps = iter(
        (
            lambda: _add(first, "four\nfi"),
            lambda: _add(first, "ve\n"),
            lambda: _add(second, "hello\n"),
            lambda: _begin_anew(first, "anew\n"),
        )
    )

    with closing(follow(brokers, pause=lambda _: next(steps)())) as lines:
        found = [next(lines) for _ in range(4)]

    assert found == [
        Line(1, "four"),
        Line(1, "five"),
        Line(2, "hello"),
        Line(1, "anew"),
    ]


def _add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def _begin_anew(log: Path, text: str) -> None:
    log.replace(f"{log}.1")
    log.write_text(text)
