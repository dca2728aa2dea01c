"""What reading alerts costs an astronomer: our client beside fink-client.

Real alerts, repeated, stand on a topic of a Kafka of its own for each survey. Each
client reads all of them from the beginning, in a process and a group of its own: alert
by alert, alert by alert into files, into DataFrames, into Arrow's tables. CPU time is
that of the whole process, as the system counts it: start, imports and loading of
kernels are in it. fink-client stands in an environment of its own, which pip makes
once, and reads in one round only, since it takes minutes; ours is also installed alone,
without extras, for its size and its time to import.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import pyarrow as pa
from confluent_kafka import Producer

from benchmarks._codec import Case, cases
from benchmarks._fink_client import NEWEST, fink_client, install, outside
from benchmarks._options import Result, parser, report, rounds
from benchmarks._process import ROOT
from benchmarks._stores import FIRST_ID
from benchmarks._table import Row
from cluster.access import KafkaAccess
from cluster.local import running
from cluster.topics import ensure_topics
from nightmail.avro import AvroEncoder, compact
from settings.model import Settings
from settings.names import ID_COLUMN

SIDE = Path(__file__).with_name("_client_side.py")
"""Program of one client that reads."""

SURVEYS = ("ztf", "lsst")

ALERTS = {"ztf": 20_000, "lsst": 1_000}
"""Alerts of a topic."""

QUICK_ALERTS = 20

SAVED = 5
"""One of so many alerts is saved, since fink-client takes long for that."""

WARM_ALERTS = 100
"""Alerts of the first round, which only compiles and fills caches."""

PARTITIONS = 2
SIZE_IMPORTS = 5
"""Imports of a round: one is short."""

OURS, LIGHT, THEIRS = "nightmail", "nightmail, no extras", f"fink-client {NEWEST}"

WORKS = {
    "poll": (OURS, LIGHT, THEIRS),
    "save": (OURS, LIGHT, THEIRS),
    "to_pandas": (OURS, THEIRS),
    "to_arrow": (OURS, THEIRS),
}
"""Ways to read, and who can."""

OURS_ALONE = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
"""What is in an environment before anything is installed."""

EXAMPLES = """\
Examples:
  python benchmarks/client.py --quick
  python benchmarks/client.py --survey ztf --work poll --rounds 5 --alerts 5000
"""


@dataclass
class Ended:
    """What some processes took that did the same, by round."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    """Largest resident set of each [MB]."""

    def row(self, of: str, what: str, remark: str) -> Row:
        """Make a row of the table."""
        return Row(of, what, self.cpu_s, self.wall_s, None, max(self.peak_mb), remark)


@dataclass(frozen=True)
class Topic:
    """What is read."""

    survey: str
    servers: str
    name: str
    alerts: int
    size: float
    """Mean size of a value [byte]."""

    def read_by(self, work: str) -> int:
        """Give how many alerts are read in this way."""
        return self.alerts // SAVED if work == "save" else self.alerts


def main() -> None:
    """Measure, and print a table."""
    made = parser(__doc__, EXAMPLES)
    made.add_argument(
        "--alerts", type=int, help="of each topic; default 20000 of ZTF, 1000 of LSST"
    )
    made.add_argument("--survey", choices=SURVEYS, help="by default both")
    made.add_argument(
        "--work", choices=WORKS, action="append", help="by default all; may be repeated"
    )
    options = made.parse_args()
    report(partial(_measure, options), as_json=options.json)


def _measure(options: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as name:
        folder = Path(name)
        pythons = _environments(folder)
        rows, figures = _footprint(pythons, rounds(options))
        with _topics(folder, options) as topics:
            for topic in topics:
                works = options.work or list(WORKS)
                found = _read(topic, works, pythons, folder, rounds(options))
                rows += found[0]
                figures |= found[1]
    return rows, figures


def _environments(folder: Path) -> Mapping[str, Path]:
    """Give the Python of each side; ours are installed anew, from this checkout."""
    client = ROOT / "client"
    install(folder / "light", [str(client)])
    install(folder / "arrow", [f"{client}[arrow]", f"pandas=={version('pandas')}"])
    return {
        OURS: folder / "arrow" / "bin" / "python",
        LIGHT: folder / "light" / "bin" / "python",
        THEIRS: fink_client() / "bin" / "python",
    }


def _footprint(
    pythons: Mapping[str, Path], rounds: int
) -> tuple[list[Row], dict[str, float]]:
    """Measure installed sizes, and the time to import the reader."""
    timed = {LIGHT: Ended(), THEIRS: Ended()}
    for number in range(rounds * SIZE_IMPORTS + 1):
        for side, ended in timed.items():
            _run(side, pythons[side], "import", {}, ended if number else Ended())
    sizes = {side: _size_mb(pythons[side].parents[1]) for side in timed}
    rows = [
        ended.row("import", side, f"{sizes[side]:.1f} MB installed")
        for side, ended in timed.items()
    ]
    figures = {
        "client_size": sizes[THEIRS] / sizes[LIGHT],
        "client_import": median(timed[THEIRS].cpu_s) / median(timed[LIGHT].cpu_s),
        "client_import_memory": median(timed[THEIRS].peak_mb)
        / median(timed[LIGHT].peak_mb),
    }
    return rows, figures


def _read(
    topic: Topic,
    works: Sequence[str],
    pythons: Mapping[str, Path],
    folder: Path,
    rounds: int,
) -> tuple[list[Row], dict[str, float]]:
    """Read a topic in some ways, by turns; the first round is not counted.

    fink-client, which takes minutes, is in one more round only.
    """
    timed = {(work, side): Ended() for work in works for side in WORKS[work]}
    for number in range(rounds + 1):
        for (work, side), ended in timed.items():
            if side == THEIRS and number > 1:
                continue
            alerts = topic.read_by(work)
            told = {
                "servers": topic.servers,
                "topic": topic.name,
                "survey": topic.survey,
                "alerts": alerts if number else min(alerts, WARM_ALERTS),
                "group": f"bench_{number}_{work}_{side.replace(', ', '_')}",
            }
            with tempfile.TemporaryDirectory(dir=folder, prefix="saved-") as saved:
                told["folder"] = saved
                _run(side, pythons[side], work, told, ended if number else Ended())
    rows, figures = [], {}
    for (work, side), ended in timed.items():
        speed = topic.read_by(work) / median(ended.cpu_s)
        remark = f"{speed:,.0f} alerts per CPU s, of {topic.size / 1e3:.0f} kB"
        rows.append(ended.row(f"{topic.survey} {work}", side, remark))
        if side != THEIRS:
            theirs = timed[work, THEIRS]
            name = f"client_{topic.survey}_{work}" + ("_light" * (side == LIGHT))
            figures[name] = median(theirs.cpu_s) / median(ended.cpu_s)
    return rows, figures


def _run(
    side: str, python: Path, work: str, told: Mapping[str, Any], ended: Ended
) -> None:
    """Run one process to its end, and note what the system says that it took."""
    client = side.partition(" ")[0].rstrip(",")
    begun = monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [python, "-P", SIDE, client, work, json.dumps(told)],
        env=outside(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process.stdout or sys.stdin as stream:
        text = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    answer = json.loads(text or "{}")
    if process.returncode or answer["alerts"] < told.get("alerts", 1):
        sys.exit(f"Error: {side} did not end {work} well.")
    ended.cpu_s.append(usage.ru_utime + usage.ru_stime)
    ended.wall_s.append(monotonic() - begun)
    ended.peak_mb.append(answer["peak_mb"])
    if told:
        print(
            f"{told['survey']} {work}, {side}: CPU {ended.cpu_s[-1]:.2f} s",
            file=sys.stderr,
        )


def _size_mb(environment: Path) -> float:
    """Give the size of what was installed, without pip and compiled files [MB]."""
    (packages,) = environment.glob("lib/python*/site-packages")
    kept = (one for one in packages.iterdir() if not one.name.startswith(OURS_ALONE))
    files = (file for one in kept for file in (one, *one.rglob("*")) if file.is_file())
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc") / 1e6


@contextmanager
def _topics(folder: Path, options: argparse.Namespace) -> Iterator[Sequence[Topic]]:
    """Fill topics of a new Kafka."""
    settings = Settings(state_dir=folder / "kafka")
    found = {case.name: case for case in cases()}
    with running(settings) as access:
        topics = []
        for survey in [options.survey] if options.survey else SURVEYS:
            usual = QUICK_ALERTS if options.quick else ALERTS[survey]
            name = f"fink_bench_{survey}"
            ensure_topics(access, settings, [name], partitions=PARTITIONS)
            size = _fill(access, name, found[survey], options.alerts or usual)
            servers = str(access.public_servers)
            topics.append(Topic(survey, servers, name, options.alerts or usual, size))
        yield topics


def _fill(access: KafkaAccess, topic: str, case: Case, alerts: int) -> float:
    """Send real alerts again and again, each under an id of its own.

    Returns
    -------
    float
        Mean size of a value [byte].
    """
    key, size = compact(case.schema), 0
    encoder = AvroEncoder(case.schema, case.rows.schema)
    producer = Producer({**access.publisher, "compression.type": "zstd"})
    for first in range(0, alerts, len(case.rows)):
        rows = _numbered(case, first).slice(0, alerts - first)
        for row, value in enumerate(encoder.encode(rows), first):
            producer.produce(topic, value, key, partition=row % PARTITIONS)
            size += len(value)
            if row % 500 == 0:
                producer.flush()
    producer.flush()
    return size / alerts


def _numbered(case: Case, first: int) -> pa.RecordBatch:
    name = ID_COLUMN[case.survey]
    place = case.rows.schema.get_field_index(name)
    ids = pa.array(range(FIRST_ID + first, FIRST_ID + first + len(case.rows)))
    return case.rows.set_column(place, case.rows.schema.field(place), ids)


if __name__ == "__main__":
    main()
