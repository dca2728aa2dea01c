"""A process that is killed while it posts leaves one message, and the next ends it."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.summary import Summary
from client.tests.slack_api import Hold, SlackApi
from tests.news.archived import archive_simulated_night

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NIGHT = "20260302"

POST = """
import os, signal, sys
from archive.summary import read_summary
from settings.load import load
from tasks.post_summary import post_summary

def die(point):
    if point == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

settings = load()
summary = read_summary(settings.archive_root(), "ztf", "20260302")
print(post_summary(summary, settings, at=die)["#nights"])
"""
"""Posts a night, and kills itself at a point."""


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """Archive of a night with a table, pictures and a thread."""
    root = tmp_path_factory.mktemp("killed") / "archive"
    also = ("everything",)
    return root, archive_simulated_night(root, "ztf", NIGHT, alerts=200, also=also)


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with the channel."""
    with SlackApi() as api:
        api.add_channel("nights")
        yield api


@pytest.fixture
def environment(
    slack: SlackApi, summary: tuple[Path, Summary], tmp_path: Path
) -> Iterator[dict[str, str]]:
    """Environment of a process that posts there; at the end, no record is left."""
    yield os.environ | {
        "NIGHTMAIL_STATE_DIR": str(tmp_path),
        "NIGHTMAIL_ARCHIVE__URI": str(summary[0]),
        "NIGHTMAIL_SLACK__TOKEN": slack.token,
        "NIGHTMAIL_SLACK__BASE_URL": slack.url,
        "NIGHTMAIL_SLACK__CHANNEL": "#nights",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    (summary[0] / "ztf" / "nights" / f"{NIGHT}.slack.json").unlink()


def start(environment: dict[str, str], point: str = "") -> "subprocess.Popen[str]":
    """Begin to post in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", POST, point],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shown(slack: SlackApi) -> Counter[str]:
    """Count what stands in the channel, by what it is."""
    parts: Counter[str] = Counter()
    for message in slack.posted("nights"):
        payload = message["metadata"]["event_payload"]
        parts[f"{payload['kind']} {payload['number']}"] += 1
    for message in slack.workspace.messages:
        parts.update(file["name"] for file in message.get("files", []))
    return parts


def check(slack: SlackApi, environment: dict[str, str]) -> None:
    """Post again, and find everything there once."""
    again = start(environment)
    out, err = again.communicate(timeout=60)

    assert again.returncode == 0, err
    assert out.strip() in {"posted", "changed", "unchanged"}
    found = shown(slack)
    assert set(found.values()) == {1}
    kinds = Counter(name.split()[0] for name in found if name[:4] in {"nigh", "part"})
    assert kinds["night"] == 1
    assert kinds["part"] >= 2
    names = sorted(name.rpartition("_")[0] for name in found if "." in name)
    night = f"ztf_{NIGHT}"
    assert names == [f"{night}_light_curves", f"{night}_objects", f"{night}_sky"]


@pytest.mark.parametrize(
    "point",
    ["intended", "lead sent", "lead recorded", "part sent", "file sent", "done"],
)
def test_killed_at_a_point(
    slack: SlackApi, environment: dict[str, str], point: str
) -> None:
    """Kill -9 there, then once more: one lead message, each part and file once."""
    killed = start(environment, point)
    killed.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    check(slack, environment)


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("chat.postMessage", 0),
        ("chat.postMessage", 1),
        ("files.completeUploadExternal", 1),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_killed_while_slack_is_asked(
    slack: SlackApi,
    environment: dict[str, str],
    method: str,
    number: int,
    *,
    done: bool,
) -> None:
    """Kill -9 with the answer still to come, whether Slack carried it out or not."""
    hold = Hold(done=done)
    slack.plan(method, *[None] * number, hold)
    killed = start(environment)

    assert hold.reached.wait(60)
    killed.kill()
    killed.communicate(timeout=60)
    hold.released.set()

    check(slack, environment)
