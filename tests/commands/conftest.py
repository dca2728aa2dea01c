"""Commands run as in a shell, on the one real Kafka."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightmail.cli import nightmail

Run = Callable[..., Result]

_numbers = itertools.count(1)


@pytest.fixture
def run(kafka_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give what runs `nightmail` with some words, and refuses to fail unseen.

    `code` is the exit code that is expected, `stdin` what is typed.
    """
    file = tmp_path / "nightmail.toml"
    file.write_text(f'state_dir = "{kafka_state}"\n')
    monkeypatch.setenv("NIGHTMAIL_SETTINGS", str(file))

    def run_words(*words: str, code: int = 0, stdin: str = "") -> Result:
        done = CliRunner().invoke(nightmail, words, input=stdin)
        found = getattr(done.exception, "exit_code", done.exit_code)
        assert found == code, (done.output, done.exception)
        return done

    return run_words


@pytest.fixture
def name() -> str:
    """Give a name that no other test takes, for a topic or a user."""
    return f"cmd{next(_numbers)}"
