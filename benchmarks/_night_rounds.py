"""Rounds of a night: each design in turn, on topics of its own, then compared."""

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks._night_answer import Answer, find_answer
from benchmarks._night_check import Checker
from benchmarks._night_filters import install_filters
from benchmarks._process import Done, Process, started
from benchmarks._stores import Store, build
from cluster.access import KafkaAccess, open_admin
from cluster.topics import count_partitions, ensure_ledger, ensure_topics
from runtime.memory import KEPT_BY_ARROW
from settings.model import Settings
from settings.names import topic

DESIGNS = ("ours", "column", "pandas", "floor")
"""What runs in every round."""

PER_FILTER = "per_filter"
"""What runs once."""

FIRST_NIGHT = dt.date(2026, 3, 1)
"""Name of the first night that the product distributes; each run is another."""


@dataclass(frozen=True)
class Bench:
    """A Kafka, and a process for each kind of design."""

    folder: Path
    settings: Settings
    access: KafkaAccess
    site: Path
    """Folder by which Python finds the filters."""

    processes: Mapping[str, Process]
    starts: Mapping[str, Done]
    """What it took to start Spark, by process."""


@contextmanager
def open_bench(
    folder: Path, settings: Settings, access: KafkaAccess
) -> Iterator[Bench]:
    """Start the processes, Spark in two of them."""
    ensure_ledger(access, settings)
    site = install_filters(folder / "site")
    with ExitStack() as stack:
        scratch = folder / "scratch"
        scratch.mkdir()
        places = {"PYTHONPATH": python_path(site), "TMPDIR": str(scratch)}
        environment = places | KEPT_BY_ARROW
        processes = {
            name: stack.enter_context(
                started(f"benchmarks._night_{name}", **environment)
            )
            for name in ("ours", "spark", "floor")
        }
        state = str(settings.state_dir)
        starts = {
            n: processes[n].do("start", state_dir=state) for n in ("ours", "spark")
        }
        yield Bench(folder, settings, access, site, processes, starts)


def python_path(site: Path) -> str:
    """Give PYTHONPATH by which a process and its workers find the filters."""
    return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))


def name_night(number: int) -> str:
    """Name the night of a run; the ledger knows no other run's."""
    return f"{FIRST_NIGHT + dt.timedelta(days=number):%Y%m%d}"


def link_night(files: Sequence[Path], root: Path, survey: str, night: str) -> str:
    """Make a store of one night of some files, and give its address for settings."""
    shutil.rmtree(root, ignore_errors=True)
    folder = root / survey / "science" / night
    folder.mkdir(parents=True)
    for path in files:
        os.link(path, folder / path.name)
    return f"{root}/{{survey}}"


@contextmanager
def empty_topics(
    settings: Settings, access: KafkaAccess, names: Sequence[str], *, prefix: str
) -> Iterator[None]:
    """Make topics, and delete all of their prefix afterwards."""
    ensure_topics(access, settings, names)
    try:
        yield
    finally:
        mine = [name for name in count_partitions(access) if name.startswith(prefix)]
        admin = open_admin(access)  # as long as it lives, its answers come
        for answer in admin.delete_topics(mine).values():
            answer.result()


class Night:
    """One night of a store, and the runs of all designs on it."""

    def __init__(self, bench: Bench, store: Store, first: int) -> None:
        self._bench, self._store = bench, store
        self._number = first
        self.plans: list[Done] = []
        """What it took to plan each night of ours, its topics included."""

        self.folder = bench.folder / store.name
        self.files = build(store, self.folder / "night")
        self.answer: Answer = find_answer(
            store.survey, self.files, self.folder / "values"
        )
        self._checker = Checker(self.answer, bench.access)
        self.answer.save(self.folder / "answer")
        bench.processes["floor"].do(
            "open",
            state_dir=str(bench.settings.state_dir),
            answer=str(self.folder / "answer"),
        )
        bench.processes["spark"].do(
            "open", survey=store.survey, folder=str(self.folder / "night")
        )

    @property
    def number(self) -> int:
        """Runs so far, those of earlier stores included."""
        return self._number

    def run(self, design: str) -> Done:
        """Run a design once, and compare what it sent with what it must."""
        for name in ("ours", "spark"):
            self._bench.processes[name].do("touch")
        self._number += 1
        prefix = f"{self._bench.settings.topics.prefix}{self._number}_"
        names = [topic(prefix, n, self._store.survey) for n in self.answer.filters]
        settings, access = self._bench.settings, self._bench.access
        with empty_topics(settings, access, names, prefix=prefix):
            done = self._deed(design, prefix)
            wrong = self._checker.check(prefix)
        if wrong:
            sys.exit(f"Error: {design} on {self._store.name}: {wrong}")
        print(
            f"{self._store.name}: {design} took {done.usage.cpu_s:.2f} CPU s,"
            f" {done.wall_s:.2f} s",
            file=sys.stderr,
        )
        return done

    def _deed(self, design: str, prefix: str) -> Done:
        processes = self._bench.processes
        if design in {"ours", "profile"}:
            self.plans.append(self.plan(prefix))
            return processes["ours"].do("run" if design == "ours" else "profile")
        if design == "floor":
            return processes["floor"].do("run", prefix=prefix, night=self.name)
        return processes["spark"].do(design, prefix=prefix)

    def plan(self, prefix: str) -> Done:
        """Have the product plan the night under a new name."""
        return self._bench.processes["ours"].do(
            "plan",
            survey=self._store.survey,
            night=self.name,
            prefix=prefix,
            filters=list(self.answer.filters),
            store=self.link(),
        )

    @property
    def name(self) -> str:
        """Name of the night of this run."""
        return name_night(self._number)

    def link(self) -> str:
        """Make the night that a run distributes, of the same files, and no other."""
        root = self.folder / "store"
        return link_night(self.files, root, self._store.survey, self.name)

    def close(self) -> None:
        """Remove the night."""
        shutil.rmtree(self.folder)
