"""What is wished of a topic, in Kafka's words."""

import pytest

from cluster.topic_config import read_retention, topic_config
from settings.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "wished"),
    [
        ("4d", ("retention.ms", 345_600_000)),
        ("168h", ("retention.ms", 604_800_000)),
        ("90s", ("retention.ms", 90_000)),
        ("forever", ("retention.ms", -1)),
        ("1000000", ("retention.bytes", 1_000_000)),
        ("500 MB", ("retention.bytes", 500_000_000)),
        ("2TB", ("retention.bytes", 2 * 10**12)),
    ],
)
def test_retention_is_a_time_or_a_size(text: str, wished: tuple[str, int]) -> None:
    """A unit of time says how long, a unit of size or none how much."""
    assert read_retention(text) == wished


@pytest.mark.parametrize("text", ["", "4y", "0d", "-1", "four days", "1.5d", "7 dd"])
def test_what_is_no_retention(text: str) -> None:
    """It is refused with what would be one."""
    with pytest.raises(SettingsError, match=r"neither a time \(4d, 168h, forever\)"):
        read_retention(text)


def test_what_is_not_wished_is_left_out() -> None:
    """So that the settings' own holds."""
    assert topic_config() == {}
    assert topic_config(retention=["4d", "1GB"], max_message_bytes=2000000) == {
        "retention.ms": "345600000",
        "retention.bytes": "1000000000",
        "max.message.bytes": "2000000",
    }
