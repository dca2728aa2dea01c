"""The notebook does what it says, on a night that never was and a real Kafka."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from settings.model import Settings
from tests.tasks.conftest import Walked, access, walk

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "first_alerts.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]

RUN = """
import json, sys

cells, parameters = json.load(sys.stdin)
space = {}
for cell in cells:
    exec(compile("".join(cell["source"]), cell["id"], "exec"), space)
    if "parameters" in cell["metadata"].get("tags", ()):
        space.update(parameters)

import matplotlib.pyplot as plt

axes = [figure.axes[0] for figure in map(plt.figure, plt.get_fignums())]
matches = space["matches"]
kept = "select filter, count(*) from matches group by all"
told = {
    "objects": [space["alert"]["objectId"], axes[0].get_title()],
    "detections": len(space["detections"]),
    "drawn": sum(len(line[0].get_xdata()) for line in axes[0].containers),
    "ids": space["night"]["candid"].to_pylist(),
    "sky": len(axes[1].collections[0].get_offsets()),
    "kept": dict(space["duckdb"].sql(kept).fetchall()),
}
json.dump(told, sys.stdout)
"""
"""Runs the cells one after the other, and tells what they gave."""

__all__ = ["access", "walk"]  # fixtures


def test_it_is_kept_without_outputs() -> None:
    """What it shows is of whoever runs it."""
    assert {(cell["execution_count"], len(cell["outputs"])) for cell in CODE} == {
        (None, 0)
    }


@pytest.mark.slow
@pytest.mark.kafka
def test_its_cells_run_one_after_the_other(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    walk: Callable[..., Walked],
    tmp_path: Path,
) -> None:
    """They register, read, draw a light curve and the sky, and ask the archive."""
    pytest.importorskip("matplotlib")
    simulated_night()
    summary = walk().summary
    topic = max(summary.topics, key=lambda one: one.delivered)
    parameters = {
        "servers": access.public_servers,
        "topic": topic.topic,
        "archive": str(settings.archive_root()),
    }

    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([CODE, parameters]),
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    found, drawn = told["objects"]
    assert found == drawn
    assert told["detections"] == told["drawn"] > 0
    assert len(set(told["ids"])) == told["sky"] == topic.delivered > 0
    delivered = {one.filter: one.delivered for one in summary.topics}
    assert told["kept"] == {name: n for name, n in delivered.items() if n}
