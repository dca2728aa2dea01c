"""Ctrl-C ends a running night cleanly, and the next run completes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.conftest import Run

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

NIGHT = ("nightmail", "night", "--survey", "ztf", "--night", "20260301")


def test_ctrl_c_while_distributing(
    run: Run,
    environment: dict[str, str],
    simulated_night: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """Exit code 130, one word on it, no traceback; the rerun completes the night."""
    simulated_night(alerts=2000, rows_per_file=250)

    started = subprocess.Popen(
        [sys.executable, "-m", *NIGHT],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        if line.startswith("Distributing"):
            break
    # As a terminal does: to all of the group.
    os.killpg(started.pid, signal.SIGINT)
    _, said = started.communicate(timeout=60)

    assert started.returncode == 130, said
    assert "Interrupted." in said
    assert "Traceback" not in said
    again = run(*NIGHT)
    assert again.returncode == 0, again.stderr
