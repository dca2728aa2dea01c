"""Options that several commands have."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from commands.options import settings_option
from settings.errors import SettingsError
from settings.model import Settings


@click.command()
@settings_option
def show(settings: Settings) -> None:
    """Show where the state is."""
    click.echo(settings.state_dir)


def test_the_named_file_is_read(tmp_path: Path) -> None:
    """What --settings names is in force."""
    file = tmp_path / "a file.toml"
    file.write_text('state_dir = "/somewhere"\n')

    shown = CliRunner().invoke(show, ["--settings", str(file)])

    assert shown.output == "/somewhere\n"


def test_a_file_that_is_not_there_is_refused() -> None:
    """It is an error of ours, with the exit code of wrong settings."""
    with pytest.raises(SettingsError, match="/nowhere does not exist"):
        CliRunner().invoke(show, ["--settings", "/nowhere"], catch_exceptions=False)
