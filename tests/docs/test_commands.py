"""The page of commands is what the commands say of themselves.

REFRESH_GOLDEN=1 writes it anew.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nightmail.cli import nightmail

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
"""The page."""

HEADING = """# Commands

What `--help` prints. Written by the tests: `REFRESH_GOLDEN=1 make docs`.
"""
"""How the page begins."""


def walk(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield a command and everything below it, in the order of its help."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below, name
            yield from walk(below, within(below, context, name))


def within(
    command: click.Command, parent: click.Context | None, name: str
) -> click.Context:
    """Make the context in which a command prints its help, as wide as a terminal."""
    return click.Context(command, parent, name, **command.context_settings)


CONTEXTS = list(walk(nightmail, within(nightmail, None, "nightmail")))
"""Every command there is, the group itself first."""

LEAVES = [c for c in CONTEXTS if not isinstance(c.command, click.Group)]
"""The commands that do something."""


def section(context: click.Context) -> str:
    """Render one command's help."""
    # Click keeps the help option of the first context that asked for it.
    context.command._help_option = None
    help_text = context.command.get_help(context)
    lines = "\n".join(line.rstrip() for line in help_text.splitlines())
    return f"\n## {context.command_path}\n\n```text\n{lines}\n```\n"


def test_the_page_is_what_help_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/commands.md shows every command as `--help` does today."""
    monkeypatch.setenv("COLUMNS", "80")
    page = HEADING + "".join(section(context) for context in CONTEXTS)

    if os.environ.get("REFRESH_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("context", LEAVES, ids=lambda c: c.command_path)
def test_every_command_shows_an_example(context: click.Context) -> None:
    """The help of each command has a line that can be typed."""
    assert f"  {context.command_path} " in context.command.get_help(context)


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda c: c.command_path)
def test_no_mark_of_the_source_is_shown(context: click.Context) -> None:
    """Click's mark for lines that stay as they are does its work and vanishes."""
    assert "\\b" not in context.command.get_help(context)


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda c: c.command_path)
def test_every_option_is_explained(context: click.Context) -> None:
    """Each option says what it does."""
    silent = [
        option.name
        for option in context.command.get_params(context)
        if isinstance(option, click.Option) and not (option.hidden or option.help)
    ]

    assert silent == []
