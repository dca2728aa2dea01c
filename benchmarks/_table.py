"""The one table that all benchmarks share: CPU seconds and memory first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks._process import Done

HEAD = (
    "of",
    "what",
    "CPU s",
    "min to max",
    "peak RSS of JVM, Python [MB]",
    "wall s",
    "rounds",
    "remark",
)
"""Heads of the columns."""


@dataclass(frozen=True)
class Row:
    """One thing that was measured, in some rounds."""

    of: str
    what: str
    cpu_s: Sequence[float]
    """User and system time, by round [s]."""

    wall_s: Sequence[float]
    jvm_mb: float | None = None
    """Largest resident set of all rounds [MB]; None where there is no such process."""

    python_mb: float | None = None
    remark: str = ""

    @property
    def cpu_median_s(self) -> float:
        """Median of the rounds [s]."""
        return median(self.cpu_s)

    def cells(self) -> list[str]:
        """Write the row's cells."""
        memory = [self.jvm_mb, self.python_mb]
        return [
            self.of,
            self.what,
            _number(self.cpu_median_s),
            f"{_number(min(self.cpu_s))} to {_number(max(self.cpu_s))}",
            ", ".join("–" if not mb else f"{mb:,.0f}" for mb in memory),
            _number(median(self.wall_s)),
            str(len(self.cpu_s)),
            self.remark,
        ]

    def encode(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)


def row_of(of: str, what: str, done: Sequence[Done], remark: str = "") -> Row:
    """Make a row of rounds that processes did."""
    return Row(
        of,
        what,
        [one.usage.cpu_s for one in done],
        [one.wall_s for one in done],
        max(one.usage.jvm_mb for one in done),
        max(one.usage.python_mb for one in done),
        remark,
    )


def write_table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_figures(figures: Mapping[str, float]) -> str:
    """Write figures, a line each."""
    return "\n".join(f"figure: {name} {value:.3g}" for name, value in figures.items())


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:.2g}"
