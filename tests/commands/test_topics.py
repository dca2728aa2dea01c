"""`nightmail topics`, as in a shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from confluent_kafka import Producer

from cluster.access import connect
from nightmail.silence import silent_logger
from settings.load import load

pytestmark = pytest.mark.kafka

Run = Callable[..., Result]

SCHEMA = {"type": "record", "name": "alert", "fields": []}


@pytest.fixture
def filled(run: Run, name: str) -> str:
    """Make a topic with one record whose key is a schema."""
    run("topics", "create", name)
    config = {**connect(load()).admin}
    producer = Producer(config, logger=silent_logger())
    producer.produce(name, b"", key=json.dumps(SCHEMA))
    assert producer.flush(20) == 0
    return name


def test_made_once(run: Run, name: str) -> None:
    """To make it again is no error."""
    wish = ("--partitions", "3", "--retention", "4d", "--compression", "zstd")

    assert run("topics", "create", name, *wish).stdout == f"Made {name}.\n"
    assert run("topics", "create", name).stdout == f"{name} is there already.\n"
    told = json.loads(run("topics", "describe", name, "--json").stdout)
    assert len(told["partitions"]) == 3
    assert told["config"]["retention.ms"] == "345600000"
    assert told["config"]["compression.type"] == "zstd"


def test_all_of_the_catalogue(run: Run) -> None:
    """Every filter's topic, those of nights, and the ledger; but not what is off."""
    run("topics", "create", "--all")

    told = {one["topic"] for one in json.loads(run("topics", "--json").stdout)}
    assert {
        "fink_sn_candidates_ztf",
        "fink_in_tns_lsst",
        "fink_nights_ztf",
        "fink_nights_lsst",
        "nightmail_ledger",
    } <= told
    assert "fink_everything_ztf" not in told
    again = run("topics", "create", "--all")
    assert again.stdout == "All topics are there already.\n"


def test_listed(run: Run, filled: str) -> None:
    """Bare, it lists; what no night tells of is a bound."""
    lines = run("topics").stdout.splitlines()

    assert lines[0].split() == ["topic", "partitions", "copies", "alerts"]
    assert [filled, "4", "1", "≤", "1"] in [line.split() for line in lines]
    [told] = [
        one
        for one in json.loads(run("topics", "--json").stdout)
        if one["topic"] == filled
    ]
    assert told == {
        "topic": filled,
        "partitions": 4,
        "copies": 1,
        "alerts": 1,
        "exact": False,
    }


def test_described(run: Run, filled: str) -> None:
    """For people, with all that is known of it."""
    shown = run("topics", "describe", filled).stdout

    for word in ("alerts       ≤ 1", "MB on disk", "oldest       20", "retention.ms"):
        assert word in shown
    assert "No group reads it." in shown


def test_its_schema_is_written(run: Run, filled: str, tmp_path: Path) -> None:
    """To a file, or to be piped."""
    file = tmp_path / "schema.avsc"

    run("topics", "schema", filled, "--out", str(file))

    assert json.loads(file.read_text()) == SCHEMA
    assert run("topics", "schema", filled).stdout == file.read_text()


def test_deleted_after_asking(run: Run, name: str) -> None:
    """No answer is no."""
    run("topics", "create", name)

    run("topics", "delete", name, stdin="n\n", code=1)
    assert run("topics", "delete", name, "--yes").stdout == f"Deleted {name}.\n"
    run("topics", "delete", name, "--yes", code=3)


@pytest.mark.parametrize(
    "words",
    [
        ("create",),
        ("create", "x", "--all"),
        ("create", "--all", "--partitions", "3"),
        ("create", "x", "--retention", "soon"),
        ("create", "x", "--compression", "zip"),
        ("--json", "describe", "x"),
    ],
)
def test_wrong_words(run: Run, words: tuple[str, ...]) -> None:
    """Each ends with 2, before Kafka is asked."""
    run("topics", *words, code=2)


def test_a_topic_that_is_not_there(run: Run) -> None:
    """It ends with 3."""
    run("topics", "describe", "fink_none_ztf", code=3)
    run("topics", "schema", "fink_none_ztf", code=3)
