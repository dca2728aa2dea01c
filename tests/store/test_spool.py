"""Rows that wait in a file: read twice, in any order, and nothing is left of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import store.spool
from nightmail import RetryableError
from store.spool import Spool

TABLE = pa.Table.from_pylist(
    [
        {"candid": i, "candidate": {"rb": None if i % 7 == 0 else i / 10}, "s": "x" * i}
        for i in range(50)
    ]
)
"""Alerts with a nested column."""

_NOTHING = {"__enter__": lambda self: self, "__exit__": lambda *_: None}
"""What makes a context of a class."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Fill a spool, in batches of 8 rows."""
    with Spool(TABLE.schema, TABLE.to_batches(max_chunksize=8)) as filled:
        yield filled


def test_narrow_columns_have_flat_names(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small batches come together, so that filters run on many rows at a time."""
    monkeypatch.setattr(store.spool, "NARROW_ROWS", 20)

    batches = list(spool.columns(["candidate_rb", "candid"], {"n": pa.string()}))

    assert [len(batch) for batch in batches] == [24, 24, 2]
    narrow = pa.Table.from_batches(batches)
    assert narrow["candid"].equals(TABLE["candid"])
    rb = [row["candidate"]["rb"] for row in TABLE.to_pylist()]
    assert narrow["candidate_rb"].to_pylist() == rb
    assert narrow["n"].null_count == len(spool) == 50


@pytest.mark.parametrize("wanted", [[0, 3, 7, 8, 29, 49], [49], [], list(range(50))])
def test_rows_are_the_wanted_ones_in_order(spool: Spool, wanted: list[int]) -> None:
    """Whatever batch they came in, and as often as they are asked for."""
    numbers = np.array(wanted, np.int64)

    for _ in range(2):
        found = list(spool.rows(numbers))

        places = [i for part, _ in found for i in range(part.start, part.stop)]
        assert places == list(range(len(wanted)))
        batches = [batch for _, batch in found]
        assert pa.Table.from_batches(batches, TABLE.schema).equals(TABLE.take(numbers))


def test_no_rows_are_no_batch() -> None:
    """A file without alerts is read like any other."""
    with Spool(TABLE.schema, ()) as spool:
        assert list(spool.columns(["candid"], {})) == []
        assert list(spool.rows(np.empty(0, np.int64))) == []


def test_nothing_is_left(folder: Path) -> None:
    """The file has no name as soon as it is full, and what was read outlives it."""
    with Spool(TABLE.schema, TABLE.to_batches()) as spool:
        assert list(folder.iterdir()) == []
        (batch,) = spool.columns(["candid"], {})

    assert batch.column("candid").to_pylist() == TABLE["candid"].to_pylist()


def test_a_disk_that_fills(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of the file does not fit, it is said in the same sentence."""
    (folder / "full").symlink_to("/dev/full")
    full = type("Full", (), {"name": str(folder / "full"), **_NOTHING})
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda **_: full())

    for batches in (TABLE.to_batches(), ()):
        with pytest.raises(RetryableError, match=r"No space left .* TMPDIR"):
            Spool(TABLE.schema, batches)


def test_no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is named, and what to do; later there may be room."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))

    with pytest.raises(RetryableError, match=r"nowhere .* TMPDIR"):
        Spool(TABLE.schema, TABLE.to_batches())
