"""The sweep as Prefect runs it: deployed beside the nights, each night seen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.summary import read_summary
from settings.model import Settings
from tests.smoke.test_prefect import Prefect, prefect

__all__ = ["prefect"]

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.kafka,
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

NIGHTS = ("20260301", "20260302")
"""Nights of the store."""


def test_a_deployed_sweep(
    prefect: Prefect, settings: Settings, simulated_night: Callable[..., Path]
) -> None:
    """Each night is a run of its own, named as by schedule, below that of the sweep."""
    for night in NIGHTS:
        simulated_night(night=night, alerts=60)
    sweep = prefect.ask("GET", "/deployments/name/sweep/ztf")

    ended = prefect.ended(prefect.run(sweep["id"], survey="ztf"))

    assert ended["state_type"] == "COMPLETED", prefect.log("worker")
    assert ended["name"].startswith("ztf-sweep-")
    below = prefect.ask(
        "POST",
        "/flow_runs/filter",
        {"flow_runs": {"parent_flow_run_id": {"any_": [ended["id"]]}}},
    )
    states = {run["name"]: run["state_type"] for run in below}
    assert states == {f"ztf-{night}": "COMPLETED" for night in NIGHTS}
    for night in NIGHTS:
        summary = read_summary(settings.archive_root(), "ztf", night)
        assert summary is not None
        assert summary.status == "complete"
