"""Rows that arrive file after file become the units of a shard."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from settings.errors import StoreError
from store.identity import read_identity
from store.path import StorePath
from store.unit import Unit
from tasks.arriving_rows import FILE_COLUMN, ArrivingRows
from tasks.work import Work

SCHEMA = pa.schema([("candid", pa.int64())])

Batch = list[tuple[str, int]]
"""File and id of each row."""


@pytest.fixture
def work(tmp_path: Path) -> Callable[[str, int], Work]:
    """Make a file of a night, and its work."""

    def make(name: str, rows: int) -> Work:
        path = StorePath(str(tmp_path / "a night")) / name
        Path(str(path)).parent.mkdir(exist_ok=True)
        Path(str(path)).write_text(name)
        with path.open() as file:
            identity, size = read_identity(file)
        return Work(Unit(name, path, identity, (0,), rows, size), ("bright",))

    return make


def _bring(works: list[Work], *batches: Batch) -> Iterator[pa.RecordBatch]:
    """Bring rows as Spark does, which quotes its URLs."""
    urls = {w.unit.name: Path(str(w.unit.path)).as_uri() for w in works}
    for batch in batches:
        files = [urls.get(name, f"file:/{name}") for name, _ in batch]
        ids = pa.array([one for _, one in batch], pa.int64())
        yield pa.record_batch([ids, pa.array(files)], ["candid", FILE_COLUMN])


def _arrive(works: list[Work], *batches: Batch) -> ArrivingRows:
    return ArrivingRows(_bring(works, *batches), works, SCHEMA, "orc")


def _ids(rows: ArrivingRows, work: Work) -> list[int]:
    batches = rows.open_unit(work.unit).columns(["candid"], {})
    return [int(one) for b in batches for one in b.column(0).to_numpy()]


def test_each_file_has_its_own_rows(work: Callable[[str, int], Work]) -> None:
    """In the order in which they come; a batch may hold the end of one and another."""
    works = [work("a b.orc", 1), work("ü#%20.orc", 4), work("none.orc", 0)]
    first, second, empty = works
    rows = _arrive(
        works,
        [("ü#%20.orc", 1), ("ü#%20.orc", 2)],
        [("ü#%20.orc", 3)],
        [("ü#%20.orc", 4), ("a b.orc", 5)],
    )

    came = [(one, _ids(rows, one), _ids(rows, one)) for one in rows.works()]

    assert came == [
        (second, [1, 2, 3, 4], [1, 2, 3, 4]),
        (first, [5], [5]),
        (empty, [], []),
    ]


def test_rows_are_taken_when_their_turn_comes(work: Callable[[str, int], Work]) -> None:
    """Only one file waits at a time, however many a shard has."""
    works = [work("a.orc", 1), work("b.orc", 1)]
    taken = []

    def bring() -> Iterator[pa.RecordBatch]:
        for batch in _bring(works, [("a.orc", 1)], [("b.orc", 2)]):
            taken.append(len(batch))
            yield batch

    coming = ArrivingRows(bring(), works, SCHEMA, "orc").works()
    assert taken == []
    next(coming)
    # Where a file ends, the next one's first batch tells.
    assert len(taken) == 2


@pytest.mark.parametrize("brought", [[], [("a.orc", 1)], [("a.orc", 1)] * 3])
def test_missing_rows_are_a_damaged_file(
    work: Callable[[str, int], Work], brought: Batch
) -> None:
    """Spark ends a damaged file early: fewer rows, or more, are not the file."""
    works = [work("a.orc", 2)]
    rows = _arrive(works, *([brought] if brought else []))

    assert [one.unit.name for one in rows.works()] == ["a.orc"]
    coming = _arrive(works, *([brought] if brought else []))
    for one in coming.works():
        with pytest.raises(StoreError, match=rf"a\.orc .*: {len(brought)} of its 2"):
            coming.open_unit(one.unit)


def test_a_file_that_changed_is_refused(work: Callable[[str, int], Work]) -> None:
    """Its rows are not what was planned."""
    works = [work("a.orc", 1)]
    rows = _arrive(works, [("a.orc", 1)])
    Path(str(works[0].unit.path)).write_text("another")

    for one in rows.works():
        with pytest.raises(StoreError, match=r"a\.orc changed while the night ran"):
            rows.open_unit(one.unit)


@pytest.mark.parametrize(
    "batches",
    [[[("b.orc", 1)]], [[("a.orc", 1)], [("c.orc", 1)], [("a.orc", 2)]]],
    ids=["a stranger", "in two pieces"],
)
def test_rows_that_nobody_awaits_end_the_shard(
    work: Callable[[str, int], Work], batches: list[Batch]
) -> None:
    """Rather than to be lost, or taken for another file's."""
    works = [work("a.orc", 1), work("c.orc", 1)]

    with pytest.raises(StoreError, match="nobody awaits"):
        list(_arrive(works, *batches).works())
