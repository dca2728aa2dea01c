"""`nightmail register`, in the words of all the manuals."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightmail import credentials
from nightmail.commands.register import register

WORD, STARS = "geheim", "***"
"""A password, and what is shown of it."""

KEPT = {
    "bootstrap.servers": "h:1,i:2",
    "group.id": "g",
    "username": "ada",
    "topics": ["fink_a_ztf", "fink_b_ztf"],
    "maxtimeout": 10,
    "survey": "ztf",
}
"""What the lines below say."""


@pytest.mark.parametrize(
    "line",
    [
        (
            "-username ada -group_id g -mytopics fink_a_ztf fink_b_ztf -servers h:1,i:2"
            " -maxtimeout 10 --verbose"
        ),
        (
            "-survey ztf -username ada -password None -group_id g -servers h:1,i:2"
            " -mytopics fink_a_ztf fink_b_ztf -maxtimeout 10 -log_level INFO"
        ),
        (
            "-survey ztf -username ada -groupid g -servers h:1,i:2 -maxtimeout 10"
            " --topics fink_a_ztf --topics fink_b_ztf -log_level WARN"
        ),
        (
            "--survey=ztf --username=ada --group=g --servers=h:1,i:2 --maxtimeout=10"
            " --topics fink_a_ztf fink_b_ztf"
        ),
    ],
    ids=["8", "10", "12", "ours"],
)
def test_every_manual_is_understood(tmp_path: Path, line: str) -> None:
    """Its line works with only the command's name changed."""
    file = tmp_path / "mine.yml"

    done = CliRunner().invoke(register, [*line.split(), "--credentials", str(file)])

    assert (done.exit_code, done.exception) == (0, None)
    assert done.output.endswith(f"Credentials stored at {file}\n")
    assert credentials.load(path=file) == KEPT


def test_lsst_is_known_by_its_topics(tmp_path: Path) -> None:
    """Without --survey."""
    file = tmp_path / "mine.yml"
    line = f"--servers h:1 --group g --topics fink_a_lsst --credentials {file}"

    CliRunner().invoke(register, line.split())

    assert credentials.load(path=file)["survey"] == "lsst"


def test_a_password_comes_from_stdin_and_is_not_shown(tmp_path: Path) -> None:
    """It is kept, and --json shows stars."""
    file = tmp_path / "mine.yml"
    line = f"--servers h:1 --group g --username ada --credentials {file}"

    done = CliRunner().invoke(
        register, [*line.split(), "--password-stdin", "--json"], input="geheim\n"
    )

    assert json.loads(done.stdout)["password"] == STARS
    assert "geheim" not in done.output
    assert credentials.load(path=file)["password"] == WORD


def test_a_password_on_the_line_is_kept_with_a_warning(tmp_path: Path) -> None:
    """As the oldest manual has it."""
    file = tmp_path / "mine.yml"
    line = f"-servers h:1 -group_id g -password geheim --credentials {file}"

    done = CliRunner().invoke(register, line.split())

    assert "use --ask-password next time" in done.stderr
    assert credentials.load(path=file)["password"] == WORD


def test_tmp_is_a_folder_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else reads it, and the line that is printed names it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    done = CliRunner().invoke(register, ["-servers", "h:1", "-group_id", "g", "--tmp"])

    [folder] = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert done.output == f"Credentials stored at {folder / 'credentials.yml'}\n"


def test_show_changes_nothing(tmp_path: Path) -> None:
    """It prints what is kept, one value a line."""
    file = tmp_path / "mine.yml"
    credentials.save("ztf", path=file, servers="h:1", group="g", topics=["a", "b"])
    before = file.read_bytes()

    done = CliRunner().invoke(register, ["--show", "--credentials", str(file)])

    assert done.output == (
        "bootstrap.servers: h:1\ngroup.id: g\nsurvey: ztf\ntopics: a b\n"
    )
    assert file.read_bytes() == before
