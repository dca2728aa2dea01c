"""`nightmail settings` shows what is in force, and no secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.settings import settings
from settings.errors import SettingsError
from settings.load import keys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a settings file."""
    path = tmp_path / "a file.toml"
    path.write_text("topics.partitions = 8\nkafka.password = 'hush'\n")
    return path


def test_table(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is a line of name, value and source."""
    monkeypatch.setenv("SLACK_API_TOKEN", "hush")

    output = CliRunner().invoke(settings, ["--settings", str(file)]).output

    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in output.splitlines()}
    assert list(rows) == ["setting", *keys()]
    assert rows["topics.partitions"] == ["8", str(file)]
    assert rows["topics.prefix"] == ["fink_", "default"]
    assert rows["kafka.password"] == ["(hidden)", str(file)]
    assert rows["slack.token"] == ["(hidden)", "SLACK_API_TOKEN"]
    assert " ".join(rows["kafka.username"]).split() == ["(not", "set)", "default"]
    assert "hush" not in output


def test_json(file: Path) -> None:
    """Scripts get numbers as numbers and what is not set as null."""
    result = CliRunner().invoke(settings, ["--json", "--settings", str(file)])

    records = {record.pop("key"): record for record in json.loads(result.output)}
    assert records["topics.partitions"] == {"value": 8, "from": str(file)}
    assert records["kafka.username"] == {"value": None, "from": "default"}
    assert records["kafka.password"] == {"value": "(hidden)", "from": str(file)}


def test_mistake(file: Path) -> None:
    """An unknown key is our error, raised before anything is shown."""
    file.write_text("topic.partitions = 8")

    result = CliRunner().invoke(settings, ["--settings", str(file)])

    assert isinstance(result.exception, SettingsError)
    assert result.output == ""


def test_help_has_an_example() -> None:
    """A stranger sees what to type."""
    output = CliRunner().invoke(settings, ["--help"]).output

    assert "nightmail settings --settings other.toml --json" in output
