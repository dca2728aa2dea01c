"""`nightmail archive sql` answers on stdout and refuses in a sentence."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from archive.slices import NightFolder
from commands.archive import archive
from settings.errors import QueryError


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Write settings of an archive with one alert of each survey."""
    root = tmp_path / "an archive"
    for survey, column in (("ztf", "candid"), ("lsst", "diaSourceId")):
        folder = NightFolder(root, survey, "20260301", "fink_")
        with folder.writer("000-a") as writer:
            writer.write_alerts(pa.record_batch({column: [7]}))
        folder.publish("000-a")
    file = tmp_path / "nightmail.toml"
    file.write_text(f"archive.uri = '{root}'\n")
    return file


def run(settings_file: Path, *words: str) -> Result:
    return CliRunner().invoke(
        archive, ["sql", "--settings", str(settings_file), *words]
    )


def test_both_surveys(settings_file: Path) -> None:
    """Without --survey the plain names hold both."""
    result = run(settings_file, "select survey, id from alerts order by 1")

    assert result.output == "survey  id\nlsst     7\nztf      7\n(2 rows)\n"


def test_one_survey(settings_file: Path) -> None:
    """With --survey they are those of one, and JSON is JSON."""
    words = ("--survey", "ztf", "--format", "json", "select candid from alerts")

    assert json.loads(run(settings_file, *words).output) == [{"candid": 7}]


def test_parquet_needs_a_file(settings_file: Path) -> None:
    """Parquet on a terminal is wrong use."""
    result = run(settings_file, "--format", "parquet", "select 1")

    assert result.exit_code == 2
    assert "--out" in result.output


def test_wrong_sql(settings_file: Path) -> None:
    """A mistake is raised as our error, which ends with 2."""
    result = run(settings_file, "selec")

    assert isinstance(result.exception, QueryError)
    assert result.output == ""


def test_help_has_an_example() -> None:
    """A stranger sees what to type."""
    result = CliRunner().invoke(archive, ["sql", "--help"])

    assert "nightmail archive sql --survey ztf" in result.output
