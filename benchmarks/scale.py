"""Time larger nights, more filters and more executors: what each of them costs more.

A simulated ZTF night without cutouts, distributed by the product in a Spark session
that stays. What was sent is counted after every run.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median
from typing import Any

import pyspark

from benchmarks._night_answer import select
from benchmarks._night_filters import install_filters, read_filters
from benchmarks._night_rounds import (
    empty_topics,
    link_night,
    name_night,
    python_path,
)
from benchmarks._options import Result, parser, report, rounds
from benchmarks._process import Done, Process, started
from benchmarks._scale_filters import FILTERS, filter_names, write_filters
from benchmarks._stores import Store, build
from benchmarks._table import row_of
from cluster.access import KafkaAccess
from cluster.count import count_topics
from cluster.local import running
from cluster.topics import ensure_ledger
from nightmail import Filter
from settings.model import Settings
from settings.names import topic

EXAMPLES = """\
Examples:
  python benchmarks/scale.py --quick
  python benchmarks/scale.py --parts filters executors --rounds 3
"""

ALERTS = (100_000, 1_000_000)
"""Alerts of the nights; the first is the beginning of the second."""

QUICK_ALERTS = (160, 1600)
"""The same in the small form."""

SURVEY = "ztf"

EXECUTORS = (1, 2)
"""Executors of a cluster on this machine, of one core and 1 GB each."""

SURVEY_NIGHT = 10_000_000
"""Alerts of one night of Rubin's whole survey."""

WORKER = "benchmarks._night_ours"
"""What runs the product."""


@dataclass(frozen=True)
class _Load:
    """A night of some size, the filters that run on it, and what they must send."""

    name: str
    files: Sequence[Path]
    alerts: int
    filters: Sequence[str]
    expected: Counter[tuple[str, int]]
    """How often each (filter, id) is to be sent."""


class _Bench:
    """A Kafka, the files of the largest night, and runs one after another."""

    def __init__(self, folder: Path, settings: Settings, access: KafkaAccess) -> None:
        self.folder, self.settings, self.access = folder, settings, access
        self.site = folder / "site"
        module = write_filters(self.site)
        install_filters(self.site, module)
        self._many = _import(self.site / f"{module}.py")
        self._number = 0
        ensure_ledger(access, settings)

    def load(
        self, name: str, files: Sequence[Path], alerts: int, names: Sequence[str] = ()
    ) -> _Load:
        """Say what is to be run; by default the twenty filters of `night`."""
        known: Mapping[str, Filter] = (
            self._many if names else read_filters(SURVEY).filters
        )
        chosen = [known[n] for n in names or known]
        expected: Counter[tuple[str, int]] = Counter()
        for path in files:
            part = select(SURVEY, path, chosen)
            for index, one in enumerate(chosen):
                kept = part.ids[part.masks[:, index]].tolist()
                expected.update((one.name, alert) for alert in kept)
        return _Load(name, files, alerts, [one.name for one in chosen], expected)

    @contextmanager
    def started(self, master: str) -> Iterator[Process]:
        """Start the product's Spark in a process of its own."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        environment = {"PYTHONPATH": python_path(self.site), "TMPDIR": str(scratch)}
        with started(WORKER, **environment) as process:
            state_dir = str(self.settings.state_dir)
            process.do("start", state_dir=state_dir, master=master)
            yield process

    def run(self, process: Process, load: _Load) -> Done:
        """Distribute a night once, and count what was sent."""
        self._number += 1
        night, access = name_night(self._number), self.access
        prefix = f"{self.settings.topics.prefix}{self._number}_"
        names = {topic(prefix, name, SURVEY): name for name in load.filters}
        since = datetime.now(UTC)
        process.do("touch")
        with empty_topics(self.settings, access, list(names), prefix=prefix):
            process.do(
                "plan",
                survey=SURVEY,
                night=night,
                prefix=prefix,
                filters=list(load.filters),
                store=link_night(load.files, self.folder / "store", SURVEY, night),
            )
            done = process.do("run")
            sent = count_topics(access.reader, list(names), night=night, since=since)
        found = Counter({(names[w], alert): n for (w, alert), n in sent.items()})
        if found != load.expected:
            sys.exit(
                f"Error: {load.name}: {found.total()} records were sent, and"
                f" {load.expected.total()} must be."
            )
        print(
            f"{load.name}: {done.usage.cpu_s:.2f} CPU s, {done.wall_s:.2f} s",
            file=sys.stderr,
        )
        return done


def main() -> None:
    """Measure, and print a table."""
    made = parser(__doc__, EXAMPLES)
    made.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="what is to grow; by default each in turn",
    )
    options = made.parse_args()
    report(partial(_measure, options), as_json=options.json)


def _measure(options: argparse.Namespace) -> Result:
    sizes = QUICK_ALERTS if options.quick else ALERTS
    rows: list[Any] = []
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as name:
        settings = Settings(state_dir=Path(name) / "state")
        with running(settings) as access:
            bench = _Bench(Path(name), settings, access)
            most = sizes[-1] if "alerts" in options.parts else sizes[0]
            store = Store("night", SURVEY, most, "simulated", cutouts=False)
            files = build(store, Path(name) / "night", rows_per_file=sizes[0] // 10)
            for part in options.parts:
                more, found = PARTS[part](bench, files, sizes, rounds(options))
                rows += more
                figures |= {f"scale_{k}": v for k, v in found.items()}
    return rows, figures


def _grow_alerts(
    bench: _Bench, files: Sequence[Path], sizes: Sequence[int], times: int
) -> Result:
    """Distribute a night, and ten times as much."""
    loads = [
        bench.load(f"{size:,} alerts", files[: 10 * size // sizes[0]], size)
        for size in sizes
    ]
    done = _in_turns(bench, loads, times)
    rows = []
    for load, many in zip(loads, done, strict=True):
        each_s = _cpu_s(many) / load.alerts
        hours = each_s * SURVEY_NIGHT / 3600
        remark = f"{1e6 * each_s:.0f} µs an alert; ten million: {hours:.2g} core hours"
        rows.append(row_of("scale", load.name, many, remark))
    small, large = (
        _cpu_s(m) / load.alerts for load, m in zip(loads, done, strict=True)
    )
    peaks = [max(o.usage.jvm_mb + o.usage.python_mb for o in many) for many in done]
    return rows, {
        "alerts_cpu_growth_percent": 100 * (large / small - 1),
        "alerts_memory_growth_percent": 100 * (peaks[1] / peaks[0] - 1),
    }


def _grow_filters(
    bench: _Bench, files: Sequence[Path], sizes: Sequence[int], times: int
) -> Result:
    """Distribute a night with one filter, and with a hundred."""
    loads = [
        bench.load(f"{count} filters", files[:10], sizes[0], filter_names(count))
        for count in (1, FILTERS)
    ]
    done = _in_turns(bench, loads, times)
    rows = [
        row_of("scale", load.name, many, f"{load.expected.total():,} records")
        for load, many in zip(loads, done, strict=True)
    ]
    few, all_of_them = map(_cpu_s, done)
    return rows, {"filters_growth_percent": 100 * (all_of_them / few - 1)}


def _grow_executors(
    bench: _Bench, files: Sequence[Path], sizes: Sequence[int], times: int
) -> Result:
    """Distribute a night on one executor, and on two."""
    load = bench.load("executors", files[:10], sizes[0])
    done: dict[int, list[Done]] = {count: [] for count in EXECUTORS}
    with _no_work_left(), ExitStack() as stack:
        processes = {
            count: stack.enter_context(bench.started(f"local-cluster[{count},1,1024]"))
            for count in EXECUTORS
        }
        for number in range(times + 1):
            for count, process in processes.items():
                one = bench.run(process, load)
                if number:
                    done[count].append(one)
    rows = [row_of("scale", f"{c} executors", many) for c, many in done.items()]
    one_s, two_s = (median(o.wall_s for o in many) for many in done.values())
    return rows, {"executors_speedup": one_s / two_s}


def _in_turns(bench: _Bench, loads: Sequence[_Load], times: int) -> list[list[Done]]:
    """Run loads in turns, after a round that is not counted."""
    done: list[list[Done]] = [[] for _ in loads]
    with bench.started("local[*]") as process:
        for number in range(times + 1):
            for load, many in zip(loads, done, strict=True):
                one = bench.run(process, load)
                if number:
                    many.append(one)
    return done


def _cpu_s(done: Sequence[Done]) -> float:
    return median(one.usage.cpu_s for one in done)


def _import(path: Path) -> dict[str, Filter]:
    """Read the filters of a file, here where it is no installed package's."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} cannot be imported.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return {n: one for n, one in vars(module).items() if isinstance(one, Filter)}


@contextmanager
def _no_work_left() -> Iterator[None]:
    """Remove the folders in which executors of a local cluster stood."""
    work = Path(pyspark.__file__).parent / "work"
    before = set(work.glob("*"))
    try:
        yield
    finally:
        for folder in set(work.glob("*")) - before:
            shutil.rmtree(folder)


PARTS = {
    "alerts": _grow_alerts,
    "filters": _grow_filters,
    "executors": _grow_executors,
}
"""What can grow, and what measures it."""


if __name__ == "__main__":
    main()
