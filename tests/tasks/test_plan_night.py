"""What remains of a night, by what the store has and what the ledger says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder
from cluster.access import KafkaAccess
from ledger.row import LedgerRow
from nightmail import Filter
from settings.errors import ArchiveUnavailableError
from settings.model import Archive, Settings, Store
from settings.names import LEDGER_TOPIC, stable_hash
from store.footer import read_footer
from store.path import StorePath
from tasks.find_night import FoundNight
from tasks.plan_night import NightPlan, needs_another_pass, plan_night
from tasks.report import Report

SHARDS = 16
NIGHT = ("ztf", "20260301")
NAMES = ("a.parquet", "b.parquet")
ALERTS = pa.table({"candid": [1, 2, 3], "magpsf": [17.0, 18.0, 19.0]})

Entries = dict[tuple[str, str], LedgerRow]
Make = Callable[..., NightPlan]


def _filter(name: str, *columns: str, version: str = "1") -> Filter:
    return Filter(name, "ztf", name, "a@example.org", columns, None, "", version)


ACCESS = KafkaAccess("nowhere:1", None, local=False, publisher={}, admin={})

FILTERS = (_filter("bright", "magpsf"), _filter("faint", "magpsf"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path,
        store=Store(uri=str(tmp_path / "{survey}")),
        archive=Archive(uri=str(tmp_path / "archive")),
    )


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Make a night of two files, that share no id."""
    folder = settings.store_root("ztf") / "science" / "20260301"
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        ids = pa.array([1 + 10 * number, 2 + 10 * number, 3 + 10 * number])
        pq.write_table(ALERTS.set_column(0, "candid", ids), folder / name)
    return folder


@pytest.fixture
def plan(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Plan the night, with a ledger that says what is given."""

    def make(
        *filters: Filter,
        done: Entries | None = None,
        there: Path | None = folder,
        after: NightPlan | None = None,
    ) -> NightPlan:
        made = {f.name: f for f in filters or FILTERS}
        place = StorePath(str(there)) if there else None
        found = FoundNight(*NIGHT, place, made, made, {})
        counts = {LEDGER_TOPIC: SHARDS}
        monkeypatch.setattr("tasks.plan_night.count_partitions", lambda _: counts)
        monkeypatch.setattr("tasks.plan_night.read_settled", lambda *_: done or {})
        monkeypatch.setattr("tasks.plan_night.check_topics", lambda *_: {})
        monkeypatch.setattr("tasks.plan_night.claim", lambda *_, **__: (7, done or {}))
        return plan_night(settings, ACCESS, found, after=after)

    return make


def _row(folder: Path, name: str, outcome: str = "sent", **fields: Any) -> LedgerRow:
    return LedgerRow(
        outcome, read_footer(StorePath(str(folder)), name).identity, "1", **fields
    )


def _all_sent(folder: Path) -> Entries:
    return {
        (name, f"fink_{f.name}_ztf"): _row(folder, name)
        for name in NAMES
        for f in FILTERS
    }


def _work(plan: NightPlan) -> dict[str, tuple[str, ...]]:
    return {w.unit.name: w.filters for works in plan.work.values() for w in works}


def test_at_first_all_remains(plan: Make) -> None:
    """Each file with every filter, in the shard that its name has for ever."""
    planned = plan()

    assert _work(planned) == dict.fromkeys(NAMES, ("bright", "faint"))
    assert set(planned.work) == {stable_hash(name, SHARDS) for name in NAMES}
    assert (planned.rows, planned.shards, planned.failures) == (6, SHARDS, ())


def test_what_was_sent_does_not_remain(plan: Make, folder: Path) -> None:
    """Not even for another version of the filter."""
    edited = tuple(replace(f, version="2") for f in FILTERS)

    assert plan(*edited, done=_all_sent(folder)).work == {}


def test_only_what_is_missing_remains(plan: Make, folder: Path) -> None:
    """By file and filter."""
    done = _all_sent(folder)
    del done["b.parquet", "fink_faint_ztf"]

    assert _work(plan(done=done)) == {"b.parquet": ("faint",)}


def test_a_failure_waits_for_a_change(plan: Make, folder: Path) -> None:
    """What failed is tried again when the filter changes."""
    done = _all_sent(folder)
    done["a.parquet", "fink_faint_ztf"] = _row(folder, "a.parquet", "failed")
    bright, faint = FILTERS

    assert plan(done=done).work == {}
    edited = plan(bright, replace(faint, version="2"), done=done)
    assert _work(edited) == {"a.parquet": ("faint",)}


def test_a_failure_for_want_of_a_column_waits_for_the_column(
    plan: Make, folder: Path
) -> None:
    """A late file that has it makes the others worth another try."""
    odd = _filter("odd", "anomaly_score")
    done = {
        (name, "fink_odd_ztf"): _row(folder, name, "failed", nulls=("anomaly_score",))
        for name in NAMES
    }
    assert plan(odd, done=done).work == {}

    late = pa.table({"candid": [99], "anomaly_score": [0.5]})
    pq.write_table(late, folder / "late.parquet")

    assert _work(plan(odd, done=done)) == dict.fromkeys(
        (*NAMES, "late.parquet"), ("odd",)
    )


def test_a_replaced_file_is_named_and_left_alone(plan: Make, folder: Path) -> None:
    """What was sent under its name was of another file."""
    done = _all_sent(folder)
    del done["a.parquet", "fink_faint_ztf"]
    pq.write_table(ALERTS.slice(1), folder / "a.parquet")

    planned = plan(done=done)

    assert planned.work == {}
    (failure,) = planned.failures
    assert failure.startswith("a.parquet is not the file that was sent")


def test_a_corrupt_file_is_named_and_the_others_remain(
    plan: Make, folder: Path
) -> None:
    """It has no rows to count, and no work."""
    (folder / "a.parquet").write_bytes(b"PAR1 cut short")

    planned = plan()

    assert list(_work(planned)) == ["b.parquet"]
    assert planned.rows == 3
    (failure,) = planned.failures
    assert "a.parquet" in failure


def test_a_shard_with_a_pending_slice_is_repaired(
    plan: Make, settings: Settings, folder: Path
) -> None:
    """Even where it has nothing else to do."""
    night = NightFolder(settings.archive_root(), *NIGHT, settings.topics.prefix)
    with night.writer(night.name_slice(11, "0123456789ab")) as writer:
        writer.write_alerts(pa.record_batch({"candid": pa.array([1])}))

    assert plan(done=_all_sent(folder)).work == {11: ()}


def test_a_pending_slice_of_another_prefix_is_left_alone(
    plan: Make, settings: Settings, folder: Path
) -> None:
    """So is one of a shard that the ledger does not have."""
    ours = NightFolder(settings.archive_root(), *NIGHT, settings.topics.prefix)
    theirs = replace(ours, prefix="rehearsal_")
    for night, shard in ((theirs, 11), (ours, SHARDS)):
        with night.writer(night.name_slice(shard, "0123456789ab")) as writer:
            writer.write_alerts(pa.record_batch({"candid": pa.array([1])}))

    assert plan(done=_all_sent(folder)).work == {}


def test_what_was_sent_must_be_known(plan: Make, folder: Path) -> None:
    """Without the slices that the ledger names, it would be sent once more."""
    done = _all_sent(folder)
    del done["b.parquet", "fink_faint_ztf"]
    there = _row(folder, "a.parquet", rows=3, archive_slice="011-nowhere")
    done["a.parquet", "fink_faint_ztf"] = there

    with pytest.raises(ArchiveUnavailableError, match="lacks 1 of the slices"):
        plan(done=done)


def test_a_topic_of_no_filter_of_ours_replaces_no_file(plan: Make) -> None:
    """Its row is of another file of that name, and of a filter that is gone."""
    done = {("a.parquet", "fink_gone_ztf"): LedgerRow("sent", "another", "1")}

    planned = plan(done=done)

    assert (set(_work(planned)), planned.failures) == (set(NAMES), ())


def test_a_pass_leaves_alone_what_was_tried(plan: Make, folder: Path) -> None:
    """So that a file that fails does not keep those waiting that share its alerts."""
    pq.write_table(ALERTS, folder / "c.parquet")
    first = plan()

    second = plan(after=first)

    assert set(_work(first)) == {"a.parquet", "b.parquet"}
    assert first.deferred == ("c.parquet",)
    assert set(_work(second)) == {"c.parquet"}
    assert second.deferred == ()
    assert second.tried == {"a.parquet", "b.parquet", "c.parquet"}


@pytest.mark.parametrize(
    ("outcomes", "goes_on"),
    [((), True), (("done", "failed"), True), (("done", "newer run"), False)],
)
def test_another_pass_follows_unless_all_is_over(
    plan: Make, folder: Path, outcomes: tuple[str, ...], *, goes_on: bool
) -> None:
    """A failing file is no reason to stop; a newer run or a dead broker is."""
    pq.write_table(ALERTS, folder / "c.parquet")

    assert needs_another_pass(plan(), map(Report, outcomes)) == goes_on


def test_ids_that_were_sent_are_left_out(
    plan: Make, settings: Settings, folder: Path
) -> None:
    """The files were merged: the archive says which of their ids a topic has."""
    night = NightFolder(settings.archive_root(), *NIGHT, settings.topics.prefix)
    values = (2, "bright", "fink_bright_ztf", "Star", 0, "b.parquet")
    match = dict(zip(MATCHES_SCHEMA.names, values, strict=True))
    name = night.name_slice(11, "0123456789ab")
    with night.writer(name) as writer:
        writer.write_alerts(pa.record_batch({"candid": pa.array([2])}))
        writer.write_matches(pa.RecordBatch.from_pylist([match], MATCHES_SCHEMA))
    night.publish(name)
    (folder / "b.parquet").unlink()

    ((work,),) = plan().work.values()

    assert (work.not_ours["bright"], work.not_ours["faint"]) == ((2,), ())
    assert work.archived == (2,)


def test_types_come_from_whatever_file_has_them(plan: Make, folder: Path) -> None:
    """So that an older file's missing column is a typed null."""
    newer = pa.table({"candid": [9], "s": [{"t": [1.5]}]})
    pq.write_table(newer, folder / "newer.parquet")

    types = plan(_filter("new", "s_t", "magpsf", "nowhere")).types

    assert types["s_t"] == pa.list_(pa.float64())
    assert types["magpsf"] == pa.float64()
    assert "nowhere" not in types


def test_a_night_without_a_folder_has_nothing(plan: Make) -> None:
    """No file, no row, no work, and no failure."""
    planned = plan(there=None)

    assert (planned.units, planned.rows, planned.work) == ((), 0, {})
    assert (planned.folder, planned.failures) == (None, ())
