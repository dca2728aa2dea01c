"""The page of filters: its table is the catalogue, its examples are filters that run.

REFRESH_GOLDEN=1 writes the table anew.
"""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from filters import load_filters
from nightmail import Filter
from nightmail.testing import check_filter
from settings.names import SURVEYS, topic

PAGE = Path(__file__).resolve().parents[2] / "docs" / "filters.md"
"""The page."""

MARK = "<!-- The rest is written by the tests: REFRESH_GOLDEN=1 make docs. -->\n"
"""Behind this line stands the table."""


def table(survey: str) -> str:
    """Render the filters of one survey."""
    rows = [
        f"| `{topic('fink_', made.name, survey)}` | {made.summary} |"
        f" {', '.join(f'`{column}`' for column in made.columns)} |"
        for made in load_filters(survey).values()
    ]
    head = f"\n## Filters of {survey.upper()}\n\n| topic | keeps | reads |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def test_every_filter_is_on_the_page() -> None:
    """The table has each filter's topic, meaning and columns, as they are today."""
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    page = text + MARK + "".join(table(survey) for survey in SURVEYS)

    if os.environ.get("REFRESH_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page


@pytest.fixture(scope="module")
def example() -> Filter:
    """Run the page's Python example, and give the filter that it makes."""
    code = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    scope: dict[str, object] = {"__name__": "example"}
    exec(compile(code[0], "docs/filters.md", "exec"), scope)  # noqa: S102 - our page
    (made,) = (value for value in scope.values() if isinstance(value, Filter))
    return made


def test_the_example_keeps_what_it_says(example: Filter) -> None:
    """Of three alerts, only the young one beside a galaxy is kept."""
    alerts = pd.DataFrame(
        {
            "diaSource_midpointMjdTai": [61002.0, 61030.0, 61002.0],
            "misc_firstDiaSourceMjdTaiFink": [61000.0, 61000.0, 61000.0],
            "xm_mangrove_ang_dist": [3.0, 3.0, float("nan")],
        }
    )

    assert example.keep is not None
    kept = example.keep(*(alerts[column] for column in example.columns))

    assert kept.tolist() == [True, False, False]
    check_filter(example, alerts)
