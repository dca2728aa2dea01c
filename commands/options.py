"""Options that several commands have."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from settings.load import FILE_VARIABLE, load

Command = TypeVar("Command", bound=Callable[..., Any])

settings_file_option = click.option(
    "--settings",
    "settings_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Settings file; by default NIGHTMAIL_SETTINGS, else ./nightmail.toml.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="For scripts.")

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

survey_option = click.option("--survey", required=True, help="ztf or lsst.")


def night_option(*, required: bool) -> Callable[[Command], Command]:
    """Add `--night YYYYMMDD`, as the keyword `name`.

    Parameters
    ----------
    required
        Whether it must be given; otherwise the command takes the last night.
    """
    otherwise = "" if required else "; by default the last one"
    return click.option(
        "--night",
        "name",
        metavar="YYYYMMDD",
        required=required,
        help=f"Date of the morning on which it ends{otherwise}.",
    )


def settings_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--settings FILE`, and pass what it says as the keyword `settings`.

    Parameters
    ----------
    command
        Takes a keyword `settings`, a `Settings`.
    """

    @settings_file_option
    @functools.wraps(command)
    def with_settings(*args: Any, settings_file: Path | None, **options: Any) -> Any:
        if settings_file:
            # The flow, and whatever it starts, loads the same file.
            os.environ[FILE_VARIABLE] = str(settings_file.absolute())
        return command(*args, settings=load(settings_file), **options)

    return with_settings
