"""`nightmail topics` of a reader: what is there, and what the nights say of it."""

import json
from typing import Any, Self

import click
import pytest
from click.testing import CliRunner

from nightmail import cli
from nightmail.commands import topics as module
from nightmail.nights import Count, Nights


def night(name: str, delivered: int, summary: str) -> dict[str, Any]:
    """Give the record of a night with one topic."""
    topic = {
        "topic": "fink_a_ztf",
        "filter": "a",
        "summary": summary,
        "owner": "ada@example.org",
        "delivered": delivered,
    }
    return {"night": name, "survey": "ztf", "topics": [topic]}


NIGHTS = Nights(
    {},
    [
        night("20260302", 5, "Young supernovae."),
        night("20260301", 7, "Supernovae."),
    ],
)


class _Offsets:
    def __init__(self, config: Any) -> None:
        assert config["bootstrap.servers"] == "h:1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def nights(self) -> Nights:
        return NIGHTS

    def topics(self) -> list[str]:
        return ["fink_a_ztf", "fink_b_ztf"]

    def counts(self, topics: list[str], nights: Nights) -> dict[str, Count]:
        assert nights is NIGHTS
        known = {
            "fink_a_ztf": Count(12, is_exact=True),
            "fink_b_ztf": Count(3, is_exact=False),
        }
        return {topic: known[topic] for topic in topics}


@pytest.fixture(autouse=True)
def _no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Offsets", _Offsets)


def test_the_newest_night_says_what_a_topic_means() -> None:
    """One that no night tells of has its bound of alerts only."""
    done = CliRunner().invoke(module.topics, ["--servers", "h:1"])

    assert done.stdout == (
        "topic       what it keeps      alerts  recent nights\n"
        "fink_a_ztf  Young supernovae.      12  20260302: 5, 20260301: 7\n"
        "fink_b_ztf                        ≤ 3\n"
    )


def test_json_has_all_nights() -> None:
    """Of the topics that were named."""
    done = CliRunner().invoke(
        module.topics, ["fink_a_ztf", "--servers", "h:1", "--json"]
    )

    [record] = json.loads(done.stdout)
    assert record["nights"] == {"20260301": 7, "20260302": 5}
    assert (record["owner"], record["exact"]) == ("ada@example.org", True)


def test_the_operators_command_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no pipeline is installed, ours is there."""
    monkeypatch.setattr(cli, "entry_points", lambda group: [])  # noqa: ARG005
    with click.Context(cli.nightmail) as context:
        assert cli.nightmail.get_command(context, "topics") is module.topics
