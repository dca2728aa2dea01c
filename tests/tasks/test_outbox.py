"""Encoded alerts wait, each once, for every topic that wants them."""

import tempfile
from pathlib import Path

import pytest

import tasks.outbox
from ledger.record import Record
from nightmail import RetryableError
from tasks.outbox import Outbox, Waiting

HEADERS = [("night", b"20260301")]
TOPICS = {"bright": "fink_bright_ztf", "faint": "fink_faint_ztf"}
PARTITIONS = {"fink_bright_ztf": 4, "fink_faint_ztf": 1}


def _fill(outbox: Outbox) -> None:
    outbox.add(Waiting(1, 10, 3, ("bright", "faint")), b"one")
    outbox.add(Waiting(2, 7, 0, ("faint",)), b"")
    outbox.add(Waiting(3, 11, 5, ("bright", "gone")), b"three")


def _record(topic: str, partition: int, one: int, value: bytes) -> Record:
    headers = (*HEADERS, ("id", str(one).encode()), ("generation", b"0"))
    return Record(topic, partition, b"key", value, headers)


EXPECTED = [
    _record("fink_bright_ztf", 2, 1, b"one"),
    _record("fink_faint_ztf", 0, 1, b"one"),
    _record("fink_faint_ztf", 0, 2, b""),
    _record("fink_bright_ztf", 3, 3, b"three"),
]
"""A record per alert and topic, in the order in which they came."""


@pytest.mark.parametrize("memory", [1 << 20, 1])
def test_a_record_per_alert_and_topic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, memory: int
) -> None:
    """The same bytes for all, from memory or from a file, as often as asked for."""
    monkeypatch.setattr(tasks.outbox, "MEMORY_BYTES", memory)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with Outbox(b"key", HEADERS) as outbox:
        _fill(outbox)
        first = list(outbox.records(TOPICS, partitions=PARTITIONS, generations={}))
        second = list(outbox.records(TOPICS, partitions=PARTITIONS, generations={}))

    assert first == second == EXPECTED
    assert list(tmp_path.iterdir()) == []


def test_topics_that_are_not_sent_now_are_passed_over() -> None:
    """The bytes of what they alone want are passed over too."""
    with Outbox(b"key", HEADERS) as outbox:
        _fill(outbox)
        only = {"bright": "fink_bright_ztf"}

        records = list(outbox.records(only, partitions=PARTITIONS, generations={}))

    assert records == [EXPECTED[0], EXPECTED[3]]


def test_one_object_has_one_partition_of_each_topic() -> None:
    """However many partitions a topic has, alerts of one object share one."""
    with Outbox(b"key", HEADERS) as outbox:
        for one in range(5):
            outbox.add(Waiting(one, 2**64 - 3, 1, ("bright",)), b"x")

        records = list(
            outbox.records(
                TOPICS,
                partitions={"fink_bright_ztf": 7},
                generations={"fink_bright_ztf": 2},
            )
        )

    assert {r.partition for r in records} == {(2**64 - 3) % 7}
    assert {dict(r.headers)["generation"] for r in records} == {b"2"}


def test_nowhere_to_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that does not take them is named, as something to try again."""
    nowhere = tmp_path / "none"
    monkeypatch.setattr(tasks.outbox, "MEMORY_BYTES", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))

    with (
        pytest.raises(RetryableError, match=f"{nowhere}.*TMPDIR"),
        Outbox(b"key", HEADERS) as outbox,
    ):
        _fill(outbox)
