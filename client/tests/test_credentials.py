"""Credentials are kept for their owner only, and those of other clients are read."""

import logging
import stat
from pathlib import Path

import pytest

from nightmail import ConfigError, credentials

EIGHT = """\
username: ada
password: null
group_id: ada_group
mytopics: [fink_a_ztf, fink_b_ztf]
servers: kafka.example.org:9092
maxtimeout: 10
"""
"""As fink-client 8 writes `credentials.yml`."""

TEN = """\
survey: lsst
username: ada
password: null
group_id: ada_group
mytopics: [fink_a_lsst]
servers: kafka.example.org:9092
maxtimeout: 5
"""
"""As fink-client 10 writes `lsst_credentials.yml`."""

TWELVE = """\
survey: ztf
username: ada
groupid: ada_group
servers: kafka.example.org:9092
maxtimeout: 30
topics:
  fink_a_ztf:
    slack: {token: xoxb-1, channel: '#sn'}
"""
"""As fink-client 12 writes `ztf_credentials.yml`."""

WORD = "geheim"
"""A password."""

COMMON = {
    "bootstrap.servers": "kafka.example.org:9092",
    "group.id": "ada_group",
    "username": "ada",
}
"""What all three say."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home folder that has nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".finkclient").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "credentials.yml",
            EIGHT,
            {"survey": "ztf", "topics": ["fink_a_ztf", "fink_b_ztf"], "maxtimeout": 10},
        ),
        (
            "lsst_credentials.yml",
            TEN,
            {"survey": "lsst", "topics": ["fink_a_lsst"], "maxtimeout": 5},
        ),
        (
            "ztf_credentials.yml",
            TWELVE,
            {"survey": "ztf", "topics": ["fink_a_ztf"], "maxtimeout": 30},
        ),
    ],
)
def test_files_of_all_existing_clients_are_read(
    home: Path, name: str, text: str, expected: dict[str, object]
) -> None:
    """From where those clients put them; a bot's token is left there."""
    (home / ".finkclient" / name).write_text(text)

    found = credentials.load()

    assert found == COMMON | expected


def test_a_file_for_two_clients_at_once_is_read(home: Path) -> None:
    """The spelling that is filled counts, whichever comes first."""
    (home / ".finkclient" / "ztf_credentials.yml").write_text(
        "survey: ztf\nservers: h:1\ngroup_id: mine\ngroupid: ''\n"
        "mytopics: [fink_a_ztf]\ntopics: {}\n"
    )

    found = credentials.load("ztf")

    assert (found["group.id"], found["topics"]) == ("mine", ["fink_a_ztf"])


def test_properties_of_librdkafka_pass(tmp_path: Path) -> None:
    """A file written as JSON is read as well."""
    file = tmp_path / "mine.json"
    file.write_text(
        '{"bootstrap.servers": "h:1", "group.id": "g", "ssl.ca.location": "ca.pem"}'
    )

    found = credentials.load(path=file)

    assert found["ssl.ca.location"] == "ca.pem"


def test_ours_goes_before_theirs(home: Path) -> None:
    """Who registers anew is heard."""
    (home / ".finkclient" / "credentials.yml").write_text(EIGHT)
    credentials.save("ztf", servers="new:1", group="new")

    found = credentials.load("ztf")

    assert found == {
        "bootstrap.servers": "new:1",
        "group.id": "new",
        "survey": "ztf",
    }


def test_only_the_owner_reads_the_file(home: Path) -> None:
    """Its mode is 600, also where the file was there before and was open to all."""
    file = credentials.default_file()
    file.parent.mkdir(parents=True)
    file.write_text("ztf: {servers: 'h:1'}\n")
    file.chmod(0o644)

    credentials.save("ztf", group_id="g")

    assert file.is_relative_to(home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_file_of_another_client_is_not_written(home: Path) -> None:
    """That client could not read it any more."""
    file = home / ".finkclient" / "credentials.yml"
    file.write_text(EIGHT)

    with pytest.raises(ConfigError, match="is another client's"):
        credentials.save("ztf", path=file, maxtimeout=5)

    assert file.read_text() == EIGHT


def test_several_surveys_are_kept_side_by_side(tmp_path: Path) -> None:
    """A second one leaves the first, and what is not given again stays."""
    file = tmp_path / "mine.yml"
    credentials.save("ztf", path=file, servers="z:1", group_id="g", username="ada")
    credentials.save("lsst", path=file, servers="l:1", groupid="g")

    credentials.save("ztf", path=file, mytopics=["fink_a_ztf"])

    assert credentials.load("lsst", file)["bootstrap.servers"] == "l:1"
    assert credentials.load("ztf", file) == {
        "bootstrap.servers": "z:1",
        "group.id": "g",
        "username": "ada",
        "topics": ["fink_a_ztf"],
        "survey": "ztf",
    }


def test_of_several_surveys_one_must_be_said(tmp_path: Path) -> None:
    """The message names them."""
    file = tmp_path / "mine.yml"
    for survey in credentials.SURVEYS:
        credentials.save(survey, path=file, servers="h:1", group_id="g")

    with pytest.raises(ConfigError, match="for lsst and ztf; say which one"):
        credentials.load(path=file)


def test_a_value_of_none_takes_it_away(tmp_path: Path) -> None:
    """A password that was given to an anonymous listener, say."""
    file = tmp_path / "mine.yml"
    credentials.save("ztf", path=file, servers="h:1", group_id="g", password="x" * 9)

    credentials.save("ztf", path=file, password=None)

    assert "password" not in credentials.load("ztf", file)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Neither in a traceback nor in a notebook."""
    file = tmp_path / "mine.yml"
    credentials.save("ztf", path=file, servers="h:1", group_id="g", password=WORD)

    found = credentials.load("ztf", file)

    assert found["password"] == WORD
    assert "geheim" not in repr(found)
    assert "***" in repr(found)


def test_a_broken_file_does_not_show_its_lines(tmp_path: Path) -> None:
    """The line that is no YAML may be the one with the password."""
    file = tmp_path / "mine.yml"
    file.write_text("password: 'geheim\n")

    with pytest.raises(ConfigError) as caught:
        credentials.load("ztf", file)

    assert str(caught.value) == f"{file} holds no credentials; register again."
    assert "geheim" not in str(caught.value.__cause__)


def test_a_password_that_others_can_read_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The existing clients leave it so."""
    file = tmp_path / "ztf_credentials.yml"
    file.write_text("servers: h:1\ngroup_id: g\npassword: geheim\n")
    file.chmod(0o644)

    with caplog.at_level(logging.WARNING, "nightmail"):
        credentials.load("ztf", file)

    assert caplog.messages == [
        f"Others can read your password in {file}: chmod 600 it."
    ]


def test_without_credentials_it_says_how_to_get_some(home: Path) -> None:
    """With the command that there is."""
    assert home.exists()

    with pytest.raises(ConfigError, match=r"for lsst; register first: nightmail regis"):
        credentials.load("lsst")


def test_an_unknown_survey_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="valid: ztf, lsst"):
        credentials.load("sdss")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"servers": "."}, "bootstrap.servers is missing"),
        ({"servers": "h:1"}, "group.id is missing"),
        ({"server": "h:1"}, "server is unknown"),
        ({"servers": "h:1", "group": "g", "maxtimeout": "soon"}, "maxtimeout must be"),
    ],
)
def test_what_cannot_work_is_not_kept(
    tmp_path: Path, values: dict[str, str], reason: str
) -> None:
    """It is said at once, and nothing is written."""
    file = tmp_path / "mine.yml"

    with pytest.raises(ConfigError, match=reason):
        credentials.save("ztf", path=file, **values)

    assert not file.exists()


def test_without_a_home_a_file_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither reading nor keeping needs $HOME."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    file = tmp_path / "mine.yml"
    credentials.save("ztf", path=file, servers="h:1", group_id="g")

    assert credentials.load(path=file)["group.id"] == "g"
    with pytest.raises(ConfigError, match="no home folder"):
        credentials.save("ztf", servers="h:1", group_id="g")
    with pytest.raises(ConfigError, match="no credentials"):
        credentials.load()
