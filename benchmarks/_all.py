"""Run every benchmark, and write one table: what `make bench` does."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._machine import describe_machine
from benchmarks._process import ROOT
from benchmarks._table import Row, write_table

SIZES: Mapping[str, Sequence[str]] = {
    "quick": ["--quick"],
    "usual": [],
    "full": ["--full"],
}
"""Options of a benchmark, by what SIZE says."""

SIZES_OF: Mapping[str, Mapping[str, Sequence[str]]] = {
    "client": {"usual": ["--rounds", "1", "--alerts", "10000"]},
    "exactly_once": {"usual": ["--rounds", "6"], "full": ["--rounds", "20"]},
    "scale": {"usual": ["--rounds", "2"]},
}
"""Options of single benchmarks instead: the usual form fits into 45 minutes."""

OUTPUT = ROOT / "build" / "benchmarks.md"
"""Where the table goes."""


@dataclass(frozen=True)
class _Report:
    """What one benchmark told."""

    rows: Sequence[Row]
    figures: Sequence[str]
    """Lines of figures."""


def main() -> None:
    """Run all, and write and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="usual", help="default usual")
    size = parser.parse_args().size
    begun, told, failed = time.monotonic(), {}, []
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        print(f"{path.stem} ({size})", file=sys.stderr)
        started = time.monotonic()
        report = _run(path, size)
        minutes = (time.monotonic() - started) / 60
        print(f"{path.stem} took {minutes:.1f} minutes", file=sys.stderr)
        if report is None:
            failed.append(path.stem)
        else:
            told[path.stem] = report
    text = _write(told, size, time.monotonic() - begun)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text)
    print(text, end="")
    print("\n".join(line for report in told.values() for line in report.figures))
    if failed:
        sys.exit(f"Error: {', '.join(failed)} failed.")


def _run(path: Path, size: str) -> _Report | None:
    """Run one benchmark; None if it failed, which it has said itself."""
    sizes = {**SIZES, **SIZES_OF.get(path.stem, {})}
    ended = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, path, "--json", *sizes[size]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        return None
    lines = ended.stdout.splitlines()
    figures = [line for line in lines if line.startswith("figure: ")]
    reports = [json.loads(line) for line in lines if line.startswith("{")]
    return _Report([row for report in reports for row in _rows(report)], figures)


def _rows(report: Mapping[str, Any]) -> list[Row]:
    if "table" in report:
        return [Row(**row) for row in report["table"]]
    return [
        Row(
            "exactly once",
            what,
            [side["cpu_s"] for side in report[name]],
            [side["wall_s"] for side in report[name]],
            remark=f"{report['rows']:,} packets to 20 topics",
        )
        for name, what in (
            ("exactly_once", "transactions and ledger"),
            ("plain", "plain idempotent producer"),
        )
    ]


def _write(told: Mapping[str, _Report], size: str, seconds: float) -> str:
    rows = [row for report in told.values() for row in report.rows]
    lines = [
        f"# Benchmarks ({size})",
        "",
        *describe_machine(),
        f"Medians of interleaved rounds; all of it took {seconds / 60:.0f} minutes.",
        "",
        write_table(rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
