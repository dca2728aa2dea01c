"""The commands that run until they are stopped."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.start import start
from settings.errors import ClusterError

WORDS = ("distribution_test", "--topic", "fink_x_ztf")


def test_a_schema_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    """It is refused before anything is started."""
    file = str(tmp_path / "none.avsc")

    shown = CliRunner().invoke(start, [*WORDS, "--schema", file])

    assert shown.exit_code == 2
    assert f"File '{file}' does not exist." in shown.stderr


def test_without_a_kafka_spark_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how to start one."""
    monkeypatch.setenv("NIGHTMAIL_STATE_DIR", str(tmp_path))

    shown = CliRunner().invoke(start, WORDS)

    assert isinstance(shown.exception, ClusterError)
    assert "nightmail cluster start" in str(shown.exception)
