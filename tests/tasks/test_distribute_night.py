"""How work is shared, and what is made of what workers and Spark say."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from nightmail import RetryableError
from settings.errors import NewerRunError, NightError, SettingsError
from store.path import StorePath
from store.unit import Unit
from tasks.distribute_night import raise_worst, share_out, split_by_schema
from tasks.report import Report
from tasks.spark_task import Shards
from tasks.work import Work


def _work(*sizes: int) -> tuple[Work, ...]:
    return tuple(
        Work(Unit(f"{size}.parquet", StorePath(""), "", (0,), 1, size), ("bright",))
        for size in sizes
    )


def _loads(tasks: Sequence[Shards]) -> list[int]:
    return sorted(sum(w.unit.bytes for _, ws in t for w in ws) for t in tasks)


def test_shards_are_shared_out_evenly() -> None:
    """The largest first, each to whoever has least; no shard is cut or lost."""
    work = {0: _work(50), 1: _work(20, 10), 2: _work(40), 5: _work(30), 7: _work(5)}

    tasks = share_out(work, 2)

    assert _loads(tasks) == [75, 80]
    assert dict(pair for task in tasks for pair in task) == work
    assert all(list(task) == sorted(task, key=lambda p: p[0]) for task in tasks)


def test_many_equal_shards_are_shared_out_equally() -> None:
    """Sixteen shards on five tasks differ by one shard at most."""
    tasks = share_out({shard: _work(10) for shard in range(16)}, 5)

    assert sorted(len(task) for task in tasks) == [3, 3, 3, 3, 4]


@pytest.mark.parametrize(("shards", "tasks"), [(0, 0), (1, 1), (3, 3), (9, 4)])
def test_no_task_is_idle(shards: int, tasks: int) -> None:
    """There are as many tasks as cores, or fewer where there is less to do."""
    shared = share_out({shard: _work(10) for shard in range(shards)}, 4)

    assert len(shared) == tasks
    assert all(shared)


def test_a_shard_that_has_only_to_be_repaired_is_shared_out_too() -> None:
    """Its pending slice waits for an owner."""
    tasks = share_out({3: (), 4: _work(10)}, 4)

    assert sorted(shard for task in tasks for shard, _ in task) == [3, 4]


def test_work_is_taken_apart_by_schema() -> None:
    """Each schema's shards have their work on files of it, and nothing is lost."""
    work = {0: _work(50, 20), 3: (), 4: _work(10)}
    old, new = pa.schema([("a", pa.int64())]), pa.schema([("b", pa.int64())])
    schemas = {"50.parquet": old, "20.parquet": new, "10.parquet": old}

    apart = split_by_schema(work, schemas)

    assert apart == {
        old: ((0, [work[0][0]]), (4, [work[4][0]])),
        new: ((0, [work[0][1]]),),
    }


@pytest.mark.parametrize(
    ("outcomes", "kind", "code"),
    [
        (("failed", "unavailable", "denied", "newer run"), NewerRunError, 4),
        (("failed", "unavailable", "denied"), SettingsError, 2),
        (("failed", "unavailable"), RetryableError, 5),
        (("done", "failed"), NightError, 1),
    ],
)
def test_the_worst_is_raised(
    outcomes: tuple[str, ...], kind: type[Exception], code: int
) -> None:
    """By what a caller has to do about it, with the sentences of its kind only."""
    reports = [Report(outcome, f"{outcome}.") for outcome in outcomes]

    with pytest.raises(kind) as raised:
        raise_worst(reports)

    assert str(raised.value) == f"{outcomes[-1]}."
    assert getattr(raised.value, "exit_code", None) == code


def test_what_many_say_is_said_once() -> None:
    """The same sentence of several workers stands once, others beside it."""
    reports = [Report("failed", text) for text in ("One.", "Two.", "One.")]

    with pytest.raises(NightError, match=r"^One\. Two\.$"):
        raise_worst(reports)


def test_all_well_raises_nothing() -> None:
    """Nor does no report at all."""
    raise_worst([Report("done"), Report("done")])
    raise_worst([])


def test_a_report_crosses_as_text() -> None:
    """What a worker encodes, the driver reads."""
    report = Report("failed", 'a "quoted" ä', duplicates=3)

    assert Report.decode(report.encode()) == report
