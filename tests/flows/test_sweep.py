"""Several nights, one after the other: order, limit, failures, and what is deployed."""

import json
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from archive.slices import NightFolder
from archive.summary import read_summary
from cluster.access import KafkaAccess
from cluster.count import count_topics
from flows import sweep
from flows.ending import Ending, read_ending
from flows.sweep import SweptNight
from nightmail import BrokerUnavailableError
from settings.errors import NewerRunError, NightError, SlackUnavailableError
from settings.model import Settings
from settings.names import SURVEYS
from tasks.find_unfinished import UnfinishedNight
from tests.flows.conftest import Run
from tests.tasks.conftest import Walked, access, walk

__all__ = ["access", "walk"]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

GOOD = SweptNight(
    night="",
    status="complete",
    kept=0,
    delivered=0,
    changed=True,
    exit_code=0,
    failures=(),
    unreachable=False,
)
"""A night that went well, and in which something changed."""

SAME = replace(GOOD, changed=False)
"""One in which nothing did."""

BAD = replace(GOOD, status="failed", exit_code=1)
"""One that failed."""

NIGHTS = ("20260301", "20260302", "20260303", "20260304", "20260305", "20260306")
"""Nights of the store."""


class Stage:
    """What a sweep does where the nights' endings are told beforehand."""

    def __init__(self, **endings: SweptNight) -> None:
        self.endings = endings
        self.did: list[str] = []
        self._sessions = 0

    def run(self, _: Settings, __: str, night: str) -> SweptNight:
        """Stand for a night's run."""
        self.did.append(night)
        return replace(self.endings.get(night.lower(), GOOD), night=night)

    @contextmanager
    def spark(self, _: Settings) -> Iterator[None]:
        """Stand for the process's one session."""
        self._sessions += 1
        if self._sessions == 1:
            self.did.append("(")
        yield
        self._sessions -= 1
        if not self._sessions:
            self.did.append(")")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Sweep nights named by letters: small ones are complete, the last are recent.

    The answer has the nights that were run, in brackets those that share a session.
    """

    def run(
        nights: str, *, limit: int = 9, recent: int = 0, **endings: SweptNight
    ) -> str:
        stage = Stage(**endings)
        monkeypatch.setattr(sweep, "_run_night", stage.run)
        monkeypatch.setattr(sweep, "spark_session", stage.spark)
        found = [
            UnfinishedNight(
                name,
                "complete" if name.islower() else "failed",
                is_recent=number >= len(nights) - recent,
            )
            for number, name in enumerate(nights)
        ]
        swept = list(sweep._run_nights(Settings(), "ztf", found, limit))
        assert [s.night for s in swept] == [d for d in stage.did if d.isalpha()]
        return "".join(stage.did)

    return run


def test_the_limit_counts_what_changed(play: Callable[..., str]) -> None:
    """Nights that fail as before do not keep the others from their turn."""
    assert play("ABCDEF", limit=2) == "A(B)"
    assert play("ABCDEF", limit=2, a=SAME, b=SAME) == "ABC(D)"
    assert play("ABCDEF", limit=0) == ""


def test_the_recent_are_always_run(play: Callable[..., str]) -> None:
    """However many older ones there are: a late file is not looked for for ever."""
    assert play("ABCDef", limit=1, recent=2) == "Aef"
    assert play("ABCDef", limit=0, recent=2) == "ef"


def test_a_failure_does_not_stop_the_others(play: Callable[..., str]) -> None:
    """Whatever a night ended with, the next is run."""
    assert play("ABC", a=BAD, b=replace(BAD, exit_code=4)) == "A(B)(C)"


def test_what_all_need_stops_the_sweep(play: Callable[..., str]) -> None:
    """Each further night would wait as long for the same."""
    assert play("ABC", b=replace(BAD, exit_code=5, unreachable=True)) == "A(B)"


def test_nights_share_a_spark_session(play: Callable[..., str]) -> None:
    """From the second with work on; after a failure it is a new one."""
    assert play("ABCD") == "A(BCD)"
    assert play("ABCD", b=BAD) == "A(B)(CD)"
    assert play("abc", recent=3, a=SAME, b=SAME, c=SAME) == "abc"


@dataclass(frozen=True)
class State:
    """What Prefect says of a run or of one of its steps."""

    answer: Any = None
    failed: bool = False
    message: str = "Prefect's own words."

    def is_completed(self) -> bool:
        """Tell whether it went well."""
        return not self.failed

    def result(self, *, raise_on_failure: bool) -> Any:
        """Give what it returned or raised."""
        assert not raise_on_failure
        return self.answer


def _failed(*errors: Exception | None) -> State:
    """State of a night with failed steps, beside one that went well."""
    return State([State(1), *(State(e, failed=True) for e in errors)], failed=True)


@pytest.mark.parametrize(
    ("state", "ending"),
    [
        (State([]), Ending(0, "n", summarised=True)),
        (_failed(None), Ending(1, "n", ("Prefect's own words.",), summarised=True)),
        (
            State(NewerRunError("Newer."), failed=True),
            Ending(4, "n", ("Newer.",)),
        ),
        (
            _failed(NightError("Odd."), SlackUnavailableError("Mute.")),
            Ending(5, "n", ("Odd.", "Mute."), summarised=True),
        ),
        (
            _failed(NightError("Odd."), BrokerUnavailableError("Gone.")),
            Ending(5, "n", ("Odd.", "Gone."), summarised=True, unreachable=True),
        ),
    ],
)
def test_how_a_night_ended(state: State, ending: Ending) -> None:
    """The worst exit code; Slack's absence is no reason to leave other nights."""
    assert read_ending(state, "n") == ending


def _deployments() -> list[dict[str, Any]]:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return list(deployed["deployments"])


def test_each_survey_is_deployed_with_both_flows() -> None:
    """One at a time each, and the sweep hours after the nightly run."""
    due = {}
    for one in _deployments():
        (schedule,) = one["schedules"]
        minute, hour, *daily = schedule["cron"].split()
        assert daily == ["*"] * 3
        due[one["name"], one["entrypoint"]] = int(hour) + int(minute) / 60
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}

    flows = ("flows.nightly.nightly", "flows.sweep.sweep")
    assert set(due) == {(survey, flow) for survey in SURVEYS for flow in flows}
    for survey in SURVEYS:
        assert due[survey, flows[0]] + 3 <= due[survey, flows[1]] < 24


@pytest.mark.parametrize(
    "deployment", _deployments(), ids=lambda d: f"{d['entrypoint']}-{d['name']}"
)
def test_what_is_deployed_is_there(deployment: dict[str, Any]) -> None:
    """Its entry point is a flow that takes its parameters."""
    place, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(place), name)

    given = flow.validate_parameters(deployment["parameters"])

    assert flow.name == name
    assert given["survey"] == deployment["name"]


def _on_topics(settings: Settings, access: KafkaAccess, night: str) -> Counter[Any]:
    """Count what an anonymous reader finds of a night, by topic and id."""
    summary = read_summary(settings.archive_root(), "ztf", NIGHTS[1])
    assert summary is not None
    names = sorted(topic.topic for topic in summary.topics)
    public = {"bootstrap.servers": access.public_servers}
    since = datetime.now(UTC) - timedelta(hours=1)
    return count_topics(public, names, night=night, since=since)


def _delivered(settings: Settings, night: str) -> int:
    summary = read_summary(settings.archive_root(), "ztf", night)
    assert summary is not None
    return sum(topic.delivered for topic in summary.topics)


def _told(ended: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, int, int]]:
    """Status, newly delivered alerts and exit code of each night of a sweep."""
    nights = json.loads(ended.stdout)
    assert [n["night"] for n in nights] == sorted(n["night"] for n in nights)
    return {n["night"]: (n["status"], n["delivered"], n["exit_code"]) for n in nights}


@pytest.mark.kafka
@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nights_that_were_missed_and_a_file_that_came_late(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    walk: Callable[..., Walked],
    run: Run,
) -> None:
    """Each alert once; a damaged night is named; what the limit leaves is next."""
    history, complete, damaged, missed, later, recent = NIGHTS
    for night in NIGHTS:
        folder = simulated_night(night=night, alerts=120, rows_per_file=60)
    late = folder / "part-00001.parquet"
    waiting = late.replace(folder.parent / late.name)
    torn = settings.store_root("ztf") / "science" / damaged / "torn.parquet"
    torn.write_bytes(b"PAR1")
    for night in (complete, recent):
        assert walk(night=night).summary.status == "complete"
    early = _delivered(settings, recent)
    waiting.replace(late)
    words = ("nightmail", "sweep", "--survey", "ztf", "--recent", "1")

    listed = json.loads(run(*words, "--dry-run", "--json").stdout)
    first = run(*words, "--limit", "2", "--json")
    second = run(*words, "--limit", "1", "--json")

    assert [one["night"] for one in listed] == [damaged, missed, later, recent]
    sent = {night: _delivered(settings, night) for night in NIGHTS[1:]}
    assert all(sent.values())
    assert sent[recent] > early
    assert _told(first) == {
        damaged: ("failed", sent[damaged], 1),
        missed: ("complete", sent[missed], 0),
        recent: ("complete", sent[recent] - early, 0),
    }, first.stderr
    assert _told(second) == {
        damaged: ("failed", 0, 1),
        later: ("complete", sent[later], 0),
        recent: ("complete", 0, 0),
    }, second.stderr
    for ended in (first, second):
        assert ended.returncode == 1
        (sentence,) = (s for s in ended.stderr.splitlines() if s.startswith("Error: "))
        assert sentence.startswith(f"Error: {damaged}: ")
        assert "torn.parquet" in sentence
    assert first.stderr.count("Starting Spark") == 2
    assert second.stderr.count("Starting Spark") == 1
    for night, delivered in sent.items():
        found = _on_topics(settings, access, night)
        assert set(found.values()) == {1}
        assert found.total() == delivered
        assert (
            NightFolder(
                settings.archive_root(), "ztf", night, settings.topics.prefix
            ).pending()
            == []
        )
    assert _on_topics(settings, access, history) == Counter()
    assert read_summary(settings.archive_root(), "ztf", history) is None


@pytest.mark.kafka
@pytest.mark.slow
def test_nothing_to_sweep(run: Run, settings: Settings) -> None:
    """Exit code 0, and nothing is started."""
    (settings.store_root("ztf") / "science").mkdir(parents=True)

    told = run("nightmail", "sweep", "--survey", "ztf")
    listed = run("nightmail", "sweep", "--survey", "ztf", "--json")

    assert (told.returncode, told.stdout) == (0, "There is no night to run.\n")
    assert (listed.returncode, listed.stdout) == (0, "[]\n")
    assert "Starting" not in told.stderr


@pytest.mark.kafka
@pytest.mark.slow
def test_kafka_that_is_not_reachable(
    run: Run, simulated_night: Callable[..., Path]
) -> None:
    """Exit code 5, naming the servers; --dry-run does not need them."""
    simulated_night(alerts=10)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{free.getsockname()[1]}"
    words = ("nightmail", "sweep", "--survey", "ztf")

    ended = run(*words, NIGHTMAIL_KAFKA__BOOTSTRAP_SERVERS=servers)
    listed = run(*words, "--dry-run", NIGHTMAIL_KAFKA__BOOTSTRAP_SERVERS=servers)

    assert (ended.returncode, ended.stdout) == (5, "")
    assert servers in ended.stderr
    assert "Traceback" not in ended.stderr
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[1].split() == ["20260301", "no", "summary", "yes"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--survey", "sdss"), 3, "ztf and lsst"),
        (("--survey", "ztf", "--since", "tonight"), 2, "20260301"),
        (("--survey", "ztf"), 5, "store.uri"),
        (("--survey", "ztf", "--limit", "-1"), 2, "--limit"),
    ],
)
@pytest.mark.kafka
def test_wrong_words(run: Run, words: tuple[str, ...], code: int, says: str) -> None:
    """What is asked for is checked before anything is started."""
    ended = run("nightmail", "sweep", *words, "--dry-run")

    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
