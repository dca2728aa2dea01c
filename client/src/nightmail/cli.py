"""The command `nightmail`: a door that installed packages hang their commands on."""

import difflib
import logging
import os
import select
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

import click

from nightmail._errors import NightmailError

__all__ = ["main"]

COMMANDS_GROUP = "nightmail.commands"
"""Entry-point group of the commands."""

_OWN = ("consume", "export", "follow", "register", "stats", "topics", "view")
"""Commands of the reader, each in the module of its name; a door goes before."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

NOBODY_READS = 141
"""Exit code when what reads our output went away, as `head` does."""

_EPILOG = """\b
Examples:
  nightmail register --help
  nightmail consume --display --limit 1
  nightmail night --survey ztf --night 20260301
  nightmail --quiet night --survey ztf --night 20260301

The commands of an operator appear where the pipeline is installed. Progress goes to
stderr, results to stdout.

\b
Exit codes: 0 done; 1 ended with failures that are named; 2 wrong use or
settings; 3 nothing such; 4 someone newer works on it; 5 not reachable, try
again later; 130 interrupted.
"""

_logger = logging.getLogger("nightmail")


class Doors(click.Group):
    """Our commands and those of installed packages, each loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, in the order of the alphabet."""
        return sorted({*super().list_commands(ctx), *_OWN, *_doors()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; one that cannot be loaded says so when it is run."""
        if door := _doors().get(cmd_name):
            return _open(door)
        if cmd_name in _OWN:
            module = import_module(f"nightmail.commands.{cmd_name}")
            command: click.Command = getattr(module, cmd_name)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for, or the one that was meant."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            raise click.UsageError(_unknown(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is not an exit code."""
        try:
            super().invoke(ctx)
        except BrokenPipeError as error:
            if _stdout_is_broken():
                ctx.exit(NOBODY_READS)
            # Click would end quietly on this one, although it is not our output.
            raise ConnectionError(str(error)) from error


@click.group(
    cls=Doors, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("-q", "--quiet", is_flag=True, help="Show warnings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Show more, and errors in full.")
@click.version_option(package_name="nightmail", message="nightmail %(version)s")
def nightmail(*, quiet: bool, verbose: bool) -> None:
    """Read, filter and redistribute the night's alerts of a survey telescope."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other.")
    _set_up_messages(
        logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    )


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code.

    Parameters
    ----------
    args
        What stands behind `nightmail`; by default the program's own arguments.

    Raises
    ------
    SystemExit
        Always.
    """
    code = _run(args)
    sys.exit(NOBODY_READS if _stdout_is_broken() else code)


def _run(args: Sequence[str] | None) -> int:
    try:
        left: Any = nightmail.main(args, "nightmail", standalone_mode=False)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NightmailError as error:
        click.echo(f"Error: {error}", err=True)
        _logger.debug("It was raised here:", exc_info=error)
        return error.exit_code
    return left or 0


def _doors() -> dict[str, EntryPoint]:
    return {door.name: door for door in entry_points(group=COMMANDS_GROUP)}


def _open(door: EntryPoint) -> click.Command:
    try:
        command = door.load()
    except Exception as error:  # noqa: BLE001  a plug-in may fail in any way
        return _closed(door, f"{type(error).__name__}: {error}")
    if isinstance(command, click.Command):
        return command
    return _closed(door, f"{door.value} is not a click command")


def _closed(door: EntryPoint, reason: str) -> click.Command:
    """Make a command that only tells why the real one is not there."""
    owner = door.dist.name if door.dist else door.value
    sentence = f"The command {door.name} of {owner} cannot be loaded: {reason}."

    def tell() -> NoReturn:
        raise NightmailError(sentence)

    return click.Command(
        door.name,
        callback=tell,
        short_help=f"(cannot be loaded: {reason})",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no command {name}.{hint}"


def _set_up_messages(level: int) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    _logger.handlers[:] = [handler]
    _logger.setLevel(level)
    _logger.propagate = False


class _Lines(logging.Formatter):
    """Progress as it is; what is worse with its name in front."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno < logging.WARNING:
            return text
        return f"{record.levelname.capitalize()}: {text}"


def _stdout_is_broken() -> bool:
    """Tell whether nobody reads stdout, and close it quietly if so."""
    try:
        sys.stdout.flush()
        if not is_hung_up(sys.stdout.fileno()):
            return False
    except BrokenPipeError:
        pass
    except (OSError, ValueError):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def is_hung_up(descriptor: int) -> bool:
    """Ask the system: a flush after the first failure succeeds, on an empty buffer."""
    if sys.platform == "win32":
        return False
    poller = select.poll()
    poller.register(descriptor, 0)
    return any(
        events & (select.POLLERR | select.POLLHUP) for _, events in poller.poll(0)
    )
