"""The table and the figures that benchmarks print."""

from benchmarks._process import Done
from benchmarks._table import Row, row_of, write_figures, write_table
from benchmarks._tree import Usage


def test_a_row_has_medians_and_peaks() -> None:
    """CPU time is the median of the rounds, memory the most of them."""
    done = [Done(None, Usage(cpu, 100 * cpu, 10.0), 2 * cpu) for cpu in (3.0, 1.0, 2.0)]

    row = row_of("real", "ours", done, "a remark")

    assert row.cells() == [
        *("real", "ours", "2.00", "1.00 to 3.00", "300, 10", "4.00", "3", "a remark")
    ]
    assert Row(**row.encode()) == row


def test_a_table_is_markdown() -> None:
    """Heads, a rule, and a line for each row; what there is not is a dash."""
    lines = write_table([Row("ztf", "ours", [0.0123], [0.02])]).splitlines()

    assert lines[0].startswith("| of | what | CPU s | min to max | peak RSS of JVM,")
    assert set(lines[1]) == {"|", " ", "-"}
    assert lines[2:] == ["| ztf | ours | 0.012 | 0.012 to 0.012 | –, – | 0.02 | 1 |  |"]


def test_figures_have_a_line_each() -> None:
    """A name without blanks, and a number."""
    text = write_figures({"night_real_a_over_ours": 81.234, "small": 0.98765})

    assert text == "figure: night_real_a_over_ours 81.2\nfigure: small 0.988"
