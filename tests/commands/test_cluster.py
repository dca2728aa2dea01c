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


@pytest.mark.kafka
@pytest.mark.slow
def test_it_is_started_asked_and_stopped(settings_file: Path) -> None:
    """From nothing to ready and back, with what a script needs in between."""
    # Not Kafka's own port, which another suite on the machine may take meanwhile.
    port = FIRST + 3 * stable_hash(str(settings_file), 4000)

    started = _run("start", settings_file, "--port", str(port))
    told = json.loads(_run("status", settings_file, "--json").stdout)
    stopped = _run("stop", settings_file)

    assert f"everybody reads at 127.0.0.1:{port}\n" in started.stdout
    assert told["running"]
    assert told["public_servers"] == f"127.0.0.1:{port}"
    assert told["bootstrap_servers"] == f"127.0.0.1:{port + 1}"
    assert f"(process {told['pid']})" in started.stdout
    assert stopped.stdout == "Kafka does not run.\n"


def _run(verb: str, settings_file: Path, *options: str) -> Result:
    words = [verb, "--settings", str(settings_file), *options]
    return CliRunner().invoke(cluster, words, catch_exceptions=False)
