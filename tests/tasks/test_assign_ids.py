"""Each id is sent once to a topic, in however many files it stands."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store.footer import read_footer
from store.path import StorePath
from store.reader import ArrowReader
from store.unit import Unit, cut_into_units
from tasks.assign_ids import assign_ids
from tasks.work import Work

Make = Callable[..., Unit]

BOTH = ("bright", "faint")


@pytest.fixture
def unit(tmp_path: Path) -> Make:
    """Write a file of such ids."""

    def make(name: str, *ids: int) -> Unit:
        pq.write_table(pa.table({"candid": pa.array(ids, pa.int64())}), tmp_path / name)
        return next(cut_into_units(read_footer(StorePath(str(tmp_path)), name)))

    return make


def _assign(
    remaining: dict[Unit, Sequence[str]],
    sent: dict[str, list[int]] | None = None,
    archived: Sequence[int] = (),
) -> tuple[dict[str, Work], list[str]]:
    works, deferred = assign_ids(
        remaining,
        survey="ztf",
        sent={n: np.array(ids, np.int64) for n, ids in (sent or {}).items()},
        archived=np.array(archived, np.int64),
        reader=ArrowReader(),
    )
    return {work.unit.name: work for work in works}, [u.name for u in deferred]


def _left_out(works: dict[str, Work]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Ids that a filter leaves out, where there are any."""
    return {
        name: {f: ids for f, ids in work.not_ours.items() if ids}
        for name, work in works.items()
    }


def test_of_two_files_with_an_alert_the_second_waits(unit: Make) -> None:
    """The first is so by name, however they were listed."""
    b, a = unit("b.parquet", 1, 2, 3), unit("a.parquet", 3, 4, 1)

    works, deferred = _assign({b: BOTH, a: BOTH, unit("c.parquet", 2, 9): BOTH})

    assert _left_out(works) == {"a.parquet": {}, "c.parquet": {}}
    assert deferred == ["b.parquet"]


def test_what_was_sent_is_left_out_of_its_topic_only(unit: Make) -> None:
    """A merged file sends nothing again; a new filter sends from it all the same."""
    merged = unit("merged.parquet", 1, 2, 3)

    works, _ = _assign({merged: BOTH}, {"bright": [1, 2, 9]}, [1, 2, 9])

    assert _left_out(works) == {"merged.parquet": {"bright": (1, 2)}}
    assert works["merged.parquet"].archived == (1, 2)


def test_what_was_sent_is_left_out_though_its_alert_is_gone(unit: Make) -> None:
    """The archive may have lost the alerts and still have the matches."""
    works, _ = _assign({unit("merged.parquet", 1, 2): BOTH}, {"bright": [1]})

    assert _left_out(works) == {"merged.parquet": {"bright": (1,)}}


def test_a_file_that_is_done_claims_nothing(unit: Make) -> None:
    """An alert that it has too, and that was not sent, is the other's to send."""
    killed = unit("b.parquet", 1, 2)

    works, deferred = _assign({killed: BOTH}, {"bright": [3]}, [3])

    assert (_left_out(works), deferred) == ({"b.parquet": {}}, [])


def test_a_late_file_leaves_out_what_was_sent(unit: Make) -> None:
    """Though its name comes before that of the file which sent it."""
    late = unit("a.parquet", 1, 2)

    works, _ = _assign({late: BOTH}, {"bright": [1]}, [1])

    assert _left_out(works) == {"a.parquet": {"bright": (1,)}}


def test_files_with_different_filters_wait_too(unit: Make) -> None:
    """Else both would archive the alert."""
    a, b = unit("a.parquet", 1), unit("b.parquet", 1)

    works, deferred = _assign({a: ("bright",), b: BOTH})

    assert (list(works), deferred) == (["a.parquet"], ["b.parquet"])


def test_a_single_file_is_not_even_read() -> None:
    """With nothing archived there is nothing to share."""
    nowhere = Unit("a.parquet", StorePath("/none/a.parquet"), "", (0,), 1, 1)

    assert _assign({nowhere: BOTH}) == ({"a.parquet": Work(nowhere, BOTH)}, [])


def test_a_file_that_cannot_be_read_has_no_ids(unit: Make) -> None:
    """The walk names it; the others are assigned."""
    damaged = Unit("a.parquet", StorePath("/none/a.parquet"), "", (0,), 1, 1)

    works, deferred = _assign({damaged: BOTH, unit("b.parquet", 1): BOTH})

    assert _left_out(works) == {"a.parquet": {}, "b.parquet": {}}
    assert deferred == []
