"""Options of the Spark source: what they mean, and how wrong ones are refused."""

from typing import Any

import pytest

from nightmail import ConfigError
from nightmail.spark.wish import KNOWN, Wish, read_wish

LEAST = {"servers": "127.0.0.1:9092", "topics": "fink_x_ztf"}
"""The least that must be said; Spark hands names over without their capitals."""


class _Message:
    """A record with a time and headers."""

    def __init__(self, time_ms: int = 0, **headers: str) -> None:
        self._time = (1, time_ms)
        self._headers = [(name, value.encode()) for name, value in headers.items()]

    def timestamp(self) -> tuple[int, int]:
        return self._time

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers


def wish(**options: str) -> Wish:
    """Read options beside the least."""
    return read_wish(LEAST | {name.lower(): value for name, value in options.items()})


def test_the_least_is_everything() -> None:
    """All records of the topic, from the oldest on, and a bad one fails."""
    assert wish() == Wish(("fink_x_ztf",), {"servers": "127.0.0.1:9092"})


def test_all_options_are_read() -> None:
    """Each lands where it belongs."""
    found = wish(
        topics="a, b,a",
        columns="candid, candidate.ra",
        schema="0123456789abcdef",
        startingNight="20260301",
        startingTime="1970-01-01T00:00:01",
        endingTime="1970-01-01T01:00:02+01:00",
        startingOffsets="latest",
        maxOffsetsPerTrigger="5",
        minPartitions="6",
        batchBytes="7",
        badRecords="setaside",
        metadata="True",
        failOnDataLoss="false",
    )

    assert found == Wish(
        ("a", "b"),
        {"servers": "127.0.0.1:9092"},
        columns=("candid", "candidate.ra"),
        fingerprint="0123456789abcdef",
        nights=("20260301", "99999999"),
        since_ms=1000,
        until_ms=2000,
        from_latest=True,
        most_offsets=5,
        fewest_tasks=6,
        batch_bytes=7,
        sets_aside=True,
        has_metadata=True,
        fails_on_loss=False,
    )


def test_every_option_is_explained() -> None:
    """In words that an error can use."""
    assert all(KNOWN.values())


def test_a_schema_that_is_no_fingerprint_is_a_file() -> None:
    """Whatever it looks like otherwise."""
    assert wish(schema="alert.avsc").schema_file == "alert.avsc"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"topics": " , "},
            "The option topics is missing; give names, joined by commas.",
        ),
        ({"topic": "x"}, "The option topic is unknown; did you mean topics?"),
        ({"pasword": "x"}, "The option pasword is unknown; did you mean password?"),
        ({"night": "2026-03-01"}, "The night 2026-03-01 is none; write it as"),
        ({"night": "20260301", "endingNight": "20260302"}, "night excludes starting"),
        ({"startingTime": "noon"}, "startingTime is noon; write it as 2026-03-01T12"),
        ({"minPartitions": "0"}, "minPartitions is 0; give a number from 1."),
        ({"batchBytes": "1M"}, "batchBytes is 1M; give a number from 1."),
        ({"badRecords": "drop"}, "badRecords is drop; valid: fail, setAside."),
        ({"password": "x"}, "has a password but no username"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(options: dict[str, str], sentence: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigError) as caught:
        wish(**options)

    assert sentence in str(caught.value)


def test_a_password_is_not_shown() -> None:
    """Wherever the wish is printed."""
    found = wish(username="me", password="hidden-word")  # noqa: S106

    assert found.properties()["sasl.password"] == "hidden-word"
    assert "hidden-word" not in repr(found)


@pytest.mark.parametrize(
    ("options", "message", "taken"),
    [
        ({}, _Message(), True),
        ({"night": "20260301"}, _Message(night="20260301"), True),
        ({"night": "20260301"}, _Message(night="20260302"), False),
        ({"night": "20260301"}, _Message(), False),
        ({"startingTime": "1970-01-01T00:00:01"}, _Message(999), False),
        ({"startingTime": "1970-01-01T00:00:01"}, _Message(1000), True),
        ({"endingTime": "1970-01-01T00:00:01"}, _Message(999), True),
        ({"endingTime": "1970-01-01T00:00:01"}, _Message(1000), False),
    ],
)
def test_records_are_taken_by_night_and_time(
    options: dict[str, str], message: Any, *, taken: bool
) -> None:
    """The start belongs to a range of time, the end does not."""
    assert wish(**options).takes(message) is taken
