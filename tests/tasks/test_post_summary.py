"""A summary is posted once, to a real HTTP server that speaks like Slack."""

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import tasks.call_slack
from archive.summary import Summary
from settings.errors import SlackPostError, SlackUnavailableError
from settings.model import Archive, Settings, Slack
from tasks.call_slack import OutcomeUnknownError
from tasks.post_summary import marker_file, post_summary

TOKEN = "xoxb-1234-very-secret"  # noqa: S105 - of no one
Answer = tuple[int, dict[str, str], Any]
OK: Answer = (200, {}, {"ok": True, "channel": "C1", "ts": "17.5"})


@dataclass
class FakeSlack:
    """What was asked, and what is answered next; then always `OK`."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    url: str = ""

    def methods(self) -> list[str]:
        """Names of what was called."""
        return [method for method, _ in self.calls]


class Handler(BaseHTTPRequestHandler):
    """Answers Slack's way; `None` closes the connection without an answer."""

    slack: FakeSlack

    def do_POST(self) -> None:
        """Note the call, give the next answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.slack.calls.append((self.path.rpartition("/")[2], json.loads(body)))
        self.slack.tokens.add(self.headers["Authorization"])
        status, headers, answer = (self.slack.answers or [OK]).pop(0)
        if answer is None:
            self.close_connection = True
            return
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    fake = FakeSlack()
    handler = type("OneSlack", (Handler,), {"slack": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/api"
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(slack: FakeSlack, tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path,
        archive=Archive(uri=str(tmp_path / "archive")),
        slack=Slack(token=SecretStr(TOKEN), channel="#nights", base_url=slack.url),
    )


@pytest.fixture
def summary() -> Summary:
    return Summary(
        survey="ztf",
        night="20260301",
        day_obs="20260228",
        status="empty",
        files=1,
        alerts=0,
        kept=0,
        generation=0,
        classes={},
    )


def ignore(_: str) -> None:
    """Take a text."""


def refused(code: str, status: int = 200) -> Answer:
    return (status, {}, {"ok": False, "error": code})


def test_posted_once(slack: FakeSlack, settings: Settings, summary: Summary) -> None:
    """The same summary is posted the first time only."""
    outcomes = [post_summary(summary, settings, say=ignore) for _ in range(3)]

    assert outcomes == ["posted", "unchanged", "unchanged"]
    ((method, message),) = slack.calls
    assert method == "chat.postMessage"
    assert message["channel"] == "#nights"
    assert message["text"].startswith("ZTF night 20260301: empty")
    assert slack.tokens == {f"Bearer {TOKEN}"}


def test_changed_summary_changes_the_message(
    slack: FakeSlack, settings: Settings, summary: Summary
) -> None:
    """Another summary of the same night goes into the message that is there."""
    post_summary(summary, settings, say=ignore)

    outcome = post_summary(replace(summary, alerts=9), settings, say=ignore)

    method, message = slack.calls[-1]
    assert (outcome, method) == ("changed", "chat.update")
    assert (message["channel"], message["ts"]) == ("C1", "17.5")


def test_deleted_message_is_posted_anew(
    slack: FakeSlack, settings: Settings, summary: Summary
) -> None:
    """A message that somebody has deleted cannot be changed."""
    post_summary(summary, settings, say=ignore)
    slack.answers.append(refused("message_not_found"))

    outcome = post_summary(replace(summary, alerts=9), settings, say=ignore)

    assert outcome == "posted"
    assert slack.methods() == ["chat.postMessage", "chat.update", "chat.postMessage"]


def test_every_channel_has_its_own_message(
    slack: FakeSlack, settings: Settings, summary: Summary
) -> None:
    """What was posted in one channel is posted in another, once."""
    other = settings.slack.model_copy(update={"channel": "#other"})
    elsewhere = settings.model_copy(update={"slack": other})

    outcomes = [
        post_summary(summary, each, say=ignore)
        for each in (settings, elsewhere, settings, elsewhere)
    ]

    assert outcomes == ["posted", "posted", "unchanged", "unchanged"]
    assert [message["channel"] for _, message in slack.calls] == ["#nights", "#other"]


def test_without_a_token_it_is_printed(
    slack: FakeSlack, settings: Settings, summary: Summary
) -> None:
    """The same message as text, and the name of the setting."""
    no_token = settings.model_copy(update={"slack": Slack()})
    said: list[str] = []

    assert post_summary(summary, no_token, say=said.append) == "printed"

    assert "slack.token" in said[0]
    assert said[2].startswith("ZTF night 20260301: empty\n0 of 0 alerts kept")
    assert slack.calls == []


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("invalid_auth", r"invalid_auth; check slack\.token"),
        ("channel_not_found", r"#nights: channel_not_found; check slack\.channel"),
        ("not_in_channel", "invite the bot"),
        ("something_new", "chat.postMessage in #nights: something_new"),
    ],
)
def test_refusals_say_what_to_do(
    slack: FakeSlack, settings: Settings, summary: Summary, code: str, advice: str
) -> None:
    """Slack's refusal is one sentence, and the next run tries again."""
    slack.answers.append(refused(code))

    with pytest.raises(SlackPostError, match=advice):
        post_summary(summary, settings, say=ignore)

    assert post_summary(summary, settings, say=ignore) == "posted"


@pytest.mark.parametrize(
    "answer",
    [
        refused("internal_error"),
        refused("service_unavailable", 503),
        (502, {}, "<html>Bad Gateway</html>"),
        (429, {"Retry-After": "3600"}, {"ok": False, "error": "ratelimited"}),
        (429, {}, "slow down"),
    ],
)
def test_trouble_passes(
    slack: FakeSlack, settings: Settings, summary: Summary, answer: Answer
) -> None:
    """What goes away by itself may be tried again, and is then posted."""
    slack.answers.append(answer)

    with pytest.raises(SlackUnavailableError) as caught:
        post_summary(summary, settings, say=ignore)

    assert caught.value.exit_code == 5
    assert post_summary(summary, settings, say=ignore) == "posted"


def test_short_wait_is_waited(
    slack: FakeSlack,
    settings: Settings,
    summary: Summary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where Slack asks for two seconds, it is called again after two seconds."""
    waits: list[float] = []
    call = tasks.call_slack.call_slack
    monkeypatch.setattr(
        "tasks.post_summary.call_slack",
        lambda *args, **words: call(*args, pause=waits.append, **words),
    )
    slack.answers.append((429, {"Retry-After": "2"}, {"ok": False}))

    assert post_summary(summary, settings, say=ignore) == "posted"

    assert waits == [2.0]
    assert slack.methods() == ["chat.postMessage", "chat.postMessage"]


def test_unanswered_post_is_not_repeated(
    slack: FakeSlack, settings: Settings, summary: Summary
) -> None:
    """Slack may have taken it: the next run says so, and how to post it again."""
    slack.answers.append((0, {}, None))
    said: list[str] = []

    with pytest.raises(OutcomeUnknownError, match="look into the channel"):
        post_summary(summary, settings, say=ignore)
    assert post_summary(summary, settings, say=said.append) == "unknown"

    marker = marker_file(settings.archive_root(), summary)
    assert str(marker) in said[0]
    assert len(slack.calls) == 1
    marker.unlink()
    assert post_summary(summary, settings, say=ignore) == "posted"


def test_nobody_listens(settings: Settings, summary: Summary) -> None:
    """A refused connection is surely no message: it may be tried again."""
    nowhere = settings.slack.model_copy(update={"base_url": "http://127.0.0.1:1/"})
    closed = settings.model_copy(update={"slack": nowhere})

    with pytest.raises(SlackUnavailableError, match=r"127\.0\.0\.1:1"):
        post_summary(summary, closed, say=ignore)

    assert post_summary(summary, settings, say=ignore) == "posted"


def test_broken_marker(settings: Settings, summary: Summary) -> None:
    """Without knowing what was posted nothing is posted."""
    file = marker_file(settings.archive_root(), summary)
    file.parent.mkdir(parents=True)
    file.write_text("[]")

    with pytest.raises(SlackPostError, match="cannot be read"):
        post_summary(summary, settings, say=ignore)


@pytest.mark.parametrize(
    "answer",
    [OK, refused("invalid_auth"), (500, {}, "trouble"), (0, {}, None)],
)
def test_token_is_nowhere(
    slack: FakeSlack,
    settings: Settings,
    summary: Summary,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
) -> None:
    """Neither in the log at its chattiest nor in any error's trace."""
    caplog.set_level(logging.DEBUG)
    slack.answers.append(answer)
    trace = ""

    try:
        post_summary(summary, settings, say=logging.getLogger("nightmail").info)
    except (SlackPostError, SlackUnavailableError):
        trace = traceback.format_exc()

    assert TOKEN not in caplog.text + trace + repr(settings)


@pytest.mark.parametrize("end", ["\n", "é", " x", "\x00"])
def test_token_that_is_no_header(
    settings: Settings, summary: Summary, end: str
) -> None:
    """A token that Python's HTTP would quote in its refusal does not get there."""
    wrong = settings.slack.model_copy(update={"token": SecretStr(TOKEN + end)})

    with pytest.raises(SlackPostError, match=r"slack\.token") as caught:
        post_summary(summary, settings.model_copy(update={"slack": wrong}), say=ignore)

    assert TOKEN not in "".join(traceback.format_exception(caught.value))
