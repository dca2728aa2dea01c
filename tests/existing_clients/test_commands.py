"""fink-client's commands, unchanged, on the topics of a night that we distributed."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner

from nightmail.cli import nightmail
from tests.existing_clients.conftest import (
    CLIENTS,
    VERSIONS,
    Distributed,
    MakeClient,
)
from tests.stored_alerts import ID, differences

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def names(survey: str, stored: dict[int, dict[str, Any]]) -> list[str]:
    """Name the files as fink-client does."""
    if survey == "lsst":
        return sorted(f"{number}.avro" for number in stored)
    return sorted(f"{row['objectId']}_{n}.avro" for n, row in stored.items())


def read(file: Path) -> dict[str, Any]:
    """Read a saved alert, by no code of ours."""
    with file.open("rb") as stream:
        (alert,) = fastavro.reader(stream)
    assert isinstance(alert, dict)
    return alert


def shown_id(survey: str, alert: dict[str, Any]) -> str:
    """Give what its table calls an alert."""
    if survey == "ztf":
        return str(alert["objectId"])
    if alert["diaObject"] is not None:
        return str(alert["diaObject"]["diaObjectId"])
    return str(alert["mpc_orbits"]["designation"])


@pytest.mark.parametrize(("version", "survey"), CLIENTS)
def test_a_night_is_shown_saved_and_looked_at(
    nights: dict[str, Distributed],
    make_client: MakeClient,
    group: str,
    version: str,
    survey: str,
) -> None:
    """A table for each alert, files with the store's values, and the manual's counts.

    As a user goes: register, read all to the end, statistics, a picture of one.
    """
    night, client = nights[survey], make_client(version)
    out = client.home / "alertDB"

    client.register(survey, night.topics, night.servers, group)
    shown = client.consume(
        survey, "--display", "--save", "-outdir", "alertDB", "-limit",
        str(night.delivered),
    )  # fmt: skip
    counted = client.consume(survey, "--display_statistics")
    drawn = client.view(survey, next(out.iterdir()))

    saved = {file.name: read(file) for file in out.iterdir()}
    assert sorted(saved) == names(survey, night.stored)
    for alert in saved.values():
        assert list(differences(alert, night.stored[alert[ID[survey]]], "")) == []
    rows = [line.split("|") for line in shown.splitlines() if line.startswith("| 2026")]
    assert Counter(row[3].strip() for row in rows) == {
        night.topics[0]: 30,
        night.topics[1]: night.delivered - 30,
    }
    everything = {row[4].strip() for row in rows if row[3].strip() == night.topics[0]}
    assert everything == {shown_id(survey, alert) for alert in saved.values()}
    ends = [line.split() for line in counted.splitlines() if line.startswith("Total")]
    assert [words[2] for words in ends] == night.topics
    # What ends a transaction has an offset too, and may be read or not.
    assert int(ends[0][3]) >= 30
    assert int(ends[1][3]) >= night.delivered - 30
    figures = [line.split()[1:] for line in drawn.splitlines() if "figure" in line]
    assert [figure[:2] for figure in figures] == [["0", "3"], ["1", "0"]]
    assert int(figures[1][2]) > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_early_end_skips_comes_back(
    nights: dict[str, Distributed], make_client: MakeClient, group: str, version: str
) -> None:
    """Closing, librdkafka counts fetched ends of transactions as read (issue 3400).

    How much that skips depends on the moment; from the earliest, all is there.
    """
    night, client = nights["ztf"], make_client(version)
    out = client.home / "alertDB"
    client.register("ztf", night.topics[:1], night.servers, group)

    client.consume("ztf", "--display", "-limit", "1")
    client.consume(
        "ztf", "--save", "-outdir", "alertDB", "-limit", "30", "-start_at", "earliest"
    )

    assert sorted(file.name for file in out.iterdir()) == names("ztf", night.stored)


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_ours_does_the_same(
    nights: dict[str, Distributed], group: str, tmp_path: Path, survey: str
) -> None:
    """The same files, the same tables, the same counts, and a picture in a file."""
    night, out = nights[survey], tmp_path / "alertDB"
    words = ["--servers", night.servers, "--group", group, "--maxtimeout", "5"]
    consume = ["consume", *night.topics, *words]

    shown = ours(
        *consume, "--display", "--save", "-outdir", str(out), "-limit",
        str(night.delivered),
    )  # fmt: skip
    counted = ours(*consume, "--display_statistics")
    drawn = ours("view", str(next(out.iterdir())), "--terminal")

    saved = {file.name: read(file) for file in out.iterdir()}
    assert sorted(saved) == names(survey, night.stored)
    for alert in saved.values():
        assert list(differences(alert, night.stored[alert[ID[survey]]], "")) == []
    assert shown.count(f"| {night.topics[0]} |") == 30
    for alert in saved.values():
        assert f" {shown_id(survey, alert)} " in shown
    assert re.findall(r"^Total for (\S+) ", counted, re.MULTILINE) == night.topics
    assert drawn.startswith(survey.upper())


def ours(*words: str) -> str:
    """Run our command, and give what it prints."""
    done = CliRunner().invoke(nightmail, words)
    assert done.exit_code == 0, done.exception
    return done.stdout
