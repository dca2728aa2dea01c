"""Nights of the campaign: made once, placed under many names, and changed between."""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from simulator import simulate_night
from tests.chaos.conditions import CONDITIONS

SIZES = ((60, 12), (45, 15), (80, 20), (36, 9), (100, 20), (24, 8))
"""Alerts of each simulated night, and of its files: three to five."""

COPIES = ("copy", "zcopy")
"""How files that repeat others are named: before all others, or after them."""

FEWEST_FILTERS = 4
"""With how many filters a night begins, at least."""


def simulate_pool(root: Path, *, seed: int) -> list[list[Path]]:
    """Simulate the nights that all others are copies of: the files of each."""
    return [
        simulate_night(
            root,
            survey="ztf",
            night=f"202512{number + 1:02d}",
            alerts=alerts,
            seed=seed + number,
            rows_per_file=rows,
        )
        for number, (alerts, rows) in enumerate(SIZES)
    ]


@dataclass
class Night:
    """One night of the store, and what a run of it is asked for."""

    name: str
    folder: Path
    names: list[str]
    """Filters that have been asked for."""

    late: list[Path]
    """Files that have not arrived yet."""

    waiting: int
    """How many files the next run has to do."""

    doomed: list[Path] = field(default_factory=list)
    """Files that will disappear, whose alerts all stand in others too."""

    edition: int = 0
    """Edition of the filters."""

    story: list[str] = field(default_factory=list)
    """What happened to it, in order."""

    def files(self) -> list[Path]:
        """List the files that are there, sorted."""
        return sorted(self.folder.glob("*.parquet"))

    def arrive(self) -> None:
        """Let a late file arrive."""
        source = self.late.pop()
        os.link(source, self.folder / source.name)

    def repeat(self, rng: Random) -> None:
        """Add a file whose alerts all stand elsewhere, one of them twice."""
        table = pq.read_table(
            rng.choice(self.files()), coerce_int96_timestamp_unit="us"
        )
        rows = sorted(rng.sample(range(len(table)), min(5, len(table))))
        _write(table.take([*rows, rows[0]]), self._new("again"))

    def merge(self, rng: Random) -> None:
        """Put some files into one, as the field does with last year's nights."""
        files = rng.sample(self.files(), rng.randint(2, len(self.files())))
        tables = [pq.read_table(f, coerce_int96_timestamp_unit="us") for f in files]
        _write(pa.concat_tables(tables), self._new("merged"))
        for file in files:
            file.unlink()

    def copy(self, rng: Random) -> None:
        """Begin a merge: the new file is there, and the old ones are not gone yet.

        Of either, the one that sorts first is doomed: a run has its alerts sent from
        it, and left out of the other.
        """
        files = rng.sample(self.files(), rng.randint(1, len(self.files())))
        tables = [pq.read_table(f, coerce_int96_timestamp_unit="us") for f in files]
        copy = self._new(rng.choice(COPIES))
        _write(pa.concat_tables(tables), copy)
        self.doomed = [copy] if copy < min(files) else files
        self.waiting += 1

    def remove_doomed(self) -> None:
        """Let what is doomed disappear, as a compactor or its failure does."""
        for file in self.doomed:
            (self.folder / file.name).unlink()
        self.doomed = []

    def move(self) -> None:
        """Move the night to the aggregated layout."""
        year, month, day = self.name[:4], self.name[4:6], self.name[6:]
        science = next(p for p in self.folder.parents if p.name == "science")
        there = science / f"year={year}" / f"month={month}" / f"day={day}"
        there.parent.mkdir(parents=True, exist_ok=True)
        self.folder = self.folder.rename(there)

    def is_moved(self) -> bool:
        """Tell whether it stands in the aggregated layout."""
        return self.folder.name != self.name

    def add_filter(self, rng: Random) -> None:
        """Ask for one more filter."""
        self.names.append(rng.choice(self.missing()))

    def missing(self) -> list[str]:
        """Name the filters that nobody has asked for yet."""
        return [name for name in CONDITIONS if name not in self.names]

    def _new(self, stem: str) -> Path:
        return self.folder / f"{stem}-{len(self.story):05d}.parquet"


def _write(table: pa.Table, path: Path) -> None:
    pending = path.with_name(f"_{path.name}")
    pq.write_table(
        table, pending, use_deprecated_int96_timestamps=True, store_schema=False
    )
    pending.rename(path)


def place_nights(
    store: Path, pool: list[list[Path]], *, first: dt.date, rng: Random
) -> Iterator[Night]:
    """Yield new nights, without end, each with a name of its own.

    Parameters
    ----------
    store
        The science store of ZTF.
    pool
        Simulated nights; the files are linked, not copied.
    first
        What the first one is named after.
    """
    for number in count():
        day = first + dt.timedelta(days=number)
        name = f"{day:%Y%m%d}"
        folder = store / "science" / name
        folder.mkdir(parents=True)
        files = rng.choice(pool)
        late = rng.sample(files, rng.randint(1, 2))
        names = rng.sample(list(CONDITIONS), rng.randint(FEWEST_FILTERS, 6))
        for file in set(files) - set(late):
            os.link(file, folder / file.name)
        yield Night(name, folder, names, late, waiting=len(files) - len(late))
