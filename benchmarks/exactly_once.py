"""What exactly-once costs: CPU against plain produce, commits, and the ledger's read.

Real ZTF packets go to 20 topics, by transactions with rows of the ledger and by a plain
idempotent producer, in turns. CPU is that of the publishing processes, from their start
to their end, librdkafka's threads included. The local Kafka that it needs is its own.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from benchmarks._ledger_read import Reading, read_ledgers
from benchmarks._packets import encode_packets
from benchmarks._publish import SURVEY, Account, Assignment, Packets, Part
from cluster.access import KafkaAccess, open_admin
from cluster.local import running
from cluster.topics import count_partitions, ensure_ledger, ensure_topics
from settings.errors import NightmailError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, stable_hash, topic

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

SHARED = ROOT.parent / "shared" / "data"
"""Real alerts, beside the checkout."""

TOPICS = 20
PARTITIONS = 4
"""Of every topic, as the product's default."""

ROWS_PER_PART = 1000
"""Rows of one transaction."""

WORKERS = 2
"""Publishing processes at a time."""

ROOM_BYTES = 800_000
"""Room on disk per row, as the broker deletes a topic a minute later [byte]."""

WARMING_ROWS = 2000
"""Rows of a round before the others, which is not counted: the cluster's first."""

RESAMPLES = 10_000
"""Draws for the interval of the median."""

NIGHT = "20260301"
WORKER = (
    "import tasks.distribute_shard; from benchmarks._publish import publish; publish()"
)
"""What a publishing process runs."""


@dataclass(frozen=True)
class Side:
    """One side of a round."""

    cpu_s: float
    """User and system time of the publishing processes, their start included [s]."""

    wall_s: float
    """From the first start to the last end [s]."""

    accounts: Sequence[Account]
    """What each process told."""


def main() -> None:
    """Measure, and print a table."""
    options = _parse(sys.argv[1:])
    if not SHARED.is_dir():
        print("The real alerts (../shared/data) are not here: nothing is measured.")
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's & has the first ignored
        signal.signal(number, signal.default_int_handler)
    try:
        report = _measure(options)
    except KeyboardInterrupt:
        sys.exit(130)
    except NightmailError as error:
        sys.exit(f"Error: {error}")
    print(json.dumps(report) if options.json else _show(report))
    print(f"figure: overhead_percent {report['overhead_percent']['median']:.1f}")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="default 10")
    parser.add_argument("--rows", type=int, default=20_000, help="default 20000")
    parser.add_argument(
        "--shards",
        type=int,
        help="shards of a night at most; by default as many as the ledger has",
    )
    parser.add_argument(
        "--ledger",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000],
        help="rows of the ledger to read, ascending; default 100000 1000000",
    )
    parser.add_argument(
        "--quick", action="store_true", help="2 rounds, 2000 rows, a ledger of 10000"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON, no table")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.rows, options.ledger = 2, 2000, [10_000]
    return options


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the rounds, then read ledgers, each in a Kafka of its own."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < options.rows * ROOM_BYTES:
        sys.exit(
            f"Error: {tempfile.gettempdir()} has {free / 1e9:.0f} GB left and"
            f" {options.rows * ROOM_BYTES / 1e9:.0f} GB are needed: make room, set"
            " TMPDIR, or ask for fewer --rows."
        )
    with _kafka() as (folder, settings, access):
        packets = encode_packets(SHARED, folder / "packets")
        rounds = _Rounds(settings, access, packets, shards=options.shards)
        rounds.run(min(options.rows, WARMING_ROWS))
        pairs = [rounds.run(options.rows) for _ in range(options.rounds)]
    with _kafka() as (_, settings, access):
        readings = list(read_ledgers(settings, access, options.ledger))
    return _report(packets, options, pairs, readings)


@contextmanager
def _kafka() -> Iterator[tuple[Path, Settings, KafkaAccess]]:
    """Give a folder, and a new Kafka in it that is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as name:
        settings = Settings(state_dir=Path(name))
        with running(settings) as access:
            yield Path(name), settings, access


class _Rounds:
    """Rounds of both sides, each side on topics of its own that are deleted after."""

    def __init__(
        self,
        settings: Settings,
        access: KafkaAccess,
        packets: Packets,
        *,
        shards: int | None,
    ) -> None:
        self._settings, self._access, self._packets = settings, access, packets
        ensure_ledger(access, settings)
        self._shards = shards or count_partitions(access)[LEDGER_TOPIC]
        self._number = 0

    def run(self, rows: int) -> tuple[Side, Side]:
        """Send the rows exactly once and plainly, in turns first."""
        self._number += 1
        order = (True, False) if self._number % 2 else (False, True)
        sides = {exactly: self._side(rows, exactly_once=exactly) for exactly in order}
        print(
            f"{rows} rows: CPU {sides[True].cpu_s:.2f} s exactly once,"
            f" {sides[False].cpu_s:.2f} s plainly",
            file=sys.stderr,
        )
        return sides[True], sides[False]

    def _side(self, rows: int, *, exactly_once: bool) -> Side:
        letter = "a" if exactly_once else "b"
        prefix = f"{self._settings.topics.prefix}{self._number}{letter}_"
        names = [topic(prefix, f"filter{n:02d}", SURVEY) for n in range(TOPICS)]
        ensure_topics(self._access, self._settings, names, partitions=PARTITIONS)
        try:
            return _publish(
                [
                    Assignment(
                        exactly_once=exactly_once,
                        kafka=self._access.publisher,
                        prefix=prefix,
                        night=NIGHT,
                        topics=names,
                        partitions=PARTITIONS,
                        shards=shards,
                        packets=self._packets,
                    )
                    for shards in _share(rows, self._shards)
                ]
            )
        finally:
            admin = open_admin(self._access)
            for answer in admin.delete_topics(names).values():
                answer.result()


def _share(rows: int, shards: int) -> list[list[tuple[int, list[Part]]]]:
    """Cut rows into parts, and share these as the product does, whole shards each."""
    work: dict[int, list[Part]] = {}
    for number, first in enumerate(range(0, rows, ROWS_PER_PART)):
        last = min(rows, first + ROWS_PER_PART)
        part = Part(f"part-{number:05d}.parquet", first, last)
        work.setdefault(stable_hash(part.name, shards), []).append(part)
    loads: list[list[tuple[int, list[Part]]]] = [[] for _ in range(WORKERS)]
    for shard in sorted(work.items(), key=lambda entry: -len(entry[1])):
        min(loads, key=lambda load: sum(len(p) for _, p in load)).append(shard)
    return loads


def _publish(assignments: Sequence[Assignment]) -> Side:
    """Run publishing processes side by side, and add up what they took."""
    begun = time.monotonic()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(map(_start, assignments))
        outputs = [p.stdout.read() for p in processes if p.stdout]
        cpu_s = sum(_end(process) for process in processes)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    wall_s = time.monotonic() - begun
    return Side(cpu_s, wall_s, [Account(**json.loads(text)) for text in outputs])


def _start(told: Assignment) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, which Ctrl-C does not reach."""
    with tempfile.TemporaryFile() as standard_input:
        standard_input.write(told.encode())
        standard_input.seek(0)
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", WORKER],
            stdin=standard_input,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process, and give the CPU time of its whole life [s]."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"Error: a publishing process ended with {process.returncode}.")
    return usage.ru_utime + usage.ru_stime


def _report(
    packets: Packets,
    options: argparse.Namespace,
    pairs: Sequence[tuple[Side, Side]],
    readings: Sequence[Reading],
) -> dict[str, Any]:
    overheads = [100 * (a.cpu_s / b.cpu_s - 1) for a, b in pairs]
    accounts = [account for a, _ in pairs for account in a.accounts]
    commits = [1000 * c for account in accounts for c in account.commits_s]
    owners = [1000 * c for account in accounts for c in account.owner_cpu_s]
    return {
        "rows": options.rows,
        "rounds": options.rounds,
        "value_bytes": fmean(last - first for first, last in packets.spans),
        "key_bytes": len(packets.key),
        "exactly_once": [asdict(a) for a, _ in pairs],
        "plain": [asdict(b) for _, b in pairs],
        "overhead_percent": _spread(overheads) | {"rounds": overheads},
        "commit_ms": {
            "count": len(commits),
            "median": median(commits),
            "p95": float(np.percentile(commits, 95)),
            "max": max(commits),
        },
        "owner_cpu_ms": {
            "per_round": len(owners) / len(pairs),
            "median": median(owners),
        },
        "ledger": [asdict(reading) for reading in readings],
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Give the median of values, its 90 % bootstrap interval, and their extremes."""
    draw = random.Random(4)  # noqa: S311 - the same interval for the same values
    medians = sorted(
        median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES)
    )
    return {
        "median": median(values),
        "low": medians[RESAMPLES // 20],
        "high": medians[-RESAMPLES // 20],
        "min": min(values),
        "max": max(values),
    }


def _show(report: Mapping[str, Any]) -> str:
    over, commit = report["overhead_percent"], report["commit_ms"]
    owner = report["owner_cpu_ms"]
    head = (
        f"{report['rounds']} rounds of {report['rows']} real ZTF packets, value"
        f" {report['value_bytes'] / 1e3:.1f} kB, key {report['key_bytes'] / 1e3:.1f}"
        f" kB,\nto {TOPICS} topics of {PARTITIONS} partitions by {WORKERS} processes"
    )
    cost = (
        f"overhead of CPU, by round: median {over['median']:+.1f} %, 90 % interval"
        f" {over['low']:+.1f} to {over['high']:+.1f} %, all {over['min']:+.1f} to"
        f" {over['max']:+.1f} %\n\ncommit of {commit['count']} transactions: median"
        f" {commit['median']:.0f} ms, 95 % within {commit['p95']:.0f} ms, longest"
        f" {commit['max']:.0f} ms\nowner of a shard, {owner['per_round']:.0f} a round:"
        f" median {owner['median']:.0f} ms of CPU each"
    )
    lines = [
        head,
        "\npublishing            CPU s: median    min    max   wall s: median",
        _show_sides("exactly once", report["exactly_once"]),
        _show_sides("plain idempotent", report["plain"]),
        cost,
        "\nledger's rows   rows of the night   read: CPU s   wall s",
    ]
    lines += [
        f"{r['rows']:13d} {r['found']:19d} {r['cpu_s']:13.2f} {r['wall_s']:8.2f}"
        for r in report["ledger"]
    ]
    return "\n".join(lines)


def _show_sides(name: str, sides: Sequence[Mapping[str, Any]]) -> str:
    cpu = [side["cpu_s"] for side in sides]
    wall = median(side["wall_s"] for side in sides)
    return f"{name:20} {median(cpu):15.2f} {min(cpu):6.2f} {max(cpu):6.2f} {wall:16.2f}"


if __name__ == "__main__":
    main()
