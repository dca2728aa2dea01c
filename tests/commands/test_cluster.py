"""The commands of the local Kafka."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cluster.ports import FIRST
from commands.cluster import cluster
from settings.names import stable_hash


@pytest.fixture
def settings_file(tmp_path: Path) -> Iterator[Path]:
    """Give a settings file with a state folder of its own; nothing runs there after."""
    file = tmp_path / "my settings.toml"
    file.write_text(f'state_dir = "{tmp_path}/state"\n')
    yield file
    _run("stop", file)


@pytest.mark.parametrize(
    "verb", ["start", "stop", "status", "logs", "destroy", "doctor"]
)
def test_every_verb_shows_an_example(verb: str) -> None:
    """--help ends with a command that can be typed."""
    shown = CliRunner().invoke(cluster, [verb, "--help"])

    assert shown.exit_code == 0
    assert f"Examples:\n    nightmail cluster {verb}" in shown.output


def test_nothing_running_is_an_answer(settings_file: Path) -> None:
    """The status of what never ran is told, for people and for scripts."""
    shown = _run("status", settings_file)
    told = json.loads(_run("status", settings_file, "--json").stdout)

    assert shown.stdout == "Kafka does not run.\n"
    assert told == {
        "running": False,
        "died": False,
        "bootstrap_servers": None,
        "public_servers": None,
        "tls": False,
        "authority": None,
        "pid": None,
        "started": None,
        "state_dir": str(settings_file.parent / "state"),
        "log": str(settings_file.parent / "state" / "kafka" / "broker.log"),
        "brokers": [
            {
                "broker": 1,
                "running": False,
                "died": False,
                "pid": None,
                "ports": None,
                "log": str(settings_file.parent / "state" / "kafka" / "broker.log"),
            }
        ],
    }


@pytest.mark.parametrize(
    ("answers", "options", "is_left"),
    [
        ("n\n", (), True),
        ("y\nn\n", (), True),
        ("y\n", (), True),
        ("", (), True),
        ("y\ny\n", (), False),
        ("", ("--yes",), False),
    ],
)
def test_nothing_is_forgotten_unless_twice_said(
    settings_file: Path, answers: str, options: tuple[str, ...], *, is_left: bool
) -> None:
    """It is asked twice; any other answer, or none, leaves everything."""
    data = settings_file.parent / "state" / "kafka" / "data"
    data.mkdir(parents=True)

    done = _run("destroy", settings_file, *options, answers=answers)

    assert (done.exit_code, data.exists()) == (int(is_left), is_left)


def test_the_end_of_the_log_is_shown(settings_file: Path) -> None:
    """As many lines as are asked for."""
    log = settings_file.parent / "state" / "kafka" / "broker.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")

    assert _run("logs", settings_file, "-n", "2").stdout == "two\nthree\n"


def test_a_broker_that_is_not_there_is_refused(settings_file: Path) -> None:
    """The sentence says which there are."""
    done = _run("logs", settings_file, "--broker", "2")

    assert done.exit_code == 2
    assert "there is none, only 1 to 1." in done.output


@pytest.mark.kafka
@pytest.mark.slow
def test_it_is_started_asked_and_stopped(settings_file: Path) -> None:
    """From nothing to ready and back, with what a script needs in between."""
    # Not Kafka's own port, which another suite on the machine may take meanwhile.
    port = FIRST + 3 * stable_hash(str(settings_file), 4000)

    started = _run("start", settings_file, "--port", str(port))
    told = json.loads(_run("status", settings_file, "--json").stdout)
    shown = _run("doctor", settings_file)
    examined = json.loads(_run("doctor", settings_file, "--json").stdout)
    stopped = _run("stop", settings_file)

    assert (shown.exit_code, examined["exit_code"]) == (0, 0)
    head, *lines = shown.stdout.splitlines()
    assert head.split() == ["what", "state", "found"]
    assert len(lines) == len(examined["findings"])
    assert f"everybody reads at 127.0.0.1:{port}\n" in started.stdout
    assert told["running"]
    assert told["public_servers"] == f"127.0.0.1:{port}"
    assert told["bootstrap_servers"] == f"127.0.0.1:{port + 1}"
    assert f"(process {told['pid']})" in started.stdout
    assert stopped.stdout == "Kafka does not run.\n"


def _run(verb: str, settings_file: Path, *options: str, answers: str = "") -> Result:
    words = [verb, "--settings", str(settings_file), *options]
    return CliRunner().invoke(cluster, words, input=answers, catch_exceptions=False)
