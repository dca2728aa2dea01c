"""Which alerts of a unit are wanted, by whom, and what is known of each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import store.parquet
from nightmail import Filter, SchemaError, alert_filter
from settings.names import stable_hash
from store.footer import read_footer
from store.parquet import ParquetUnit
from store.path import StorePath
from store.unit import cut_into_units
from tasks.job import Job
from tasks.select_alerts import HASHES, Selection, select_alerts

Select = Callable[..., Selection]

Rows = Sequence[dict[str, Any]]

SOURCE = pa.struct([("diaObjectId", pa.int64()), ("ssObjectId", pa.int64())])

LSST = pa.schema([("diaSourceId", pa.int64()), ("diaSource", SOURCE)])
"""The columns that name an LSST alert and its object."""


def bright(magpsf: pd.Series) -> pd.Series:
    """Bright."""
    return magpsf < 18


def faint(magpsf: pd.Series) -> pd.Series:
    """Faint."""
    return magpsf > 20


def every(diaSourceId: pd.Series) -> pd.Series:
    """All."""
    return diaSourceId >= 0


def _filter(
    function: Callable[..., Any], survey: str = "ztf", name: str | None = None
) -> Filter:
    function.__name__ = name or function.__name__
    made = alert_filter(owner="someone@example.org")(function)
    return replace(made, survey=survey, version="1")


BRIGHT, FAINT, EVERY = _filter(bright), _filter(faint), _filter(every, "lsst")


@pytest.fixture
def select(tmp_path: Path) -> Select:
    """Give what writes a file and selects from it, three rows at a time."""

    def run(
        rows: Rows | pa.Table,
        *filters: Filter,
        survey: str = "ztf",
        types: dict[str, pa.DataType] | None = None,
        not_ours: dict[str, Sequence[int]] | None = None,
    ) -> Selection:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([*rows])
        pq.write_table(table, tmp_path / "a.parquet")
        (unit,) = cut_into_units(read_footer(StorePath(str(tmp_path)), "a.parquet"))
        read = ParquetUnit(unit)
        known = {n: read.schema.field(n).type for n in read.schema.names}
        job = Job(
            survey=survey,
            night="20260301",
            prefix="fink_",
            partitions={},
            archive=tmp_path,
            kafka={},
            types=known | (types or {}),
            run=1,
        )
        made = {f.name: f for f in filters}
        return select_alerts(read, made, job, not_ours=not_ours or {})

    return run


@pytest.fixture(autouse=True)
def _three_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.parquet, "NARROW_ROWS", 3)


def _alerts(*magnitudes: float, **columns: Sequence[Any]) -> Rows:
    """Alerts of the ids 100, 101, … with these magnitudes."""
    rows: list[dict[str, Any]] = [
        {"candid": 100 + i, "objectId": f"ZTF{i}", "magpsf": m}
        for i, m in enumerate(magnitudes)
    ]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows


def _kept(selection: Selection) -> dict[str, list[int]]:
    return {n: selection.ids[m].tolist() for n, m in selection.masks.items()}


def test_what_some_filter_keeps_is_wanted(select: Select) -> None:
    """Rows are numbered through all batches, and each filter has its own mask."""
    selection = select(_alerts(17, 19, 21, 19, 17, 19, 21), BRIGHT, FAINT)

    assert selection.rows.tolist() == [0, 2, 4, 6]
    assert _kept(selection) == {"bright": [100, 104], "faint": [102, 106]}
    assert (selection.read, selection.duplicates) == (7, 0)
    assert selection.failures == {}


@pytest.mark.parametrize("magnitudes", [(), (19, 19)])
def test_nothing_may_be_wanted(select: Select, magnitudes: tuple[float, ...]) -> None:
    """Of a file without rows, or without hits, all is empty and nothing fails."""
    kinds: dict[str, pa.DataType] = {
        "candid": pa.int64(),
        "objectId": pa.string(),
        "magpsf": pa.float32(),
    }
    table = pa.Table.from_pylist([*_alerts(*magnitudes)], pa.schema(kinds))

    selection = select(table, BRIGHT)

    assert selection.rows.tolist() == []
    assert (selection.classes, selection.objects) == ([], [])
    assert selection.read == len(magnitudes)
    assert _kept(selection) == {"bright": []}


def test_an_id_counts_once(select: Select) -> None:
    """Its first row keeps it, though the second stands in another batch."""
    rows = _alerts(17, 17, 17, 17, 17, candid=[1, 2, 1, 2, 3])

    selection = select(rows, BRIGHT)

    assert selection.rows.tolist() == [0, 1, 4]
    assert (selection.read, selection.duplicates) == (3, 2)


def test_each_filter_leaves_its_own_ids_out(select: Select) -> None:
    """What one topic has already may be new to another."""
    anything = _filter(lambda magpsf: magpsf > 0, name="anything")

    selection = select(_alerts(17, 17), BRIGHT, anything, not_ours={"bright": [100]})

    assert _kept(selection) == {"bright": [101], "anything": [100, 101]}


def test_a_filter_that_fails_late_wants_nothing(select: Select) -> None:
    """What it alone kept in earlier batches is not wanted any more."""

    def picky(magpsf: pd.Series) -> pd.Series:
        """Fail on one alert."""
        if (magpsf == 25).any():
            raise ValueError("one row is odd")
        return magpsf > 0

    rows = _alerts(19, 17, 19, 19, 25, 17)
    selection = select(rows, BRIGHT, _filter(picky))

    assert selection.rows.tolist() == [1, 5]
    assert _kept(selection) == {"bright": [101, 105]}
    assert len(selection.classes) == len(selection.objects) == 2
    assert selection.objects[1] == stable_hash("ZTF5", HASHES)
    assert selection.failures == {"picky": "ValueError: one row is odd"}
    assert set(selection.seconds) == {"bright", "picky"}


def test_all_filters_may_fail(select: Select) -> None:
    """Then nothing is wanted, and every failure is told."""

    def broken(magpsf: pd.Series) -> pd.Series:
        """Fail."""
        raise ValueError(len(magpsf))

    selection = select(_alerts(17, 17), _filter(broken))

    assert selection.rows.tolist() == []
    assert selection.masks == {}
    assert list(selection.failures) == ["broken"]
    assert selection.read == 2


def test_classes_stand_beside_the_rows(select: Select) -> None:
    """One text for each wanted row, Unknown where nothing is known."""
    rows = _alerts(17, 19, 17, 17, cdsxmatch=["Star", "QSO", None, "QSO"])

    selection = select(rows, BRIGHT)

    assert selection.rows.tolist() == [0, 2, 3]
    assert selection.classes == ["Star", "Unknown", "QSO"]


def test_alerts_of_one_object_stay_together(select: Select) -> None:
    """A ZTF alert goes where its objectId sends it."""
    rows = _alerts(17, 17, 17, objectId=["ZTF18a", "ZTF20b", "ZTF18a"])

    objects = select(rows, BRIGHT).objects

    assert objects == [stable_hash(o, HASHES) for o in ("ZTF18a", "ZTF20b", "ZTF18a")]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"diaObjectId": 5, "ssObjectId": 7}, "5"),
        ({"diaObjectId": 5, "ssObjectId": 0}, "5"),
        ({"diaObjectId": 0, "ssObjectId": 7}, "7"),
        ({"diaObjectId": None, "ssObjectId": 7}, "7"),
        ({"diaObjectId": 0, "ssObjectId": 0}, "42"),
        ({"diaObjectId": None, "ssObjectId": None}, "42"),
        (None, "42"),
    ],
)
def test_an_lsst_alert_goes_by_the_object_that_it_has(
    select: Select, source: dict[str, int | None] | None, name: str
) -> None:
    """diaObjectId, if 0 or null ssObjectId, if that is too the alert's own id."""
    table = pa.Table.from_pylist([{"diaSourceId": 42, "diaSource": source}], LSST)

    selection = select(table, EVERY, survey="lsst")

    assert selection.objects == [stable_hash(name, HASHES)]


def test_an_id_may_be_zero(select: Select) -> None:
    """Unlike an object's, an alert's own id has no value that means none."""
    source = {"diaObjectId": 0, "ssObjectId": None}
    table = pa.Table.from_pylist([{"diaSourceId": 0, "diaSource": source}], LSST)

    selection = select(table, EVERY, survey="lsst")

    assert selection.objects == [stable_hash("0", HASHES)]


def test_ids_stay_exact(select: Select) -> None:
    """A 64-bit id that no float holds comes out as it went in."""
    odd = 2**53 + 1

    selection = select(_alerts(17, 17, candid=[odd, 2**63 - 1]), BRIGHT)

    assert selection.ids.tolist() == [odd, 2**63 - 1]
    assert selection.ids.dtype == np.int64


def test_a_column_of_other_files_is_null_here(select: Select) -> None:
    """The filter runs on nulls, and the selection says so."""
    odd = _filter(lambda anomaly_score: anomaly_score < 1, name="odd")

    selection = select(_alerts(17, 17), odd, types={"anomaly_score": pa.float64()})

    assert _kept(selection) == {"odd": []}
    assert selection.nulls == {"odd": ("anomaly_score",)}
    assert selection.failures == {}


def test_a_column_of_no_file_fails_its_filter(select: Select) -> None:
    """It is named with the nearest ones; the other filters run."""
    hopeful = _filter(lambda magpfs: magpfs < 18, name="hopeful")

    selection = select(_alerts(17, 19), hopeful, BRIGHT)

    assert "magpfs" in selection.failures["hopeful"]
    assert "magpsf" in selection.failures["hopeful"]
    assert selection.missing == {"hopeful": ("magpfs",)}
    assert _kept(selection) == {"bright": [100]}


def test_a_name_that_fits_two_columns_fails_its_filter(select: Select) -> None:
    """Neither is taken, and both are named."""
    rows = _alerts(17, a_b=[1.0], a=[{"b": 2.0}])
    torn = _filter(lambda a_b: a_b > 0, name="torn")

    selection = select(rows, torn, BRIGHT)

    assert "fits" in selection.failures["torn"]
    assert _kept(selection) == {"bright": [100]}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"objectId": "ZTF1", "magpsf": 17.0}], "no column candid"),
        (
            [{"candid": 1, "magpsf": 17.0}, {"candid": None, "magpsf": 19.0}],
            "1 alerts have no candid",
        ),
        ([{"candid": "1", "magpsf": 17.0}], "candid is string"),
    ],
)
def test_alerts_without_an_id_are_refused(select: Select, rows: Rows, why: str) -> None:
    """Nothing that cannot be named is sent."""
    with pytest.raises(SchemaError, match=why):
        select(rows, BRIGHT)
