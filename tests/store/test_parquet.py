"""Rows of a unit: footers, units, narrow columns and wanted rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import store.parquet
from settings.errors import StoreError
from store.footer import read_footer
from store.parquet import ParquetUnit
from store.path import StorePath
from store.unit import Unit, cut_into_units

ROWS = 50


@pytest.fixture
def table() -> pa.Table:
    """Alerts with a nested column, a history of two shapes, and a map."""
    rows = [
        {
            "candid": i,
            "candidate": {"magpsf": i / 10, "rb": None if i % 7 == 0 else 0.5},
            "prv": [{"jd": float(j), "tag": "x" * j} for j in range(i % 4)],
            "m": [("a", str(i))],
        }
        for i in range(ROWS)
    ]
    kind = pa.schema(
        [
            ("candid", pa.int64()),
            ("candidate", pa.struct([("magpsf", pa.float32()), ("rb", pa.float64())])),
            ("prv", pa.list_(pa.struct([("jd", pa.float64()), ("tag", pa.string())]))),
            ("m", pa.map_(pa.string(), pa.string())),
        ]
    )
    return pa.Table.from_pylist(rows, schema=kind)


@pytest.fixture
def unit(tmp_path: Path, table: pa.Table) -> Unit:
    """One file of five row groups."""
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=ROWS // 5)
    return next(cut_into_units(read_footer(StorePath(str(tmp_path)), "a.parquet")))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Note what Arrow is asked to read."""
    found: list[dict[str, Any]] = []
    read = pq.ParquetFile.iter_batches

    def note(self: pq.ParquetFile, **what: Any) -> Any:
        found.append(what)
        return read(self, **what)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", note)
    return found


def test_narrow_columns_have_flat_names(
    unit: Unit, table: pa.Table, asked: list[dict[str, Any]]
) -> None:
    """Only the leaves that are named are read, nested ones and histories too."""
    batches = list(
        ParquetUnit(unit).columns(
            ["candidate_rb", "candid", "prv_jd"], {"tns": pa.string()}
        )
    )

    [what] = asked
    assert what["columns"] == ["candid", "candidate.rb", "prv.list.element.jd"]
    narrow = pa.Table.from_batches(batches)
    assert narrow.schema.names == ["candidate_rb", "candid", "prv_jd", "tns"]
    rows = table.to_pylist()
    assert narrow["candidate_rb"].to_pylist() == [r["candidate"]["rb"] for r in rows]
    assert narrow["prv_jd"].to_pylist() == [[p["jd"] for p in r["prv"]] for r in rows]
    assert narrow["tns"].null_count == ROWS


def test_rows_are_the_wanted_ones_in_order(unit: Unit, table: pa.Table) -> None:
    """Whole alerts come back as they stand in the file, whatever their row group."""
    wanted = np.array([0, 3, 9, 10, 29, 49], np.int64)

    found = list(ParquetUnit(unit).rows(wanted))

    where = [i for part, _ in found for i in range(part.start, part.stop)]
    assert where == list(range(len(wanted)))
    got = pa.Table.from_batches([batch for _, batch in found])
    assert got.equals(table.take(wanted))


def test_no_wanted_rows_read_nothing(unit: Unit, asked: list[dict[str, Any]]) -> None:
    """A unit of which nothing is wanted gives no batch."""
    assert list(ParquetUnit(unit).rows(np.empty(0, np.int64))) == []
    assert asked == []


def test_only_row_groups_with_a_hit_are_read(
    unit: Unit, asked: list[dict[str, Any]]
) -> None:
    """Of five row groups, the two that have the wanted rows."""
    list(ParquetUnit(unit).rows(np.array([12, 18, 41], np.int64)))

    assert [what["row_groups"] for what in asked] == [[1], [4]]


def test_batches_are_bounded_by_bytes(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole alerts, and columns that a filter names, which may be large ones."""
    every = np.arange(ROWS)
    monkeypatch.setattr(store.parquet, "BATCH_BYTES", 100)

    whole = [len(batch) for _, batch in ParquetUnit(unit).rows(every)]
    narrow = [len(b) for b in ParquetUnit(unit).columns(["candid", "prv_tag"], {})]

    assert sum(whole) == sum(narrow) == ROWS
    assert 1 <= max(whole) < max(narrow) < ROWS // 5


def test_a_large_file_is_cut_between_row_groups(
    tmp_path: Path, unit: Unit, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The units of a file cover it once, in order, and are named by row groups."""
    footer = read_footer(StorePath(str(tmp_path)), "a.parquet")
    monkeypatch.setattr("store.unit.UNIT_BYTES", footer.group_bytes[0] * 2 + 10)

    units = list(cut_into_units(footer))

    assert len(units) > 1
    assert [g for u in units for g in u.groups] == list(unit.groups)
    assert units[0].name == f"a.parquet#0-{units[0].groups[-1]}"
    parts = [b for u in units for b in ParquetUnit(u).columns(["candid"], {})]
    assert pa.Table.from_batches(parts)["candid"].equals(table["candid"])
    assert sum(u.rows for u in units) == ROWS


def test_identity_follows_the_content(tmp_path: Path, table: pa.Table) -> None:
    """The same file has the same identity, another one another."""
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table, tmp_path / "b.parquet")
    pq.write_table(table.slice(1), tmp_path / "c.parquet")

    marks = [
        read_footer(StorePath(str(tmp_path)), f"{n}.parquet").identity for n in "abc"
    ]

    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize("content", [b"", b"no Parquet at all", b"PAR1\0\0\0\0PAR1"])
def test_what_is_not_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    """The error says which file."""
    (tmp_path / "bad.parquet").write_bytes(content)

    with pytest.raises(StoreError, match=r"bad\.parquet"):
        read_footer(StorePath(str(tmp_path)), "bad.parquet")


def test_damage_behind_the_footer_is_named(tmp_path: Path, unit: Unit) -> None:
    """A file whose pages are overwritten fails when they are read, by name."""
    path = tmp_path / "a.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"a\.parquet"):
        list(ParquetUnit(unit).columns(["candid"], {}))


def test_a_file_without_rows_is_one_unit(tmp_path: Path, table: pa.Table) -> None:
    """An empty file is read like any other."""
    pq.write_table(table.slice(0, 0), tmp_path / "e.parquet")

    units = list(cut_into_units(read_footer(StorePath(str(tmp_path)), "e.parquet")))

    assert [u.name for u in units] == ["e.parquet"]
    assert sum(len(b) for b in ParquetUnit(units[0]).columns(["candid"], {})) == 0
