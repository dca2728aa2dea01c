"""The token stands in no log, traceback, repr or file."""

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from client.tests.slack_api import Drop, Fault, RateLimit, Refuse, SlackApi, Status
from nightmail import SlackError
from nightmail.slack import SlackClient, send_slack_alerts

FAULTS = {
    "well": None,
    "refused": Refuse("invalid_auth"),
    "scope": Refuse("missing_scope", {"needed": "chat:write", "provided": "a"}),
    "limited": RateLimit(3600),
    "down": Status(500),
    "page": Status(200),
    "elsewhere": Status(404),
    "dropped": Drop(),
}
"""What may come back from Slack."""


def post(client: SlackClient) -> None:
    client.send_message("#rrlyr", "x")


def alerts(client: SlackClient) -> None:
    columns = {"objectId": ["a"], "ra": [1.0], "dec": [2.0], "cdsxmatch": ["RRLyr"]}
    send_slack_alerts(pd.DataFrame(columns), client=client)


def upload(client: SlackClient) -> None:
    client.upload("#rrlyr", "a.png", b"x", title="A")


def everything(error: BaseException) -> str:
    """Trace of an error, with all that led to it and every local variable."""
    parts = traceback.format_exception(error)
    linked: BaseException | None = error
    while linked is not None:
        parts += [
            repr(frame.f_locals) for frame, _ in traceback.walk_tb(linked.__traceback__)
        ]
        parts.append(repr(vars(linked)))
        linked = linked.__cause__ or linked.__context__
    return "".join(parts)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("act", [post, alerts, upload])
@pytest.mark.parametrize(
    "method", ["conversations.list", "chat.postMessage", "files.getUploadURLExternal"]
)
def test_nowhere(
    slack: SlackApi,
    caplog: pytest.LogCaptureFixture,
    act: Callable[[SlackClient], None],
    method: str,
    fault: Fault | None,
) -> None:
    """Not in the log at its chattiest, nor in any error with all that hangs on it."""
    caplog.set_level(logging.DEBUG)
    client = SlackClient(
        slack.token, base_url=slack.url, patience=1, pause=lambda _: None
    )
    slack.plan(method, *[fault] * 5)
    seen = repr(client)

    try:
        act(client)
    except SlackError as error:
        # This test's own frame knows the token.
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        seen += everything(error)

    assert "SlackClient" in seen
    assert slack.token not in seen + caplog.text


SCRIPT = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from nightmail.slack import get_slack_client
client = get_slack_client()
print(client, vars(client).keys())
for target in sys.argv[1:]:
    client.send_message(target, "x")
"""


@pytest.mark.parametrize("target", ["#rrlyr", "#missing"])
def test_no_stream_and_no_file(slack: SlackApi, tmp_path: Path, target: str) -> None:
    """A program that logs everything, and ends on an error, shows and writes none."""
    ours = {"SLACK_API_TOKEN": slack.token, "NIGHTMAIL_SLACK__BASE_URL": slack.url}

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, target],
        cwd=tmp_path,
        env=os.environ | ours | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == (target == "#missing")
    assert {call.token for call in slack.calls} == {slack.token}
    assert slack.token not in done.stdout + done.stderr
    assert [path for path in tmp_path.rglob("*") if is_written(path, slack.token)] == []


def is_written(path: Path, token: str) -> bool:
    """Whether a file holds the token."""
    return path.is_file() and token.encode() in path.read_bytes()


def test_the_test_would_see_it() -> None:
    """A token in a local variable of a frame is found in what the test looks at."""

    def fail(secret: str) -> Any:
        raise SlackError(str(len(secret)))

    with pytest.raises(SlackError) as caught:
        fail("xoxb-seen")

    assert "xoxb-seen" in everything(caught.value)
