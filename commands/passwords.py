"""Where a password comes from: made here, or read, but never from the command line."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from settings.errors import SettingsError

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Password:
    """A password and whether its owner knows it yet."""

    text: str = field(repr=False)
    is_made: bool
    """Whether it was made here, so that it must be shown once."""


def password_options(command: Command) -> Command:
    """Add `--password-stdin`, `--password-file` and `--prompt`.

    Parameters
    ----------
    command
        Takes the keywords `password_stdin`, `password_file` and `prompt`.
    """
    for option in reversed(
        (
            click.option(
                "--password-stdin", is_flag=True, help="Read the password from stdin."
            ),
            click.option(
                "--password-file",
                metavar="FILE",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Read it from the first line of a file.",
            ),
            click.option("--prompt", is_flag=True, help="Ask for it, without showing."),
        )
    ):
        command = option(command)
    return command


def take_password(
    *, password_stdin: bool, password_file: Path | None, prompt: bool
) -> Password:
    """Give the password that is meant, made here if none is given.

    Raises
    ------
    SettingsError
        The file or stdin has none.
    """
    from cluster.users import check_password, make_password  # noqa: PLC0415

    if sum((password_stdin, password_file is not None, prompt)) > 1:
        raise click.UsageError(
            "Give one of --password-stdin, --password-file and --prompt."
        )
    if password_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif password_file is not None:
        text = _read_first_line(password_file)
    elif prompt:
        typed = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )
        text = str(typed)
    else:
        return Password(make_password(), is_made=True)
    check_password(text)
    return Password(text, is_made=False)


def _read_first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The password file {file} cannot be read.") from error
