"""The page of filters shows what runs, and names every filter that there is.

REFRESH_GOLDEN=1 writes its tables anew.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters import load_filters
from nightmail import Filter
from nightmail._sql import sql_filter
from nightmail.columns import narrow
from nightmail.discovery import ENTRY_POINT_GROUP
from nightmail.evaluate import evaluate
from nightmail.testing import check_filter
from settings import Settings
from settings.names import SURVEYS, topic
from simulator import simulate_night

PAGE = Path(__file__).resolve().parents[2] / "docs" / "filters.md"
"""The page."""

HEADING = "## The filters there are\n"
"""What is below is written by the tests."""

Alerts = Callable[[str], pa.Table]


def code(language: str) -> list[str]:
    """Give the page's blocks in a language."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Run the page's Python from top to bottom, and give what it defines."""
    names: dict[str, Any] = {"__name__": "docs"}
    for block in code("python"):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """Give simulated alerts of a survey."""
    root = tmp_path_factory.mktemp("store")

    @cache
    def read(survey: str) -> pa.Table:
        files = simulate_night(
            root / survey, survey=survey, night="20260301", alerts=300, seed=7
        )
        return pq.ParquetFile(files[0]).read()

    return read


def _row(one: Filter) -> str:
    prefix = Settings().topics.prefix
    columns = ", ".join(f"`{column}`" for column in one.columns)
    return f"| `{topic(prefix, one.name, one.survey)}` | {one.summary} | {columns} |"


def _tables() -> Iterator[str]:
    yield HEADING
    yield "\nWritten by the tests: `REFRESH_GOLDEN=1 make docs`.\n"
    for survey in SURVEYS:
        yield f"\n### {survey}\n\n| topic | what it keeps | columns |\n|---|---|---|\n"
        yield from (f"{_row(one)}\n" for one in load_filters(survey).values())


def test_every_filter_is_on_the_page() -> None:
    """The tables are what the catalogue says."""
    text = PAGE.read_text(encoding="utf-8")
    page = text.partition(HEADING)[0] + "".join(_tables())

    if os.environ.get("REFRESH_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page


def test_what_is_shown_runs(shown: dict[str, Any]) -> None:
    """The page's Python runs from top to bottom, its own assertion too."""
    assert {"early_supernova", "brightest_ever", "kept"} <= set(shown)


@pytest.mark.parametrize(
    ("name", "survey"), [("early_supernova", "lsst"), ("brightest_ever", "ztf")]
)
def test_what_is_shown_is_a_filter(
    shown: dict[str, Any], alerts: Alerts, name: str, survey: str
) -> None:
    """Each example keeps the contract, and some alerts of a night but not all."""
    one, night = shown[name], alerts(survey)

    check_filter(one, night)

    kept = evaluate([one], narrow(night, one.columns)).masks[name].sum()
    assert 0 < kept < len(night)


def test_the_sql_shown_is_a_filter(alerts: Alerts) -> None:
    """The expression is one that the catalogue would take."""
    (text,) = code("sql")

    one = sql_filter("bright_known", text)

    assert one.columns == ("roid", "candidate_magpsf")
    check_filter(one, alerts("ztf"))


def test_the_entry_point_shown_is_ours() -> None:
    """The group is the one in which filters are looked for."""
    (text,) = code("ini")

    points = tomllib.loads(text)["project"]["entry-points"]

    assert list(points) == [ENTRY_POINT_GROUP]
