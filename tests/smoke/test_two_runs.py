"""Two runs of one night, one by hand and one by Prefect: each alert stands once."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.local import status
from settings.model import Settings
from tests.chaos.check import Checker
from tests.chaos.conditions import CONDITIONS, write_plugin
from tests.chaos.nights import Night
from tests.smoke.test_prefect import Prefect, prefect

__all__ = ["prefect"]

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.kafka,
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

NIGHT = "20260301"

NAMES = sorted(CONDITIONS)
"""Filters that the independent reader knows too."""

NEWER_RUN = 4
"""Exit code of a run that left the night to a newer one."""

TIMEOUT_S = 300
"""How long a run may take [s]."""


def test_by_hand_and_by_prefect(
    prefect: Prefect,
    settings: Settings,
    simulated_night: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """Each ends well or leaves the night to the other; a third run may be needed."""
    write_plugin(tmp_path / "site", edition=0)
    folder = simulated_night(night=NIGHT, alerts=600, rows_per_file=60)
    ztf = prefect.deployment("ztf")

    scheduled = prefect.run(ztf, survey="ztf", night=NIGHT, filters=NAMES)
    by_hand = _start(prefect, tmp_path)
    said = _wait(by_hand)
    ended_by_hand = datetime.now(UTC)
    run = prefect.ended(scheduled)

    assert datetime.fromisoformat(run["start_time"]) < ended_by_hand
    assert by_hand.returncode in {0, NEWER_RUN}, said
    assert "Traceback" not in said
    if run["state_type"] != "COMPLETED":
        assert "NewerRunError" in run["state"]["message"], prefect.log("worker")
        if by_hand.returncode:
            third = _start(prefect, tmp_path)
            said = _wait(third)
            assert third.returncode == 0, said
    checker = Checker(
        str(status(settings).public_servers),
        settings.topics.prefix,
        settings.archive_root(),
    )
    night = Night(NIGHT, folder, NAMES, late=[], waiting=0)
    verdict = checker.check(night, {})
    assert verdict.is_good, verdict.evidence
    assert verdict.records == len(checker.wanted(night)) > 0


def _start(prefect: Prefect, folder: Path) -> subprocess.Popen[str]:
    """Start `nightmail night`, which uses a temporary server of its own."""
    names = [word for name in NAMES for word in ("--filter", name)]
    words = ["night", "--survey", "ztf", "--night", NIGHT, *names]
    clean = {k: v for k, v in prefect.environment.items() if k[:8] != "PREFECT_"}
    return subprocess.Popen(
        [sys.executable, "-m", "nightmail", *words],
        cwd=folder,
        env=clean,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait(run: subprocess.Popen[str]) -> str:
    """Wait for the end of a run, by force if need be, and give what it has said."""
    try:
        return run.communicate(timeout=TIMEOUT_S)[1]
    finally:
        run.kill()
