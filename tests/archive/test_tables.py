"""The summary as a table keeps to its width and lets no markup through."""

from dataclasses import replace

from archive.summary import Summary, markdown_table, show_table
from archive.tables import WIDTH

TABLE = """
ztf 20260301 (dayObs 20260228): failed; 3 of 76 alerts kept, from 2 files

filter  kept  delivered  archived  set aside   MB    s  classes
bright     2          2         2          0  0.1  0.2  SN candidate 1, Unknown 1
faint      3          2         2          1  0.1  0.5  Unknown 2
total      5          4         4          1  0.2  0.8

Classes: Unknown 2, SN candidate 1

Failures
- part-3.parquet is not a Parquet file.
- faint: 1 alert could not be encoded.
"""


def test_terminal_table(summary: Summary) -> None:
    """Filters, totals, classes and failures stand below one another."""
    assert show_table(summary) == TABLE.strip()


def test_terminal_table_keeps_its_width(summary: Summary) -> None:
    """Long names, many classes and long failures do not make long lines."""
    many = {f"Class of some length {i}": 1000 + i for i in range(60)}
    long = replace(
        summary.topics[0],
        filter="a_filter_whose_name_is_longer_than_anybody_would_type",
        classes=many,
        kept=10**7,
        failures=("word " * 60,),
    )
    lines = show_table(replace(summary, classes=many, topics=(long,))).splitlines()

    assert max(map(len, lines)) <= WIDTH


def test_what_does_not_add_up_is_shown(summary: Summary) -> None:
    """Problems stand below the failures."""
    assert "Does not add up\n- 9 alerts" in show_table(replace(summary, kept=9))


def test_night_without_data(summary: Summary) -> None:
    """There is no table then, only the line that says so."""
    nothing = replace(
        summary,
        status="no data",
        kept=0,
        classes={},
        failures=(),
        topics=(),
    )

    assert show_table(nothing) == "ztf 20260301 (dayObs 20260228): no data"


def test_markdown_table(summary: Summary) -> None:
    """Headings, both tables and the failures are there."""
    text = markdown_table(summary)

    assert "| filter | kept | delivered |" in text
    assert "| bright | 2 | 2 | 2 | 0 | 0.1 | 0.2 | SN candidate 1, Unknown 1 |" in text
    assert "| Unknown | 2 |" in text
    assert "## Failures\n\n- part-3.parquet is not a Parquet file." in text


def test_markdown_in_the_data_is_text(summary: Summary) -> None:
    """A class named like markup stays one cell."""
    text = markdown_table(replace(summary, classes={"EB*|<b>_x_": 3}))

    assert "| EB\\*\\|&lt;b&gt;\\_x\\_ | 3 |" in text
