"""Time a night: ours, Spark a job per filter, Spark in one pass, and the floor.

All send the same records: every design's topics are read back and compared after every
run. CPU time is that of the driver, the JVM and the Python workers; Kafka's is left
out. Spark and workers are warm; its start, and a night in a process of its own, are
stated apart.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._night_rounds import (
    DESIGNS,
    PER_FILTER,
    Bench,
    Night,
    open_bench,
    python_path,
)
from benchmarks._options import Result, parser, report, rounds
from benchmarks._process import ROOT, Done
from benchmarks._stores import Store
from benchmarks._table import Row, row_of
from benchmarks._tree import Tree, Usage
from cluster.local import running
from settings.model import Settings

STORES = {
    store.name: store
    for store in (
        Store("real", "ztf", 20_000, "real"),
        Store("heavy", "ztf", 20_000, "real", factor=6.6),
        Store("bare", "ztf", 200_000, "real", cutouts=False),
        Store("simulated", "ztf", 20_000, "simulated"),
        Store("simulated-bare", "ztf", 200_000, "simulated", cutouts=False),
        Store("lsst", "lsst", 2_000, "real"),
    )
}
"""Nights by name: those of real alerts repeated, heavily filtered, without cutouts."""

TIMED_OFTEN = ("real", "lsst")
"""Nights of several rounds and of (a), unless the full form is asked for; the others
have one round, and no (a), which takes minutes."""

QUICK_ALERTS = 200
"""Alerts of each night in the small form."""

ROOM_GB = 12
"""Room on disk for the largest night, its archive and its topics [GB]."""

NAMES = {
    "ours": "ours",
    "column": "(b) one pass, Column filters",
    "pandas": "(b) one pass, pandas_udf filters",
    "floor": "(c) floor: decode, copy, produce",
    PER_FILTER: "(a) a job per filter",
}
"""What the table calls the designs."""

EXAMPLES = """\
Examples:
  python benchmarks/night.py --quick
  python benchmarks/night.py --stores real lsst --rounds 3
  python benchmarks/night.py --json >night.json

Of real and lsst it times three rounds and (a), of other stores one round without (a),
unless --rounds or --full says more; of heavy always one.
Stores: real, heavy and bare are 20,000 real ZTF alerts, the same of which filters keep
about 40 %, and 200,000 without cutouts; simulated and simulated-bare are what real and
bare are, of the simulator; lsst is 2,000 real LSST alerts.
"""


def main() -> None:
    """Measure, and print a table."""
    made = parser(__doc__, EXAMPLES)
    made.add_argument(
        "--stores",
        nargs="+",
        choices=STORES,
        help="nights to time; by default all but simulated-bare, in the full form all",
    )
    options = made.parse_args()
    report(partial(_measure, options), as_json=options.json)


def _measure(options: argparse.Namespace) -> Result:
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if not options.quick and free < ROOM_GB:
        sys.exit(
            f"Error: {tempfile.gettempdir()} has {free:.0f} GB left and {ROOM_GB} GB"
            " are needed: make room, set TMPDIR, or ask for --quick."
        )
    rows: list[Row] = []
    figures: dict[str, float] = {}
    with _opened() as bench:
        for name, start in bench.starts.items():
            rows.append(row_of("start", f"Spark's, {name}", [start]))
        number = 0
        for name in _stores(options):
            night = Night(bench, _sized(STORES[name], quick=options.quick), number)
            often = options.full or name in TIMED_OFTEN
            once = ("profile", PER_FILTER) if often else ("profile",)
            done = _rounds(night, _times(name, options), once)
            rows += _rows(night, name, done)
            figures |= {f"night_{name}_{k}": v for k, v in _ratios(done).items()}
            if not number and not options.quick:
                rows.append(_one_shot(bench, night, name))
            number = night.number
            night.close()
    return rows, figures


@contextmanager
def _opened() -> Iterator[Bench]:
    """Start a Kafka of one's own and the processes, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as name:
        settings = Settings(state_dir=Path(name) / "state")
        with (
            running(settings) as access,
            open_bench(Path(name), settings, access) as bench,
        ):
            yield bench


def _stores(options: argparse.Namespace) -> list[str]:
    if options.stores or options.full:
        return list(options.stores or STORES)
    return [name for name in STORES if name != "simulated-bare"]


def _times(name: str, options: argparse.Namespace) -> int:
    """Tell how many rounds a store is timed."""
    asked = options.rounds or options.full or name in TIMED_OFTEN
    return rounds(options) if asked and name != "heavy" else 1


def _sized(store: Store, *, quick: bool) -> Store:
    return replace(store, alerts=min(store.alerts, QUICK_ALERTS)) if quick else store


def _rounds(night: Night, times: int, once: Sequence[str]) -> dict[str, list[Done]]:
    """Run the designs in turns after a round that is not counted, and some once."""
    done: dict[str, list[Done]] = {design: [] for design in DESIGNS}
    for number in range(times + 1):
        turn = number % len(DESIGNS)
        for design in (*DESIGNS[turn:], *DESIGNS[:turn]):
            one = night.run(design)
            if number:
                done[design].append(one)
    night.run("profile")  # its process has not run the filters before
    for design in once:
        done[design] = [night.run(design)]
    return done


def _rows(night: Night, name: str, done: Mapping[str, Sequence[Done]]) -> Iterator[Row]:
    answer = night.answer
    share = 100 * answer.alerts / answer.rows
    ours = median(one.usage.cpu_s for one in done["ours"])
    for design in [name for name in NAMES if name in done]:
        cpu_s = median(one.usage.cpu_s for one in done[design])
        remark = f"{answer.rows / cpu_s:,.0f} alerts/CPU-s, {cpu_s / ours:.2f} × ours"
        yield row_of(name, NAMES[design], done[design], remark)
    yield row_of(name, "ours, topics and plan before it", night.plans[1:])
    [alone] = done["profile"]
    yield row_of(
        name,
        "ours in one process without Spark",
        [alone],
        f"{answer.rows:,} alerts, {share:.1f} % kept, {answer.records:,} records",
    )
    for stage, spent in _stages(alone, ours):
        yield Row(name, f"ours, {stage}", [spent], [spent])


def _stages(alone: Done, ours_cpu_s: float) -> Iterator[tuple[str, float]]:
    """Give the profile, and what Spark adds to it."""
    stages = sorted(alone.answer.items(), key=lambda entry: -entry[1])
    yield from stages
    yield "Spark", max(0.0, ours_cpu_s - sum(alone.answer.values()))


def _ratios(done: Mapping[str, Sequence[Done]]) -> dict[str, float]:
    cpu_s = {d: median(one.usage.cpu_s for one in many) for d, many in done.items()}
    found = {
        "b_column_over_ours": cpu_s["column"] / cpu_s["ours"],
        "b_pandas_over_ours": cpu_s["pandas"] / cpu_s["ours"],
        "ours_over_floor": cpu_s["ours"] / cpu_s["floor"],
    }
    if PER_FILTER in cpu_s:
        found["a_over_ours"] = cpu_s[PER_FILTER] / cpu_s["ours"]
    return found


def _one_shot(bench: Bench, night: Night, name: str) -> Row:
    """Run `nightmail night` as a user does: Prefect, Spark and workers are new."""
    settings = bench.settings
    environment: dict[str, Any] = {
        **os.environ,
        "PYTHONPATH": python_path(bench.site),
        "NIGHTMAIL_STATE_DIR": str(settings.state_dir),
        "NIGHTMAIL_STORE__URI": night.link(),
        "NIGHTMAIL_ARCHIVE__URI": str(night.folder / "archive"),
        "NIGHTMAIL_TOPICS__PREFIX": f"{settings.topics.prefix}once_",
    }
    command = [sys.executable, "-m", "nightmail", "night", "--survey"]
    command += [night.answer.survey, "--night", night.name]
    for one in night.answer.filters:
        command += ["--filter", one]
    said = night.folder / "said"
    begun = time.monotonic()
    with said.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        tree = Tree(child.pid)
        with tree.looked_at():
            _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"Error: nightmail night failed:\n{said.read_text()}")
    spent = Usage(tree.ended_cpu_s(usage), tree.peak_mb("java"), tree.peak_mb("python"))
    wall_s = time.monotonic() - begun
    return row_of(name, "`nightmail night`, one shot", [Done(None, spent, wall_s)])


if __name__ == "__main__":
    main()
