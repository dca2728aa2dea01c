"""A whole night of pretended alerts, written as a survey's science store is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nightmail import ConfigError, RetryableError
from simulator.columns import arrow_schema
from simulator.lsst import lsst_records
from simulator.sightings import draw_sightings
from simulator.times import SITES, parse_night
from simulator.visits import plan_visits
from simulator.ztf import ztf_records

RECORDS = {"ztf": ztf_records, "lsst": lsst_records}
"""What writes the records of each survey."""

MOST_FILES = 10_000
"""More files would share a visit, and with it ids."""

MOST_ROWS = 10_000
"""Most rows of a file: it is made in memory, at some 150 kB a row."""

ROWS_PER_GROUP = 250
"""Rows of a row group."""

OWN_FILE = re.compile(r"_?part-\d{5}\.parquet")
"""Names of the files that are written here, pending ones among them."""


def simulate_night(  # noqa: PLR0913 (all but the folder are named)
    root: Path,
    *,
    survey: str,
    night: str,
    alerts: int,
    seed: int,
    rows_per_file: int = 1000,
    overwrite: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write a night of a science store that never was.

    The same arguments give the same bytes. Each file appears whole or not at all.

    Parameters
    ----------
    root
        Folder of the survey's store; the night goes to `science/<night>` in it.
    survey
        `ztf` or `lsst`.
    night
        Its name: the date of the morning on which it ends there, YYYYMMDD.
    alerts
        How many there are; 0 gives one file without rows.
    seed
        From 0; another seed gives other objects.
    rows_per_file
        Alerts of each file but the last.
    overwrite
        Whether a simulated night that is there is removed first.
    say
        Is told of the progress, one line a file.

    Returns
    -------
    list of pathlib.Path
        The files, `part-00000.parquet` and on, in the order of time.

    Raises
    ------
    ConfigError
        There is no such survey or night, a number is out of its range, or the night is
        there and may not be overwritten.
    RetryableError
        The folder cannot be written.
    """
    plan = _Plan(survey, night, alerts, seed, rows_per_file)
    plan.check()
    folder = root / "science" / night
    _make_room(folder, overwrite=overwrite)
    paths = []
    for part in range(plan.parts):
        path = folder / f"part-{part:05d}.parquet"
        _write_whole(plan.simulate_file(part), path)
        paths.append(path)
        if say:
            say(f"{survey} {night}: {plan.until(part)} of {alerts} alerts written")
    return paths


@dataclass(frozen=True)
class _Plan:
    """What night is asked for."""

    survey: str
    night: str
    alerts: int
    seed: int
    rows_per_file: int

    @property
    def parts(self) -> int:
        """How many files there are."""
        return max(1, -(-self.alerts // self.rows_per_file))

    def until(self, part: int) -> int:
        """How many alerts there are up to the end of a file."""
        return min((part + 1) * self.rows_per_file, self.alerts)

    def check(self) -> None:
        """Refuse what cannot be made."""
        if self.survey not in SITES:
            known = " or ".join(SITES)
            raise ConfigError(f"There is no survey {self.survey!r}: choose {known}.")
        parse_night(self.night)
        if self.alerts < 0 or self.seed < 0:
            raise ConfigError(
                f"{self.alerts} alerts with seed {self.seed} cannot be: both count "
                "from 0."
            )
        if not 1 <= self.rows_per_file <= MOST_ROWS:
            raise ConfigError(
                f"{self.rows_per_file} rows per file is out of range: give 1 to "
                f"{MOST_ROWS}."
            )
        if self.parts > MOST_FILES:
            raise ConfigError(
                f"{self.alerts} alerts would take {self.parts} files, more than "
                f"{MOST_FILES}: give more rows per file."
            )

    def simulate_file(self, part: int) -> pa.Table:
        """Simulate the alerts of one file, which depend on no other file."""
        first = part * self.rows_per_file
        rows = self.until(part) - first
        if rows == 0:
            return arrow_schema(self.survey).empty_table()
        entropy = (list(SITES).index(self.survey), int(self.night), self.seed, part)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
        visits = plan_visits(self.survey, self.night, (part, self.parts), rng)
        sightings = draw_sightings(self.survey, visits, rows, rng)
        return pa.Table.from_batches([RECORDS[self.survey](sightings, first, rng)])


def _make_room(folder: Path, *, overwrite: bool) -> None:
    """Make the night's folder, without files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(folder.iterdir())
        if there and not overwrite:
            raise ConfigError(
                f"{folder} has a night already: choose another, or overwrite it."
            )
        foreign = [path.name for path in there if not OWN_FILE.fullmatch(path.name)]
        if foreign:
            raise ConfigError(
                f"{folder} holds {foreign[0]}, which was not simulated: choose another "
                "night, or remove it yourself."
            )
        for path in there:
            path.unlink()
    except OSError as error:
        raise RetryableError(_not_written(folder, error)) from error


def _write_whole(table: pa.Table, path: Path) -> None:
    """Write a file as Spark does: snappy, instants as INT96, no Arrow schema."""
    pending = path.with_name(f"_{path.name}")
    try:
        pq.write_table(
            table,
            pending,
            compression="snappy",
            row_group_size=ROWS_PER_GROUP,
            use_deprecated_int96_timestamps=True,
            store_schema=False,
        )
        pending.replace(path)
    except OSError as error:
        pending.unlink(missing_ok=True)
        raise RetryableError(_not_written(path, error)) from error


def _not_written(path: Path, error: OSError) -> str:
    return f"{path} cannot be written ({error.strerror or error}): make room for it."
