"""Operators hear of a night that failed or crashed, or that did not run."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from client.tests.slack_api import SlackApi
from flows import notices
from flows.nightly import nightly
from flows.notices import (
    night_of,
    tell_crashed,
    tell_failed,
    tell_not_run,
    tell_sweep_failed,
)
from flows.sweep import sweep
from nightmail import BrokerUnavailableError
from settings.errors import NewerRunError, NightError
from settings.load import load
from tests.flows.test_sweep import State

DUE = dt.datetime(2026, 3, 1, 20, 30, tzinfo=dt.UTC)
"""12:30 at Palomar."""


@dataclass(frozen=True)
class FlowRun:
    """What Prefect knows of a run."""

    parameters: dict[str, Any] = field(
        default_factory=lambda: {"survey": "ztf", "night": "20260228"}
    )
    expected_start_time: dt.datetime = DUE


@pytest.fixture
def slack(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SlackApi]:
    """Give a Slack that the settings in force lead to."""
    archive = tmp_path_factory.mktemp("notices")
    with SlackApi() as api:
        api.add_channel("ops")
        monkeypatch.setenv("NIGHTMAIL_ARCHIVE__URI", str(archive))
        monkeypatch.setenv("NIGHTMAIL_SLACK__TOKEN", api.token)
        monkeypatch.setenv("NIGHTMAIL_SLACK__BASE_URL", api.url)
        monkeypatch.setenv("NIGHTMAIL_SLACK__OPERATORS", "#ops")
        yield api


def told(slack: SlackApi) -> list[str]:
    """First lines of what the operators were told."""
    return [message["text"] for message in slack.posted("ops")]


def failed(*errors: Exception) -> State:
    """State of a night with failed steps."""
    steps = [State(error, failed=True) for error in errors]
    return State([State(1), *steps], failed=True)


def test_prefect_calls_them() -> None:
    """The flows have a hook for each way to end badly."""
    assert nightly.on_failure_hooks == [tell_failed]
    assert nightly.on_crashed_hooks == [tell_crashed]
    assert sweep.on_failure_hooks == [tell_sweep_failed]


def test_a_failed_night_is_told(slack: SlackApi) -> None:
    """With every failure, and how to run it again; the same once."""
    for _ in range(2):
        tell_failed(None, FlowRun(), failed(NightError("Odd."), NightError("Odder.")))

    (message,) = slack.posted("ops")
    assert message["text"] == "ZTF night 20260228: failed. Odd."
    shown = str(message["blocks"])
    assert "Odder." in shown
    assert "nightmail night --survey ztf --night 20260228" in shown


def test_a_crashed_night_is_told(slack: SlackApi) -> None:
    """With what Prefect says of it."""
    state = State(failed=True, message="Terminated by SIGTERM.")

    tell_crashed(None, FlowRun(), state)

    assert told(slack) == ["ZTF night 20260228: crashed. Terminated by SIGTERM."]


def test_a_newer_run_is_no_failure(slack: SlackApi) -> None:
    """The night is in good hands."""
    tell_failed(None, FlowRun(), State(NewerRunError("Newer."), failed=True))

    assert told(slack) == []


def test_a_scheduled_run_is_named_by_when_it_was_due() -> None:
    """As its flow names it."""
    assert night_of(FlowRun({"survey": "ztf"})) == "20260301"
    assert night_of(FlowRun({"survey": "ztf", "night": "20251231"})) == "20251231"


def test_a_night_that_could_not_begin_is_told(slack: SlackApi) -> None:
    """By the command line, before there is a flow."""
    error = BrokerUnavailableError("Kafka at x:1 does not answer.")

    notices.tell(load(), "ztf", "20260301", error)

    assert told(slack) == [
        "ZTF night 20260301: failed. Kafka at x:1 does not answer.",
    ]


def test_nights_that_did_not_run_are_told_together(slack: SlackApi) -> None:
    """In one message; where there are none, in none."""
    tell_not_run(load(), "lsst", ["20260227", "20260228"])
    tell_not_run(load(), "lsst", [])

    (text,) = told(slack)
    assert text.startswith("LSST night 20260228: did not run. There is no summary of")
    assert "20260227, 20260228" in text


def test_a_sweep_that_could_not_be_done_is_told(slack: SlackApi) -> None:
    """Where it was done, each night that failed has told it."""
    run = FlowRun({"survey": "ztf"})

    tell_sweep_failed(None, run, State(("swept",), failed=True))
    tell_sweep_failed(None, run, State(NightError("No store."), failed=True))

    (message,) = slack.posted("ops")
    assert message["text"] == "ZTF night 20260301: not swept. No store."
    assert "nightmail sweep --survey ztf" in str(message["blocks"])


def test_settings_that_are_wrong_are_said(
    slack: SlackApi,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are mostly why it failed: a hook cannot do more than say so."""
    monkeypatch.setenv("NIGHTMAIL_SLACK__CHANEL", "#x")

    tell_failed(None, FlowRun(), failed(NightError("Odd.")))

    assert "The operators were not told: NIGHTMAIL_SLACK__CHANEL" in caplog.text
    assert slack.calls == []
