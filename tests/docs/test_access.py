"""The page of access shows a file that can be planned, and names every key.

REFRESH_GOLDEN=1 writes its table anew.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.access import connect
from cluster.access_plan import describe_plan, plan_access
from cluster.wished import Wished, describe_keys, parse_wished
from settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
"""The page."""

HEADING = "## Every key\n"
"""What is below is written by the tests."""


def shown() -> Wished:
    """Read the file that the page shows."""
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return parse_wished(example, source="docs/access.md")


def _table() -> Iterator[str]:
    yield HEADING
    yield "\nWritten by the tests: `REFRESH_GOLDEN=1 make docs`.\n"
    yield "\n| table | key | meaning |\n|---|---|---|\n"
    for table, keys in describe_keys().items():
        where = f"`[{table}]`" if table else "the top"
        for key, meaning in keys.items():
            yield f"| {where} | `{key}` | {meaning} |\n"


def test_every_key_is_on_the_page() -> None:
    """The table is what the file may have."""
    text = PAGE.read_text(encoding="utf-8")
    page = text.partition(HEADING)[0] + "".join(_table())

    if os.environ.get("REFRESH_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page


def test_every_key_is_in_the_example() -> None:
    """The file that is shown uses each of them."""
    wished = shown()
    used = {"": set(wished.model_fields_set)}
    for table, each in (("topics", wished.topics), ("users", wished.users)):
        used[f"{table}.<name>"] = {
            k for one in each.values() for k in one.model_fields_set
        }

    assert used == {table: set(keys) for table, keys in describe_keys().items()}


@pytest.mark.kafka
def test_the_example_can_be_planned(settings: Settings) -> None:
    """On a Kafka that knows none of it, everything would be made."""
    plan = plan_access(connect(settings), settings, shown())

    signs = {sign for sign, _ in describe_plan(plan)}
    assert plan.new_users == ("alice", "bob", "publisher")
    assert [topic.topic for topic in plan.topics] == ["fink_outstream"]
    assert "+" in signs
