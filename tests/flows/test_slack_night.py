"""A night by the command, from the store to Slack: posted once, operators told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.summary import read_summary
from client.tests.slack_api import RateLimit, Refuse, SlackApi
from settings.model import Settings
from tests.flows.conftest import Run
from tests.flows.test_endings import PICKY
from tests.flows.test_secrets import _find, _watching

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

NIGHT = ("nightmail", "night", "--survey", "ztf", "--night", "20260301")


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with a channel for nights and one for operators."""
    with SlackApi() as api:
        api.add_channel("nightmail")
        api.add_channel("ops")
        yield api


@pytest.fixture
def variables(slack: SlackApi) -> dict[str, str]:
    """Give the variables that lead there."""
    return {
        "NIGHTMAIL_SLACK__TOKEN": slack.token,
        "NIGHTMAIL_SLACK__BASE_URL": slack.url,
        "NIGHTMAIL_SLACK__OPERATORS": "#ops",
    }


def test_a_night_is_posted_once_and_its_failure_told_once(  # noqa: PLR0913, PLR0917
    slack: SlackApi,
    variables: dict[str, str],
    run: Run,
    plugin: Callable[[str], str],
    settings: Settings,
    simulated_night: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """A failing filter is in the message and in the notice; a second run adds none.

    The token is in no log, file, database, artifact or command line.
    """
    simulated_night(alerts=200)
    mine = variables | {
        "PYTHONPATH": plugin(PICKY),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
    }

    with _watching() as seen:
        first = run(*NIGHT, **mine)
        posted = [message["ts"] for message in slack.posted()]
        second = run(*NIGHT, **mine)

    assert (first.returncode, second.returncode) == (1, 1), first.stderr
    lead, *_ = slack.posted("nightmail")
    assert lead["text"].startswith("ZTF night 20260301: failed.")
    assert "one row is odd" in str(lead["blocks"])
    (notice,) = slack.posted("ops")
    assert notice["text"].startswith("ZTF night 20260301: failed. picky: ")
    assert len(slack.posted("nightmail", threads=False)) == 1
    assert [message["ts"] for message in slack.posted()] == posted
    said = first.stdout + first.stderr + second.stdout + second.stderr
    assert slack.token not in said
    assert [line for line in seen if slack.token in line] == []
    assert _find([slack.token], settings.state_dir, tmp_path) == []
    assert any(settings.archive_root().rglob("20260301.slack.json"))


def test_slack_never_undoes_a_night(
    slack: SlackApi,
    variables: dict[str, str],
    run: Run,
    settings: Settings,
    simulated_night: Callable[..., Path],
) -> None:
    """Refused or asked to wait an hour: the night is complete, and posted later."""
    simulated_night(alerts=100)
    slack.plan("chat.postMessage", Refuse("is_archived"), None, RateLimit(3600))

    refused = run(*NIGHT, **variables)
    summary = read_summary(settings.archive_root(), "ztf", "20260301")
    busy = run(*NIGHT, **variables)
    posted = run(*NIGHT, **variables)

    assert (refused.returncode, busy.returncode, posted.returncode) == (1, 5, 0)
    assert summary is not None
    assert summary.status == "complete"
    assert read_summary(settings.archive_root(), "ztf", "20260301") == summary
    assert "unarchive it" in refused.stderr
    assert len(slack.posted("nightmail", threads=False)) == 1
