"""Options that several commands have."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from settings.load import FILE_VARIABLE, load


def settings_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--settings FILE`, and pass what it says as the keyword `settings`.

    Parameters
    ----------
    command
        Takes a keyword `settings`, a `Settings`.
    """

    @click.option(
        "--settings",
        "settings_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Settings file; by default NIGHTMAIL_SETTINGS, else ./nightmail.toml.",
    )
    @functools.wraps(command)
    def with_settings(*args: Any, settings_file: Path | None, **options: Any) -> Any:
        if settings_file:
            # The flow, and whatever it starts, loads the same file.
            os.environ[FILE_VARIABLE] = str(settings_file.absolute())
        return command(*args, settings=load(settings_file), **options)

    return with_settings
