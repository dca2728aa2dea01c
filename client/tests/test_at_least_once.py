"""No alert is lost, whatever fails between Kafka and the user's own code."""

import base64
import json
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from client.tests.fake_kafka import (
    CONFIG,
    KEY,
    FakeBroker,
    FakeMessage,
    bad_message,
    good_message,
    numbered,
)
from nightmail import AlertConsumer, AlertError, ConfigError, FileError


def ids(alerts: object) -> list[int]:
    """Give the ids of what `consume` gave."""
    assert isinstance(alerts, list)
    return [alert["candid"] for _, alert, _ in alerts]


def test_several_alerts_count_as_read_together(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """When the next are asked for, not before."""
    broker.messages = numbered(1, 2, 3)
    found = consumer.consume(2, 1)
    before = list(broker.stored)

    consumer.poll(1)

    assert (ids(found), before, broker.stored) == ([1, 2], [], [3])


def test_commit_counts_what_is_in_hand_as_read_at_once(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """The user has finished with it, and says so."""
    broker.messages = numbered(7)
    consumer.poll(1)

    consumer.commit()

    assert broker.committed == [8]


def test_a_bad_message_among_several_costs_only_itself(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """Those before it come, then the error, then those behind it."""
    broker.messages = [good_message(1), bad_message(2), *numbered(3)]

    first = consumer.consume(10, 0)
    with pytest.raises(AlertError) as caught:
        consumer.consume(10, 0)
    rest = consumer.consume(10, 0)

    assert (ids(first), caught.value.offset, ids(rest)) == ([1], 2, [3])
    assert broker.stored == [2, 3]


def test_what_waits_of_a_lost_partition_is_left_to_its_new_reader(
    broker: FakeBroker, consumer: AlertConsumer
) -> None:
    """It is not handed out here as well."""
    broker.messages = [good_message(1), bad_message(2), good_message(3)]
    first = consumer.consume(10, 0)

    broker.on_revoke(broker, [TopicPartition("fink_x_ztf", 2)])

    assert (ids(first), consumer.consume(10, 0)) == ([1], [])


def test_a_bad_message_that_was_told_counts_as_read(broker: FakeBroker) -> None:
    """A script that goes on does not meet it at every start."""
    broker.messages = [bad_message(5)]

    with AlertConsumer(["x"], CONFIG) as consumer, pytest.raises(AlertError):
        consumer.poll(1)

    assert broker.stored == [6]


def test_an_interrupt_inside_consume_loses_nothing(
    broker: FakeBroker, consumer: AlertConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook the next cell gets what the interrupted one had received."""
    broker.messages = [*numbered(1), None]
    wait = broker.poll

    def interrupted(timeout: float) -> FakeMessage | None:
        if not broker.messages[0]:
            raise KeyboardInterrupt
        return wait(timeout)

    monkeypatch.setattr(broker, "poll", interrupted)
    with pytest.raises(KeyboardInterrupt):
        consumer.consume(5, 10)
    broker.messages = numbered(2)

    found = consumer.consume(2, 0)

    assert (ids(found), broker.stored) == ([1, 2], [])


def test_a_bad_message_is_set_aside_whole(
    broker: FakeBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Key, value and reason are kept, and the next alert comes."""
    folder = tmp_path / "bad"
    broker.messages = [bad_message(4), *numbered(5)]

    with AlertConsumer(
        ["x"], CONFIG, on_bad="set_aside", bad_folder=folder
    ) as consumer:
        _, alert, _ = consumer.poll(1)

    kept = json.loads((folder / "fink_x_ztf-2-4.json").read_text())
    reason = kept.pop("reason")
    assert (alert, consumer.set_aside, broker.stored) == ({"candid": 5}, 1, [6])
    assert kept == {
        "topic": "fink_x_ztf",
        "partition": 2,
        "offset": 4,
        "timestamp_ms": 0,
        "headers": {},
        "key": base64.b64encode(KEY).decode(),
        "value": "AA==",
    }
    assert "offset 4 cannot be decoded: its value ends inside the alert" in reason
    assert caplog.messages == [
        f"{reason} It is set aside as {folder / 'fink_x_ztf-2-4.json'}."
    ]


def test_a_bad_message_that_cannot_be_set_aside_is_not_read(
    broker: FakeBroker, tmp_path: Path
) -> None:
    """The disk is full, say: it is told, and the message comes again."""
    (tmp_path / "file").touch()
    broker.messages = [bad_message(4)]
    consumer = AlertConsumer(
        ["x"], CONFIG, on_bad="set_aside", bad_folder=tmp_path / "file"
    )

    for _ in range(2):
        with pytest.raises(FileError, match=r"fink_x_ztf-2-4\.json cannot be written"):
            consumer.poll(0)

    assert (broker.stored, consumer.set_aside) == ([], 0)


@pytest.mark.parametrize(
    ("on_bad", "sentence"),
    [
        ("skip", "on_bad is 'skip'; write 'raise' or 'set_aside'."),
        ("set_aside", "on_bad='set_aside' wants bad_folder, where they are kept."),
    ],
)
def test_what_becomes_of_bad_messages_is_said_plainly(
    on_bad: str, sentence: str
) -> None:
    """Nothing is dropped by a slip."""
    with pytest.raises(ConfigError) as caught:
        AlertConsumer(["x"], CONFIG, on_bad=on_bad)

    assert str(caught.value) == sentence


def test_an_alert_that_cannot_be_saved_comes_again(
    broker: FakeBroker, consumer: AlertConsumer, tmp_path: Path
) -> None:
    """Even in a loop that goes on after the error."""
    broker.messages = numbered(1, 2)
    (tmp_path / "taken").touch()
    with pytest.raises(FileError):
        consumer.poll_and_write(tmp_path / "taken", 1)
    before = list(broker.stored)

    found = [consumer.poll_and_write(tmp_path, 1)[1] for _ in range(2)]

    assert (before, found) == ([], [{"candid": 1}, {"candid": 2}])
    assert broker.stored == [2]


def test_there_is_nothing_to_save_before_an_alert(
    consumer: AlertConsumer, tmp_path: Path
) -> None:
    """It is said so, instead of writing an empty file."""
    with pytest.raises(ConfigError, match="no alert in hand"):
        consumer.save(tmp_path)


def test_a_reader_that_was_too_slow_goes_on(
    broker: FakeBroker, consumer: AlertConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    """In a notebook one looks at an alert for longer than Kafka waits."""
    late = FakeMessage(_error=broker.error("_MAX_POLL_EXCEEDED"))
    broker.messages = [late, *numbered(1)]

    _, alert, _ = consumer.poll(1)

    assert alert == {"candid": 1}
    assert caplog.messages[0].startswith("The group me went on without this reader")


def test_maxtimeout_of_the_file_says_how_long_to_wait(broker: FakeBroker) -> None:
    """As the field's credentials have it; a caller's own word wins."""
    consumer = AlertConsumer(["x"], CONFIG | {"maxtimeout": 0.2})

    found = consumer.poll()

    assert found == (None, None, None)
    assert sum(broker.waits) == pytest.approx(0.2, abs=0.1)


def test_a_maxtimeout_that_is_no_number_is_refused() -> None:
    """With the value."""
    with pytest.raises(ConfigError, match="maxtimeout is 'long'; write a number of"):
        AlertConsumer(["x"], CONFIG | {"maxtimeout": "long"})
