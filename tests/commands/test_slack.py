"""`nightmail slack`: what it prints, saves and posts, and how it ends."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.summary import Summary
from client.tests.slack_api import Refuse, SlackApi
from nightmail.cli import nightmail
from nightmail.slack import limits
from tests.news.archived import archive_simulated_night

NIGHT = "20260302"

Run = Callable[..., Result]


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with the default channel."""
    with SlackApi() as api:
        api.add_channel("nightmail")
        yield api


@pytest.fixture
def run(slack: SlackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give what runs `nightmail slack`; `code` is the exit code that is expected."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTMAIL_ARCHIVE__URI", str(tmp_path / "archive"))
    monkeypatch.setenv("NIGHTMAIL_SLACK__BASE_URL", slack.url)
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0)

    def run_words(
        *words: str, code: int = 0, token: str = slack.token, stdin: str = ""
    ) -> Result:
        monkeypatch.setenv("NIGHTMAIL_SLACK__TOKEN", token)
        done = CliRunner().invoke(nightmail, ["slack", *words], input=stdin)
        found = getattr(done.exception, "exit_code", done.exit_code)
        assert found == code, (done.output, done.exception)
        assert slack.token not in done.output + str(done.exception)
        return done

    return run_words


@pytest.fixture
def night(tmp_path: Path) -> Summary:
    """Archive a simulated night."""
    root = tmp_path / "archive"
    return archive_simulated_night(root, "ztf", NIGHT, alerts=100, also=["everything"])


def test_check_is_a_table(run: Run, slack: SlackApi) -> None:
    """What was looked at, whether it is there, and what to do."""
    lines = run("check").stdout.splitlines()

    assert lines[0].split() == ["what", "state"]
    assert lines[1].split()[:2] == ["token", "ok"]
    assert any(line.startswith("#nightmail ") for line in lines)
    assert slack.posted() == []


def test_check_of_what_is_missing(run: Run, slack: SlackApi) -> None:
    """Exit code 1; scripts get each finding as an object."""
    slack.scopes.discard("files:write")

    found = json.loads(run("check", "--json", code=1).stdout)

    missing = [one for one in found if one["state"] == "missing"]
    assert [one["what"] for one in missing] == ["scope files:write"]
    assert set(missing[0]) == {"what", "state", "advice"}


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("send", "#nightmail", "Hello."),
        ("post", "--survey", "ztf", "--night", NIGHT),
    ],
)
@pytest.mark.usefixtures("night")
def test_without_a_token(run: Run, words: tuple[str, ...]) -> None:
    """Exit code 2, naming the variable."""
    done = run(*words, code=2, token="")

    assert "NIGHTMAIL_SLACK__TOKEN" in str(done.exception)


def test_post(run: Run, slack: SlackApi, night: Summary) -> None:
    """A night that was run before is posted, and the second time is not."""
    words = ("post", "--survey", night.survey, "--night", NIGHT)

    first, second = run(*words), run(*words)

    assert first.stdout == "#nightmail: posted\n"
    assert second.stdout == "#nightmail: unchanged\n"
    assert len(slack.posted("nightmail", threads=False)) == 1


def test_post_that_is_refused(run: Run, slack: SlackApi, night: Summary) -> None:
    """Exit code 1, and what Slack says."""
    slack.plan("chat.postMessage", Refuse("not_in_channel"))

    done = run("post", "--survey", night.survey, "--night", NIGHT, code=1)

    assert "not_in_channel" in str(done.exception)


@pytest.mark.parametrize(
    ("survey", "name", "code"),
    [("sdss", NIGHT, 3), ("ztf", "tonight", 2), ("ztf", "20260303", 3)],
)
def test_a_night_that_is_not_there(run: Run, survey: str, name: str, code: int) -> None:
    """Wrong words and a night without a summary are told apart."""
    run("post", "--survey", survey, "--night", name, code=code)


def test_a_dry_run_saves_what_would_be_posted(
    run: Run, slack: SlackApi, night: Summary, tmp_path: Path
) -> None:
    """The exact JSON of each message, and the pictures; Slack hears nothing."""
    words = ("post", "--survey", night.survey, "--night", NIGHT)

    shown = run(*words, "--dry-run", token="").stdout

    assert shown.startswith("#nightmail\n\nZTF night 20260302: complete\n100 of 100")
    assert slack.calls == []
    folder = tmp_path / f"slack-ztf-{NIGHT}" / "nightmail"
    saved = {file.name: file for file in folder.iterdir()}
    night_name = f"ztf_{NIGHT}"
    assert {f"{night_name}_sky.png", f"{night_name}_light_curves.png"} <= set(saved)
    run(*words)
    posted = slack.posted("nightmail")
    messages = [saved[name] for name in sorted(saved) if name.endswith(".json")]
    assert len(messages) == len(posted) > 1
    for file, message in zip(messages, posted, strict=True):
        told = json.loads(file.read_text(encoding="utf-8"))
        limits.check(told)
        for name in ("text", "blocks", "metadata"):
            assert told[name] == message[name]


@pytest.mark.parametrize("text", ["Hello, *all*.", "-"])
def test_send(run: Run, slack: SlackApi, text: str) -> None:
    """A text of the command line, or one from standard input, as it is."""
    run("send", "#nightmail", text, stdin="Hello, *all*.")

    assert [message["text"] for message in slack.posted()] == ["Hello, *all*."]


def test_send_to_a_person(run: Run, slack: SlackApi) -> None:
    """By display name, as in the manual."""
    slack.add_user("bob", display_name="Bob", email="bob@example.org")

    for target in ("Bob", "@bob", "bob@example.org"):
        run("send", target, "Your submitted query is complete.")

    assert len({message["channel"] for message in slack.posted()}) == 1
    assert len(slack.posted()) == 3


def test_send_nothing(run: Run) -> None:
    """Exit code 2."""
    run("send", "#nightmail", "-", code=2)


def test_send_to_nobody(run: Run) -> None:
    """Exit code 1, naming who is near."""
    done = run("send", "#nightmial", "Hello.", code=1)

    assert "#nightmail" in str(done.exception)
