"""A store of ORC, which Spark reads: files, ids and rows, as a driver wants them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.orc as po
import pytest

from runtime.spark import spark_session
from settings.errors import StoreError
from settings.model import Settings, Spark
from store.path import StorePath
from store.unit import Unit, cut_into_units
from tasks.spark_store import SparkReader

pytestmark = [pytest.mark.spark, pytest.mark.slow]

ROWS = 3000

SCHEMA = pa.schema(
    [
        ("candid", pa.int64()),
        ("candidate", pa.struct([("magpsf", pa.float64()), ("rb", pa.float64())])),
        ("prv", pa.list_(pa.struct([("jd", pa.float64())]))),
        ("stamp", pa.binary()),
    ]
)
"""Alerts with a nested column, a history and bytes."""

STRANGE = ("a [1].orc", "b{2}*.orc", "c=d/e%20f?.orc", "ü#.orc")
"""Names that Spark would take for patterns, for partitions, or for parts of a URL."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give one session to the tests of this file."""
    state_dir = tmp_path_factory.mktemp("state")
    settings = Settings(state_dir=state_dir, spark=Spark(master="local[2]"))
    with spark_session(settings) as session:
        yield session


@pytest.fixture
def reader(spark: Any) -> SparkReader:
    """Read ORC."""
    return SparkReader(spark, "orc")


def _table(first: int = 0, rows: int = ROWS) -> pa.Table:
    alerts = [
        {
            "candid": i,
            "candidate": {"magpsf": i / 10, "rb": None if i % 7 == 0 else 0.5},
            "prv": [{"jd": float(j)} for j in range(i % 4)],
            "stamp": str(i).encode() * 40,
        }
        for i in range(first, first + rows)
    ]
    return pa.Table.from_pylist(alerts, schema=SCHEMA)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., StorePath]:
    """Write files into one folder, whose own name is a year's."""

    def put(**files: pa.Table) -> StorePath:
        folder = tmp_path / "my store" / "year=2026"
        for name, table in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            po.write_table(table, str(folder / name), compression="ZLIB")
        return StorePath(str(folder))

    return put


def _units(reader: SparkReader, folder: StorePath, *names: str) -> list[Unit]:
    footers, damaged = reader.read_footers(folder, names)
    assert damaged == []
    return [unit for footer in footers for unit in cut_into_units(footer)]


def test_each_file_has_its_own_schema_and_rows(
    reader: SparkReader, write: Callable[..., StorePath]
) -> None:
    """Columns that only one file has are that file's; equal schemas are one."""
    newer = _table(5, 7).append_column("score", pa.array([0.5] * 7))
    folder = write(**{"a.orc": _table(), "b.orc": newer, "c.orc": _table(0, 0)})

    footers, damaged = reader.read_footers(folder, ["a.orc", "b.orc", "c.orc"])

    assert damaged == []
    assert [footer.rows for footer in footers] == [ROWS, 7, 0]
    first, second, third = (footer.schema for footer in footers)
    assert second.names == [*first.names, "score"]
    assert third is first
    assert first == SCHEMA
    assert len({footer.identity for footer in footers}) == 3


@pytest.mark.parametrize("name", STRANGE)
def test_names_are_taken_as_they_are(
    reader: SparkReader, write: Callable[..., StorePath], name: str
) -> None:
    """No character of a name is a pattern, and no folder is a column."""
    folder = write(**{name: _table(), "ax1.orc": _table(9, 2), "b22.orc": _table(9, 2)})

    (unit,) = _units(reader, folder, name)

    assert unit.rows == ROWS
    assert reader.open_unit(unit).schema.names == [
        "candid",
        "candidate",
        "prv",
        "stamp",
    ]
    (ids,) = reader.read_ids([unit], "candid")
    assert ids.tolist() == list(range(ROWS))


def test_ids_of_many_files(
    reader: SparkReader, write: Callable[..., StorePath]
) -> None:
    """Each once, and ascending; of files that have none or have gone, none."""
    twice = pa.concat_tables([_table(20, 3), _table(10, 2), _table(20, 3)])
    files = {
        "a.orc": twice,
        "b.orc": _table(5, 0),
        "c.orc": pa.table({"x": [1]}),
        "d.orc": _table(7, 2),
        "e.orc": _table(1, 1),
    }
    units = _units(reader, write(**files), *files)
    assert len(reader.read_ids(units, "candid")[4]) == 1
    Path(str(units[4].path)).unlink()

    ids = [one.tolist() for one in reader.read_ids(units, "candid")]

    assert ids == [[10, 11, 20, 21, 22], [], [], [7, 8], []]


def test_rows_are_the_wanted_ones_in_order(
    reader: SparkReader, write: Callable[..., StorePath]
) -> None:
    """Narrow columns under their flat names, and whole alerts by their numbers."""
    table = _table()
    (unit,) = _units(reader, write(**{"a.orc": table}), "a.orc")
    wanted = np.array([0, 3, 999, 1000, 1001, 2999], np.int64)

    rows = reader.open_unit(unit)
    narrow = pa.Table.from_batches(
        list(rows.columns(["candidate_rb", "prv_jd", "candid"], {"n": pa.int8()}))
    )
    found = list(rows.rows(wanted))

    assert narrow["candid"].to_pylist() == list(range(ROWS))
    assert narrow["prv_jd"][3].as_py() == [0.0, 1.0, 2.0]
    assert narrow["candidate_rb"].null_count == len(range(0, ROWS, 7))
    assert narrow["n"].null_count == ROWS
    places = [i for part, _ in found for i in range(part.start, part.stop)]
    assert places == list(range(len(wanted)))
    assert pa.Table.from_batches([b for _, b in found]).equals(table.take(wanted))


def test_what_is_not_orc_is_named_and_the_others_are_read(
    reader: SparkReader, write: Callable[..., StorePath]
) -> None:
    """Empty, cut, something else, or gone."""
    folder = write(**{"a.orc": _table(), "cut.orc": _table()})
    whole = Path(f"{folder}/cut.orc").read_bytes()
    Path(f"{folder}/cut.orc").write_bytes(whole[: len(whole) // 2])
    Path(f"{folder}/empty.orc").touch()
    Path(f"{folder}/other.orc").write_bytes(b"no ORC at all")
    names = ["a.orc", "cut.orc", "empty.orc", "gone.orc", "other.orc"]

    footers, damaged = reader.read_footers(folder, names)

    assert [(footer.name, footer.rows) for footer in footers] == [("a.orc", ROWS)]
    assert len(damaged) == 4
    for name, sentence in zip(names[1:], damaged, strict=True):
        assert sentence.startswith(f"{folder}/{name} cannot be read as orc: ")
        assert "\n" not in sentence


def test_a_file_that_changed_is_not_taken_for_the_one_that_was_planned(
    reader: SparkReader, write: Callable[..., StorePath]
) -> None:
    """Copied it is the same; of other content it is another."""
    (unit,) = _units(reader, write(**{"a.orc": _table()}), "a.orc")
    file = Path(str(unit.path))

    file.write_bytes(file.read_bytes())
    assert reader.open_unit(unit).schema == SCHEMA

    write(**{"a.orc": _table(1)})
    with pytest.raises(StoreError, match=r"a\.orc changed while the night ran"):
        reader.open_unit(unit)
