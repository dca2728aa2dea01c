"""The page about Spark names every option, and no other."""

import re
from pathlib import Path

from nightmail.spark.wish import KNOWN

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spark.md"
"""The page."""

CONNECTION = {"servers", "username", "password"}
"""Options of the connection that the page explains beside our own."""


def test_every_option_is_on_the_page() -> None:
    """The table of options is what the source takes."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("## Options")[1].split("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }

    assert named == set(KNOWN) | CONNECTION


def test_options_in_the_examples_are_known() -> None:
    """What can be copied from the page is not refused."""
    shown = set(re.findall(r'\.option\("(\w+)"', PAGE.read_text(encoding="utf-8")))

    assert shown - CONNECTION - set(KNOWN) == {"path", "checkpointLocation"}
