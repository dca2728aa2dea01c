"""Options are understood as any of the manuals spells them."""

import click
import pytest
from click.testing import CliRunner

from nightmail.commands.spelling import ManualCommand


@click.command(cls=ManualCommand, greedy=("--topics",))
@click.argument("names", nargs=-1)
@click.option("--start-at")
@click.option("--limit", type=int)
@click.option("--display", is_flag=True)
@click.option("--topics", multiple=True)
@click.option("--group")
def _command(**options: object) -> None:
    """Say what was understood."""
    said = {name: value for name, value in options.items() if value not in (None, ())}
    click.echo(" ".join(f"{name}={value}" for name, value in sorted(said.items())))


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        ("-start_at latest", "display=False start_at=latest"),
        ("--start_at=latest", "display=False start_at=latest"),
        ("-start-at -2h", "display=False start_at=-2h"),
        ("-limit 3 -display", "display=True limit=3"),
        ("a -limit=3 b", "display=False limit=3 names=('a', 'b')"),
        ("-group_id g", "display=False group=g"),
        ("-groupid g", "display=False group=g"),
        ("-mytopics a b -display", "display=True topics=('a', 'b')"),
        ("-mytopics=a b", "display=False names=('b',) topics=('a',)"),
        ("-mytopics a -mytopics b", "display=False topics=('a', 'b')"),
    ],
)
def test_it_is_understood(line: str, understood: str) -> None:
    """One dash or two, `_` or `-`, `=` or a space."""
    done = CliRunner().invoke(_command, line.split())

    assert done.output == f"{understood}\n"


@pytest.mark.parametrize("line", ["-nothing 3", "--no-thing", "-mytopics a -no"])
def test_what_is_no_option_is_refused(line: str) -> None:
    """As click does."""
    done = CliRunner().invoke(_command, line.split())

    assert (done.exit_code, "No such option" in done.output) == (2, True)


def test_help_is_help_behind_topics() -> None:
    """Not one of them."""
    done = CliRunner().invoke(_command, ["-mytopics", "a", "--help"])

    assert done.output.startswith("Usage: ")
