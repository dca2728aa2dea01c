"""A disk that is full: refused in a sentence, nothing sent, and done later."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import tasks.outbox
from archive.slices import NightFolder
from cluster.access import KafkaAccess
from cluster.count import count_topics
from nightmail import RetryableError
from settings.model import Settings
from tasks.distribute_night import raise_worst
from tests.conftest import FULL_KB
from tests.flows.conftest import Run
from tests.tasks.conftest import access, walk

__all__ = ["access", "walk"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def _sent(settings: Settings, access: KafkaAccess) -> int:
    public = {"bootstrap.servers": access.public_servers}
    since = datetime.now(UTC) - timedelta(hours=1)
    topics = [
        f"{settings.topics.prefix}{name}_ztf"
        for name in ("sn_candidates", "early_sn_candidates", "sso_ztf_candidates")
    ]
    return count_topics(public, topics, night="20260301", since=since).total()


def _refused(reports: Any) -> str:
    with pytest.raises(RetryableError) as refused:
        raise_worst(reports)
    assert refused.value.exit_code == 5
    return str(refused.value)


def test_an_archive_without_space(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    small_disk: Callable[[Path], None],
    walk: Callable[..., Any],
) -> None:
    """The folder is named and nothing is sent; with space, the night is complete."""
    simulated_night(alerts=120, rows_per_file=120)
    small_disk(settings.archive_root())
    night = NightFolder(
        settings.archive_root(), "ztf", "20260301", settings.topics.prefix
    )

    walked = walk()

    refusal = _refused(walked.reports)
    assert str(night.folder("alerts")) in refusal
    assert "no space left" in refusal
    assert walked.summary.status == "failed"
    assert _sent(settings, access) == 0
    assert night.pending() == []

    small_disk(settings.archive_root())
    mended = walk()

    assert mended.summary.status == "complete"
    assert night.pending() == []
    assert _sent(settings, access) > 0


def test_no_space_for_alerts_that_wait(  # noqa: PLR0913, PLR0917
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    small_disk: Callable[[Path], None],
    walk: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The folder is named and nothing is sent; with space, the night is complete."""
    simulated_night(alerts=120, rows_per_file=120)
    waiting = tmp_path / "waiting"
    small_disk(waiting)
    monkeypatch.setattr(tasks.outbox, "MEMORY_BYTES", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(waiting))
    night = NightFolder(
        settings.archive_root(), "ztf", "20260301", settings.topics.prefix
    )

    walked = walk()

    refusal = _refused(walked.reports)
    assert str(waiting) in refusal
    assert "No space left" in refusal
    assert _sent(settings, access) == 0
    assert night.pending() == []

    small_disk(waiting)
    assert walk().summary.status == "complete"
    assert list(waiting.iterdir()) == []


@pytest.mark.spark
def test_the_command_on_a_disk_that_is_full(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    small_disk: Callable[[Path], None],
    run: Run,
) -> None:
    """Exit code 5 in one sentence, even where the summary finds no room either."""
    simulated_night(alerts=100)
    small_disk(settings.archive_root())
    filler = settings.archive_root() / "of somebody else"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2 * FULL_KB * 1024))

    ended = run("nightmail", "night", "--survey", "ztf", "--night", "20260301")

    assert ended.returncode == 5, ended.stderr
    (sentence,) = (s for s in ended.stderr.splitlines() if s.startswith("Error: "))
    assert str(settings.archive_root()) in sentence
    assert "no space left" in sentence
    assert "Traceback" not in ended.stderr
    assert _sent(settings, access) == 0
