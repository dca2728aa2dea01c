"""`nightmail simulate night` writes where the settings say."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from commands.simulate import simulate
from nightmail import ConfigError

ARGUMENTS = ["night", "--survey", "lsst", "--night", "20260301", "--alerts", "7"]
"""A small night."""


@pytest.fixture
def settings_file(tmp_path: Path) -> str:
    """Put the store into a folder with a space in its name."""
    path = tmp_path / "nightmail.toml"
    path.write_text(f'[store]\nuri = "{tmp_path}/my store/{{survey}}"\n')
    return str(path)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # The command names its settings file in the environment; this takes it out again.
    monkeypatch.setenv("NIGHTMAIL_SETTINGS", "")


def test_the_night_is_where_the_settings_say(
    settings_file: str, tmp_path: Path
) -> None:
    """The answer says how many alerts, and in which folder."""
    answer = CliRunner().invoke(simulate, [*ARGUMENTS, "--settings", settings_file])

    folder = tmp_path / "my store" / "lsst" / "science" / "20260301"
    assert answer.exception is None
    assert answer.stdout == f"7 lsst alerts in 1 file in {folder}\n"
    assert pq.read_metadata(folder / "part-00000.parquet").num_rows == 7


def test_json_names_the_files(settings_file: str) -> None:
    """Scripts get survey, night, count and files."""
    answer = CliRunner().invoke(
        simulate, [*ARGUMENTS, "--json", "--settings", settings_file]
    )

    told = json.loads(answer.stdout)
    assert (told["survey"], told["night"], told["alerts"]) == ("lsst", "20260301", 7)
    assert [Path(file).name for file in told["files"]] == ["part-00000.parquet"]


def test_a_night_is_replaced_only_on_demand(settings_file: str) -> None:
    """A second run refuses, unless told to overwrite."""
    runner, again = CliRunner(), [*ARGUMENTS, "--settings", settings_file]
    runner.invoke(simulate, again)

    refused = runner.invoke(simulate, again)
    replaced = runner.invoke(simulate, [*again, "--overwrite"])

    assert isinstance(refused.exception, ConfigError)
    assert replaced.exit_code == 0


def test_an_unknown_survey_is_wrong_use() -> None:
    """Exit code 2, and the surveys that there are."""
    answer = CliRunner().invoke(simulate, ["night", "--survey", "des"])

    assert answer.exit_code == 2
    assert "'ztf', 'lsst'" in answer.stderr
