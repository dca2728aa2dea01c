"""The command `nightmail`: what it loads, and how it ends."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import click
import pytest

from nightmail import BrokerUnavailableError, ConfigError, cli

HEAVY = ("numba", "pandas", "prefect", "pyarrow", "pyspark", "duckdb", "matplotlib")
"""What costs seconds to import, or is not there on an astronomer's laptop."""

Run = Callable[..., int | str | None]


@click.command()
@click.argument("how")
def _end(how: str) -> int:
    """End in some way."""
    logger = logging.getLogger("nightmail")
    logger.info("working")
    logger.debug("in detail")
    logger.warning("something is odd")
    if how == "refused":
        raise ConfigError("There is no servers.")
    if how == "away":
        raise BrokerUnavailableError("Kafka does not answer.") from OSError("refused")
    if how == "interrupted":
        raise KeyboardInterrupt
    if how == "bug":
        raise ZeroDivisionError
    if how == "socket":
        raise BrokenPipeError(32, "the other side of a socket went away")
    if how == "seven":
        click.get_current_context().exit(7)
    click.echo("result")
    return 5


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install one command that works and two that cannot be loaded."""
    here = _EntryPoint("end", "unused", cli.COMMANDS_GROUP)
    lost = EntryPoint("lost", "no_such_package:command", cli.COMMANDS_GROUP)
    wrong = EntryPoint("wrong", "json:dumps", cli.COMMANDS_GROUP)

    def entry_points(group: str) -> list[EntryPoint]:
        assert group == cli.COMMANDS_GROUP
        return [here, lost, wrong]

    monkeypatch.setattr(cli, "entry_points", entry_points)
    logger = logging.getLogger("nightmail")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


class _EntryPoint(EntryPoint):
    def load(self) -> Any:
        return _end


def run(*args: str) -> Any:
    """Run the command in this process; its exit code."""
    with pytest.raises(SystemExit) as caught:
        cli.main(args)
    return caught.value.code


@pytest.mark.usefixtures("doors")
def test_a_result_goes_to_stdout_and_progress_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Plain lines; what a command returns is not its exit code."""
    code = run("end", "well")

    assert code == 0
    assert capsys.readouterr() == ("result\n", "working\nWarning: something is odd\n")


@pytest.mark.usefixtures("doors")
def test_quiet_leaves_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress is not shown."""
    run("--quiet", "end", "well")

    assert capsys.readouterr().err == "Warning: something is odd\n"


@pytest.mark.usefixtures("doors")
def test_verbose_shows_detail(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines for those who look for a fault."""
    run("-v", "end", "well")

    assert "in detail\n" in capsys.readouterr().err


@pytest.mark.usefixtures("doors")
def test_quiet_and_verbose_exclude_each_other() -> None:
    """Wrong use."""
    assert run("-q", "-v", "end", "well") == 2


@pytest.mark.usefixtures("doors")
@pytest.mark.parametrize(
    ("how", "code", "last"),
    [
        ("refused", 2, "Error: There is no servers."),
        ("away", 5, "Error: Kafka does not answer."),
        ("interrupted", 130, "Interrupted."),
    ],
)
def test_an_error_of_ours_is_one_sentence(
    how: str, code: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and the exit code of its kind."""
    assert run("end", how) == code

    out, err = capsys.readouterr()
    assert out == ""
    assert err.rstrip("\n").endswith(last)
    assert "Traceback" not in err


@pytest.mark.usefixtures("doors")
def test_verbose_shows_where_an_error_came_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With its cause."""
    run("-v", "end", "away")

    assert "OSError: refused" in capsys.readouterr().err


@pytest.mark.usefixtures("doors")
@pytest.mark.parametrize(
    ("how", "error"), [("bug", ZeroDivisionError), ("socket", ConnectionError)]
)
def test_a_bug_is_not_hidden(how: str, error: type[Exception]) -> None:
    """Python shows its traceback, of a socket's broken pipe too."""
    with pytest.raises(error):
        cli.main(["end", how])


@pytest.mark.usefixtures("doors")
def test_a_command_may_choose_its_exit_code() -> None:
    """By click's own means."""
    assert run("end", "seven") == 7


@pytest.mark.usefixtures("doors")
def test_an_unknown_command_suggests_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong use, exit 2."""
    assert run("edn") == 2
    assert "There is no command edn. Did you mean end?" in capsys.readouterr().err


@pytest.mark.usefixtures("doors")
def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that cannot be loaded too, with the reason."""
    assert run("--help") == 0

    lines = " ".join(capsys.readouterr().out.split())
    assert "end End in some way." in lines
    assert "lost (cannot be loaded: ModuleNotFoundError: No module named" in lines
    assert "wrong (cannot be loaded: json:dumps is not a click command)" in lines


@pytest.mark.usefixtures("doors")
def test_a_command_that_cannot_be_loaded_says_so_when_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever stands behind its name; other commands are not disturbed."""
    assert run("lost", "--night", "20260301", "--help") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Error: The command lost of no_such_package:command cannot be loaded:"
        " ModuleNotFoundError: No module named 'no_such_package'."
    )


def _python(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, check=False, **options
    )


def test_python_m_is_the_same_command() -> None:
    """The version, under the command's own name."""
    done = _python("-m", "nightmail", "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nightmail 0.")


def test_a_reader_that_went_away_ends_the_command_quietly() -> None:
    """As when `head` has seen enough."""
    code = (
        "import click, sys\n"
        "from nightmail import cli\n"
        "@cli.nightmail.command()\n"
        "def talk():\n"
        "    for _ in range(100_000): print('alert')\n"
        "cli.main(['talk'])\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_importing_is_light() -> None:
    """The package and its command load nothing heavy, though it is installed here."""
    code = (
        "import sys, nightmail, nightmail.cli\n"
        f"print(*(name for name in {HEAVY} if name in sys.modules))"
    )

    done = _python("-c", code)

    assert (done.stderr, done.stdout.strip()) == ("", "")


def test_avro_without_pyarrow_says_what_to_install() -> None:
    """Alerts are read without it; what needs it names the extra."""
    code = "import sys; sys.modules['pyarrow'] = None; import nightmail.avro"

    done = _python("-c", code)

    assert done.stderr.splitlines()[-1] == (
        "ImportError: nightmail.avro needs pyarrow; install it by:"
        " pip install 'nightmail[arrow]'"
    )
