"""The words of Fink's manual, each typed as it stands there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cluster.ports import FIRST
from commands.kafka import kafka
from settings.names import stable_hash
from tests.commands.test_users import logs_in

Run = Callable[..., Result]

ROWS = (
    "start",
    "stop",
    "--create-topic",
    "--delete-topic",
    "--describe-topic",
    "--list-topics",
    "--authentication",
    "--authorization",
    "--list-acl",
)
"""The manual's options."""


@pytest.mark.parametrize("help_", ["-h", "--help"])
@pytest.mark.parametrize("row", ["", *ROWS])
def test_each_has_its_help(row: str, help_: str) -> None:
    """`-h` shows it, for each word and for all."""
    shown = CliRunner().invoke(
        kafka, [*row.split(), help_], prog_name="nightmail kafka"
    )

    assert shown.exit_code == 0
    assert shown.stdout.startswith(f"Usage: nightmail kafka {row}".rstrip())


def test_the_manual_s_options_are_all_there() -> None:
    """And no others."""
    assert sorted(kafka.commands) == sorted(ROWS)


@pytest.mark.kafka
@pytest.mark.slow
def test_started_and_stopped_by_the_manual(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One word each; users and topics stay for the next start."""
    port = FIRST + 3 * stable_hash(str(tmp_path), 4000)
    file = tmp_path / "own.toml"
    file.write_text(f'state_dir = "own"\n[cluster]\nport = {port}\n')
    monkeypatch.setenv("NIGHTMAIL_SETTINGS", str(file))

    try:
        started = run("kafka", "start")
        run("kafka", "--create-topic", "kept")
        run("kafka", "--authentication", "-u", "keeper", "-p", "kept secret")
        stopped = run("kafka", "stop")
        run("kafka", "start", "--settings", str(file))
        listed = run("kafka", "--list-topics").stdout
        still = logs_in("keeper", "kept secret")
    finally:
        run("kafka", "stop")

    assert started.stdout.startswith("Kafka runs")
    assert stopped.stdout == "Kafka does not run.\n"
    assert "\nkept " in listed
    assert still


@pytest.mark.kafka
def test_topics_by_the_manual(run: Run, name: str) -> None:
    """Made if it is not there, listed, described, deleted without asking."""
    assert run("kafka", "--create-topic", name).stdout == f"Made {name}.\n"
    assert "already" in run("kafka", "--create-topic", name).stdout
    assert f"\n{name} " in run("kafka", "--list-topics").stdout
    assert run("kafka", "--describe-topic", name).stdout.startswith(f"{name}\n")
    assert run("kafka", "--delete-topic", name).stdout == f"Deleted {name}.\n"


@pytest.mark.kafka
@pytest.mark.parametrize("add", [[], ["-a"]])
def test_users_by_the_manual(run: Run, name: str, add: list[str]) -> None:
    """`-a` is the default; a password in the command line is taken with a warning."""
    words = ("kafka", "--authentication", *add, "-u", name)

    first = run(*words, "-p", "manual 1")
    assert logs_in(name, "manual 1")
    run(*words, "-p", "manual 2")
    assert logs_in(name, "manual 2")
    run("kafka", "--authentication", "-d", "-u", name)
    assert not logs_in(name, "manual 2")

    assert "seen by everybody" in first.stderr
    assert "manual 1" not in first.output


@pytest.mark.kafka
@pytest.mark.parametrize("add", [[], ["-a"]])
def test_rights_by_the_manual(run: Run, name: str, add: list[str]) -> None:
    """A consumer's, a producer's, or both; what was added is taken back."""
    who = ("-u", name, "-H", "192.0.2.7", "-t", "fink_x")

    run("kafka", "--authorization", *add, *who, "-c", "readers")
    run("kafka", "--authorization", *add, *who, "-p")
    shown = run("kafka", "--list-acl").stdout
    told = json.loads(run("acl", "list", "-u", name, "--json").stdout)
    run("kafka", "--authorization", "-d", *who, "-p", "-c", "readers")

    assert [(r["operation"], r["kind"], r["name"], r["host"]) for r in told] == [
        ("READ", "group", "readers", "192.0.2.7"),
        ("READ", "topic", "fink_x", "192.0.2.7"),
        ("WRITE", "topic", "fink_x", "192.0.2.7"),
    ]
    assert [line.split()[0] for line in shown.splitlines()].count(name) == 3
    assert json.loads(run("acl", "list", "-u", name, "--json").stdout) == []


@pytest.mark.kafka
@pytest.mark.parametrize(
    "words",
    [
        ("--authentication",),
        ("--authentication", "-a", "-d", "-u", "x"),
        ("--authorization", "-u", "x", "-t", "t"),
        ("--authorization", "-u", "x", "-c", "g"),
        ("--no-such-word",),
        ("no-such-word",),
    ],
)
def test_wrong_words(run: Run, words: tuple[str, ...]) -> None:
    """Each ends with 2."""
    run("kafka", *words, code=2)
