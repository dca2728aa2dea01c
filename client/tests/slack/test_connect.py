"""The client comes from the environment; importing it costs nothing."""

import logging
import subprocess
import sys

import pandas as pd
import pytest

from client.tests.slack_api import SlackApi
from nightmail.slack import Delivery, get_slack_client, send_slack_alerts

VARIABLES = ("NIGHTMAIL_SLACK__TOKEN", "NIGHTMAIL_SLACK__BASE_URL", "SLACK_API_TOKEN")

HEAVY = (
    "pandas",
    "pyarrow",
    "numpy",
    "numba",
    "pyspark",
    "slack_sdk",
    "confluent_kafka",
)
"""What neither a message to Slack nor a name of a channel needs."""


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what someone has set in a shell away from the tests."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token(
    token: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in the manual: None, and a line in the log; alerts are not posted."""
    if token is not None:
        monkeypatch.setenv("SLACK_API_TOKEN", token)
    alerts = pd.DataFrame(
        {"objectId": ["a"], "ra": [1.0], "dec": [2.0], "cdsxmatch": ["RRLyr"]}
    )

    assert get_slack_client() is None
    assert send_slack_alerts(alerts) == Delivery()

    said = "Nothing goes to Slack: SLACK_API_TOKEN is not set."
    assert caplog.messages == [said, said]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


@pytest.mark.parametrize("variable", ["SLACK_API_TOKEN", "NIGHTMAIL_SLACK__TOKEN"])
def test_the_token_of_the_environment(
    slack: SlackApi, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The manual's variable or ours; ours wins over the manual's."""
    monkeypatch.setenv("SLACK_API_TOKEN", "xoxb-other")
    monkeypatch.setenv(variable, slack.token)
    monkeypatch.setenv("NIGHTMAIL_SLACK__BASE_URL", slack.url)

    client = get_slack_client()

    assert client is not None
    client.send_message("#newsletter", "New version of Fink is released")
    assert {call.token for call in slack.calls} == {slack.token}


def test_importing_brings_nothing_heavy() -> None:
    """Not even slack_sdk, before something is sent."""
    code = (
        "import sys, nightmail.slack\n"
        "nightmail.slack.SlackClient('x')\n"
        f"print(*(name for name in {HEAVY} if name in sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []
