"""`nightmail access`, as in a shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.commands.test_users import logs_in

pytestmark = pytest.mark.kafka

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path, name: str) -> str:
    """Write a file that wishes one user who reads one topic."""
    path = tmp_path / "access.toml"
    path.write_text(f'[users.{name}]\nreads = ["{name}_*"]\n')
    return str(path)


def test_planned_applied_and_done(run: Run, file: str, name: str) -> None:
    """The diff is shown, then made so; the password is shown once and logs in."""
    planned = run("access", "plan", file).stdout
    applied = run("access", "apply", file).stdout
    again = run("access", "apply", file).stdout

    diff = [line for line in planned.splitlines() if line.startswith("+")]
    assert diff == [
        f"+ user {name}",
        f"+ right: {name} may read group {name}",
        f"+ right: {name} may read group {name}_*",
        f"+ right: {name} may read topic {name}_*",
    ]
    assert applied.startswith("\n".join(diff))
    [told] = [line for line in applied.splitlines() if "shown only now" in line]
    assert logs_in(name, told.rpartition(" ")[2])
    assert again.startswith("All is as the file says.\n")
    assert "shown only now" not in again


def test_for_scripts(run: Run, file: str, name: str) -> None:
    """The plan and the passwords as JSON."""
    planned = json.loads(run("access", "plan", file, "--json").stdout)
    applied = json.loads(run("access", "apply", file, "--json").stdout)

    assert planned["changes"][0] == {"sign": "+", "what": f"user {name}"}
    assert applied["changes"] == planned["changes"]
    assert list(applied["passwords"]) == [name]


def test_pruning_asks(run: Run, file: str, name: str) -> None:
    """No answer removes nothing."""
    other = f"{name}_other"
    run("users", "add", other)

    asked = run("access", "apply", file, "--prune", stdin="n\n", code=1)
    users = run("users", "list").stdout

    assert f"- user {other} and all its rights" in asked.stdout
    assert other in users
    run("users", "remove", other, "--yes")


def test_mistakes_end_with_2(run: Run, tmp_path: Path) -> None:
    """So does a file that is not there."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("anonimous = true\n")

    run("access", "plan", str(wrong), code=2)
    run("access", "apply", str(tmp_path / "none.toml"), code=2)
