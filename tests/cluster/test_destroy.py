"""The local Kafka is forgotten."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import local
from cluster.access import connect
from cluster.folder import kafka_folder, make_folder
from cluster.locks import hold
from cluster.topics import ensure_ledger
from settings.errors import ClusterError
from settings.model import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings of a Kafka that was stopped."""
    settings = Settings(state_dir=tmp_path / "state")
    folder = kafka_folder(settings)
    make_folder(folder)
    folder.brokers[0].data.mkdir()
    return settings


def test_nothing_is_left(settings: Settings) -> None:
    """Data, passwords and record are gone; what lies beside stays."""
    beside = settings.state_dir / "archive"
    beside.mkdir()

    found = local.destroy(settings)

    assert list(settings.state_dir.iterdir()) == [beside]
    assert (found.running, found.started) == (False, None)


def test_what_is_not_there_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and that is all."""
    caplog.set_level(logging.INFO, "nightmail")

    local.destroy(Settings(state_dir=tmp_path))

    assert caplog.messages == [f"There is no Kafka in {tmp_path}/kafka."]


@pytest.mark.parametrize(
    ("lock", "why"), [("users", "A run is using Kafka"), ("starting", "just starting")]
)
def test_one_that_is_used_is_refused(settings: Settings, lock: str, why: str) -> None:
    """While a run uses it, or somebody starts it, everything stays."""
    folder = kafka_folder(settings)

    with (
        hold(getattr(folder, lock), wait_s=0, shared=lock == "users"),
        pytest.raises(ClusterError, match=why),
    ):
        local.destroy(settings)

    assert folder.is_made


@pytest.mark.kafka
@pytest.mark.slow
def test_the_next_start_makes_another(
    tmp_path: Path, make_settings: Callable[[Path], Settings]
) -> None:
    """One that runs is stopped; the new one knows nothing of it, the ledger neither."""
    settings = make_settings(tmp_path)
    before = local.start(settings).pid
    ensure_ledger(connect(settings), settings)

    gone = local.destroy(settings)
    local.start(settings)
    made = ensure_ledger(connect(settings), settings)
    local.stop(settings)

    assert not gone.running
    assert not Path(f"/proc/{before}").exists()
    assert made
