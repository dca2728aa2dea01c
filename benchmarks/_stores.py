"""Nights of a science store, made to measure: of real alerts repeated, and simulated.

Real alerts are drawn at random, each time under an id and an object of its own, and
the columns that filters read are drawn anew: `_night_draw`. Text is stored by
dictionary, as Spark does; numbers are not, because few alerts many times over would be
smaller than any night.
"""

import io
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._night_draw import LSST, ZTF, draw_columns, put
from benchmarks._packets import read_packets
from settings.names import ID_COLUMN
from simulator import simulate_night
from simulator.fill import Sparse
from simulator.sightings import Sightings

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real alerts, beside the checkout."""

LSST_SCIENCE = "lsst_science_v100_fink-tutorials_20260310.parquet"
"""Records of LSST's science store, whole packets."""

NIGHT = "20260301"
"""Night that is simulated."""

FILES = 8
"""Files of a night of real alerts; one of simulated alerts may have more."""

MOST_ROWS = 10_000
"""Most rows of a simulated file."""

GROUP_BYTES = 128 << 20
"""Size of a row group in memory, as Spark writes them [byte]."""

FIRST_ID = 2_481_000_000_000_000_000
"""Id of the first alert that is made of a real one; the others follow it."""

SEED = 20_260_301


@dataclass(frozen=True)
class Store:
    """A night that can be made again."""

    name: str
    survey: str
    alerts: int
    source: Literal["real", "simulated"]
    cutouts: bool = True
    factor: float = 1.0
    """How many times as much as in a light night filters keep; of real alerts only."""


def build(
    store: Store, folder: Path, *, rows_per_file: int | None = None
) -> list[Path]:
    """Write a night, and give its files.

    Parameters
    ----------
    folder
        Where the files go; it is made.
    rows_per_file
        Alerts of each file, where they are simulated; by default an eighth, or
        10,000.
    """
    folder.mkdir(parents=True)
    if store.source == "simulated":
        eighth = max(1, -(-store.alerts // FILES))
        return _simulate(store, folder, rows_per_file or min(MOST_ROWS, eighth))
    files = []
    for number, batch in enumerate(_real_batches(store)):
        files.append(folder / f"part-{number:05d}.parquet")
        write(batch, files[-1])
    return files


def write(batch: pa.RecordBatch, path: Path) -> None:
    """Write a file as Spark does: snappy, instants as INT96, text by dictionary."""
    rows_per_group = max(1, GROUP_BYTES * len(batch) // max(1, batch.nbytes))
    text: Any = list(_text_columns(batch.schema))
    pq.write_table(
        pa.Table.from_batches([batch]),
        path,
        compression="snappy",
        row_group_size=rows_per_group,
        use_dictionary=text,
        use_deprecated_int96_timestamps=True,
        store_schema=False,
    )


def _text_columns(schema: pa.Schema) -> Iterator[str]:
    """Parquet's own names of the columns that hold text."""
    empty = io.BytesIO()
    pq.write_table(schema.empty_table(), empty)
    columns = pq.ParquetFile(empty).schema
    for index in range(len(columns)):
        if str(columns.column(index).logical_type) == "String":
            yield columns.column(index).path


@cache
def real_alerts(survey: str) -> pa.RecordBatch:
    """Read the real alerts of a survey, as its science store has them."""
    if survey == "ztf":
        return read_packets(SHARED)
    table = pq.read_table(SHARED / LSST_SCIENCE)
    return table.combine_chunks().to_batches()[0]


def _real_batches(store: Store) -> Iterator[pa.RecordBatch]:
    alerts = real_alerts(store.survey)
    if not store.cutouts:
        alerts = without_cutouts(alerts)
    rng = np.random.default_rng(SEED)
    ends = np.linspace(0, store.alerts, FILES + 1).astype(int).tolist()
    for first, last in pairwise(ends):
        picked = alerts.take(pa.array(rng.integers(0, len(alerts), last - first)))
        draws = ZTF if store.survey == "ztf" else LSST
        drawn = draw_columns(picked, draws, store.factor, rng)
        yield _renamed(drawn, store.survey, FIRST_ID + first)


def without_cutouts(alerts: pa.RecordBatch) -> pa.RecordBatch:
    """Leave the cutouts out."""
    return alerts.select([n for n in alerts.schema.names if "cutout" not in n])


def _renamed(alerts: pa.RecordBatch, survey: str, first: int) -> pa.RecordBatch:
    """Give every alert an id and an object of its own."""
    columns: dict[str, Any] = dict(
        zip(alerts.schema.names, alerts.columns, strict=True)
    )
    ids = pa.array(np.arange(first, first + len(alerts)))
    columns[ID_COLUMN[survey]] = ids
    if survey == "ztf":
        names = [f"ZTF26{number:07d}" for number in (ids.to_numpy() - FIRST_ID)]
        columns["objectId"] = pa.array(names)
    else:
        columns["diaSource"] = put(columns["diaSource"], ["diaObjectId"], ids)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _simulate(store: Store, folder: Path, rows: int) -> list[Path]:
    """Simulate a night; one without cutouts is not given time to draw them."""
    root = folder / "simulated"
    files = []

    def take(_: str) -> None:
        """Take away the file that was just written, so that one at a time is whole."""
        [path] = (root / "science" / NIGHT).glob("part-*.parquet")
        files.append(path.rename(folder / path.name))
        if not store.cutouts:
            table = pq.read_table(files[-1]).combine_chunks()
            write(without_cutouts(table.to_batches()[0]), files[-1])

    hurried = patch("simulator.ztf._cutouts", _no_cutouts)
    with nullcontext() if store.cutouts else hurried:
        simulate_night(
            root,
            survey=store.survey,
            night=NIGHT,
            alerts=store.alerts,
            seed=SEED,
            rows_per_file=rows,
            say=take,
        )
    return files


def _no_cutouts(sightings: Sightings, *_: object) -> dict[str, Sparse]:
    """Stand for what draws them, which takes nine tenths of the simulator's time."""
    rows = len(sightings.kind)
    fields = {"fileName": [None] * rows, "stampData": [None] * rows}
    nothing = Sparse(fields, np.zeros(rows, bool))
    return {f"cutout{n}": nothing for n in ("Science", "Template", "Difference")}
