"""What `encode.py` and `decode.py` share: alerts, rounds, and the table of them."""

import gc
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks._stores import real_alerts, without_cutouts
from benchmarks._table import Row
from nightmail.avro import derive_schema, wire_batch

ROWS = {"ztf": 300, "lsst": 40}
"""Alerts of a batch: fastavro takes seconds for so many."""

LEAST_S = 0.3
"""A round repeats what is faster until it has taken this CPU time [s]."""

Work = Callable[[], Any]
"""Encodes or decodes all rows of a case once."""


@dataclass(frozen=True)
class Case:
    """Alerts of one survey, with cutouts or without."""

    name: str
    survey: str
    rows: pa.RecordBatch
    """In the types of the wire."""

    schema: dict[str, Any]


@dataclass
class Timed:
    """What one library took for all rows of a case."""

    cpu_s: list[float] = field(default_factory=list)
    """By round [s]."""

    wall_s: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    """Largest resident set of the process meanwhile [MB]."""


def cases(rows: int | None = None) -> list[Case]:
    """Give real alerts of both surveys, with cutouts and without.

    Parameters
    ----------
    rows
        Most rows of a case.
    """
    found = []
    for survey, usual in ROWS.items():
        alerts = real_alerts(survey)
        spread = np.linspace(0, len(alerts) - 1, rows or usual).astype(np.int64)
        whole = wire_batch(alerts.take(pa.array(spread, pa.int64())))
        for name, batch in (
            (survey, whole),
            (f"{survey}-bare", without_cutouts(whole)),
        ):
            found.append(Case(name, survey, batch, derive_schema(batch.schema)))
    return found


def time_rounds(works: Mapping[str, Work], rounds: int) -> dict[str, Timed]:
    """Time some ways to do the same, in turns, after a round that is not counted."""
    timed = {name: Timed() for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            _reset_peak()
            begun, times = (time.process_time(), time.perf_counter()), 0
            while time.process_time() - begun[0] < LEAST_S or not times:
                work()
                times += 1
            if number:
                one = timed[name]
                one.cpu_s.append((time.process_time() - begun[0]) / times)
                one.wall_s.append((time.perf_counter() - begun[1]) / times)
                one.peak_mb = max(one.peak_mb, _peak_mb())
            gc.collect()
    return timed


def rows_of(case: Case, timed: Mapping[str, Timed], base: str) -> list[Row]:
    """Make the table's rows of a case.

    Parameters
    ----------
    base
        What the others are compared with.
    """
    least = median(timed[base].cpu_s)
    made = []
    for name, one in timed.items():
        cpu_s = median(one.cpu_s)
        speed = f"{len(case.rows) / cpu_s:,.0f} rows/s, {least / cpu_s:.1f} × {base}"
        made.append(
            Row(case.name, name, one.cpu_s, one.wall_s, None, one.peak_mb, speed)
        )
    return made


def compare(case: Case, what: str, *, equal: bool) -> None:
    """End where a library's answer is not what it must be."""
    if not equal:
        sys.exit(f"Error: {what} differs on {case.name}.")


def _reset_peak() -> None:
    """Have Linux forget the largest resident set so far."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) * 1024 / 1e6


def speedup(timed: Mapping[str, Timed], name: str, base: str) -> float:
    """How many times faster one is than the other, by medians."""
    return median(timed[base].cpu_s) / median(timed[name].cpu_s)
