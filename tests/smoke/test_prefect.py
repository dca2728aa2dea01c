"""The nights as Prefect runs them: a real server, a process worker, all deployments."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from settings.model import Settings
from settings.nights import last_night

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.kafka,
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

PICKY = """
from nightmail import alert_filter

@alert_filter(owner="someone@example.org", survey="lsst")
def picky(diaSource_psfFlux):
    "Raises."
    raise ValueError("one row is odd")
"""

OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Prefect:
    """A server, and a worker of its own."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.home = home
        self.api = f"http://127.0.0.1:{port}/api"
        self.environment = environment | {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_CLI_PROMPT": "false",
            "NIGHTMAIL_HOME": str(ROOT),
        }
        self._port = port
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the server, deploy everything, start the worker."""
        self._spawn(
            "server", "start", "--host", "127.0.0.1", "--port", str(self._port),
            "--no-ui", "--analytics-off",
        )  # fmt: skip
        self._await_health()
        self._call("work-pool", "create", "nightmail", "--type", "process")
        self._call("deploy", "--all")
        # From another folder: the deployments alone must find the flows.
        self._spawn("worker", "start", "--pool", "nightmail", "--name", "smoke")

    def stop(self) -> None:
        """End what was started, the worker first."""
        for child in reversed(self._children):
            child.send_signal(signal.SIGINT)
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, again where its database is busy, as Prefect's client does."""
        for _ in range(20):
            answer = httpx.request(method, f"{self.api}{path}", json=body, timeout=30)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def schedule(self, deployment: str, due: datetime) -> None:
        """Let a deployment run once a day from a moment on, and not at noon."""
        daily = {"interval": 86400.0, "anchor_date": due.isoformat()}
        body = {"schedules": [{"schedule": daily, "active": True, "slug": "soon"}]}
        self.ask("PATCH", f"/deployments/{deployment}", body)

    def deployment(self, name: str) -> str:
        """Id of a deployment of the nightly flow."""
        return str(self.ask("GET", f"/deployments/name/nightly/{name}")["id"])

    def run(self, deployment: str, **parameters: Any) -> str:
        """Start a run by hand; its id."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        made = self.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
        return str(made["id"])

    def ended(self, run: str) -> dict[str, Any]:
        """Wait until a run is over."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.ask("GET", f"/flow_runs/{run}")
            if found["state_type"] in OVER:
                return found
            time.sleep(1)
        raise AssertionError(f"The run did not end.\n{self.log('worker')}")

    def states(self, run: str) -> list[str]:
        """Names of the states that a run went through."""
        found = self.ask("GET", f"/flow_run_states/?flow_run_id={run}")
        return [s["name"] for s in sorted(found, key=lambda s: str(s["timestamp"]))]

    def log(self, name: str) -> str:
        """Give the end of what a child has said."""
        return (self.home / f"{name}.log").read_text()[-4000:]

    def _spawn(self, *words: str) -> None:
        with (self.home / f"{words[0]}.log").open("wb") as log:
            self._children.append(
                subprocess.Popen(
                    [sys.executable, "-m", "prefect", *words],
                    cwd=self.home,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _call(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _await_health(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.api}/health", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.3)
        raise AssertionError(f"Prefect's server did not start.\n{self.log('server')}")


@pytest.fixture
def prefect(settings: Settings, tmp_path: Path) -> Iterator[Prefect]:
    """Prefect, with the test's store, archive and Kafka in the worker's environment."""
    home, site = tmp_path / "prefect home", tmp_path / "site"
    info = site / "theirs-1.0.dist-info"
    home.mkdir()
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[nightmail.filters]\npicky = theirs:picky\n"
    )
    (site / "theirs.py").write_text(PICKY)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    server = Prefect(
        home,
        clean
        | {
            "NIGHTMAIL_STATE_DIR": str(settings.state_dir),
            "NIGHTMAIL_STORE__URI": settings.store.uri,
            "NIGHTMAIL_ARCHIVE__URI": settings.archive.uri,
            "NIGHTMAIL_TOPICS__PREFIX": settings.topics.prefix,
            "NIGHTMAIL_SPARK__MASTER": "local[2]",
            "PYTHONPATH": os.pathsep.join(
                [str(site), os.environ.get("PYTHONPATH", "")]
            ),
        },
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_scheduled_manual_and_failing_runs(
    prefect: Prefect, simulated_night: Callable[..., Path]
) -> None:
    """A schedule starts a night, a second run waits, a bad filter fails by name."""
    nights = {s: last_night(s, datetime.now(UTC)) for s in ("ztf", "lsst")}
    for survey, night in nights.items():
        simulated_night(survey, night, alerts=60)
    ztf, lsst = prefect.deployment("ztf"), prefect.deployment("lsst")

    due = datetime.now(UTC) + timedelta(seconds=20)
    prefect.schedule(ztf, due)
    scheduled = _scheduled_run(prefect, ztf, due)
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    by_hand = prefect.run(ztf, survey="ztf", night=nights["ztf"])
    failing = prefect.run(lsst, survey="lsst", night=nights["lsst"])
    started = {"scheduled": scheduled, "by hand": by_hand, "failing": failing}
    runs = {name: prefect.ended(run) for name, run in started.items()}

    assert runs["scheduled"]["state_type"] == "COMPLETED", prefect.log("worker")
    assert runs["by hand"]["state_type"] == "COMPLETED", prefect.log("worker")
    assert runs["scheduled"]["name"] == f"ztf-{nights['ztf']}"
    waited = [*prefect.states(scheduled), *prefect.states(by_hand)]
    assert "AwaitingConcurrencySlot" in waited
    first, second = sorted(
        (runs["scheduled"], runs["by hand"]), key=lambda r: str(r["start_time"])
    )
    assert first["end_time"] <= second["start_time"]

    assert runs["failing"]["state_type"] == "FAILED"
    tasks = prefect.ask(
        "POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [failing]}}}
    )
    failed = {
        t["name"]: t["state"]["message"] for t in tasks if t["state_type"] == "FAILED"
    }
    assert set(failed) == {"confirm-picky"}
    assert "ValueError: one row is odd" in failed["confirm-picky"]


def _scheduled_run(prefect: Prefect, deployment: str, due: datetime) -> str:
    """Wait until the scheduler has made the run that is due."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = prefect.ask(
            "POST",
            "/flow_runs/filter",
            {"deployments": {"id": {"any_": [deployment]}}, "limit": 50},
        )
        for run in found:
            expected = datetime.fromisoformat(run["expected_start_time"])
            if abs((expected - due).total_seconds()) < 2:
                return str(run["id"])
        time.sleep(0.5)
    raise AssertionError("The scheduler made no run.")
