"""What docs/spark.md shows runs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.tests.avro_alerts import read
from tests.spark_source.conftest import Night, Topic

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spark.md"
"""The page."""


def test_what_is_shown_runs(
    spark: Any,
    topic: Topic,
    night: Callable[[str], Night],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The page's Python, from top to bottom, on a topic of a simulated night."""
    sent = night("ztf")
    topic.send(*sent.values, key=sent.schema)
    text = PAGE.read_text(encoding="utf-8")
    for shown, real in {
        "127.0.0.1:9092": topic.access.public_servers or "",
        "fink_sn_candidates_ztf": topic.name,
        "/data/": f"{tmp_path}/",
    }.items():
        text = text.replace(shown, real)
    names: dict[str, Any] = {"spark": spark}

    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page

    alerts = read(sent.schema, list(sent.values))
    bright = [a["objectId"] for a in alerts if a["candidate"]["magpsf"] < 18]
    assert sorted(row.objectId for row in names["bright"].collect()) == sorted(bright)
    assert names["counts"].collect() == [("20260301", len(alerts))]
    assert spark.read.parquet(f"{tmp_path}/alerts").count() == len(alerts)
    assert names["bad"] == 0
    assert "The option topics is missing" in capsys.readouterr().out
