"""Two runs of one night, started together: one does it, nothing is sent twice."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.summary import read_summary
from cluster.access import KafkaAccess
from cluster.count import count_topics
from settings.model import Settings
from tests.tasks.conftest import access

__all__ = ["access"]

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

TIMEOUT_S = 300
"""How long a run may take [s]."""


def test_two_runs_at_once(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """Each ends with 0 or 4, one at least with 0; every alert stands there once."""
    simulated_night(alerts=600, rows_per_file=60)
    words = ["night", "--survey", "ztf", "--night", "20260301"]
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "nightmail", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=TIMEOUT_S)[1] for run in runs]
    codes = sorted(run.returncode for run in runs)

    assert codes in ([0, 0], [0, 4]), said
    assert "Traceback" not in "".join(said)
    summary = read_summary(settings.archive_root(), "ztf", "20260301")
    assert summary is not None
    assert summary.status == "complete"
    found = count_topics(
        {"bootstrap.servers": access.public_servers},
        [t.topic for t in summary.topics],
        night="20260301",
        since=datetime.now(UTC) - timedelta(hours=1),
    )
    assert set(found.values()) == {1}
    assert found.total() == sum(t.delivered for t in summary.topics)
