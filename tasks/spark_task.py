"""What Spark runs on a worker: numbers of tasks or rows of files in, reports out."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from runtime.memory import keep_freed_memory
from runtime.shipping import code_digest
from tasks.arriving_rows import ArrivingRows
from tasks.distribute_shard import distribute_shards
from tasks.job import Job
from tasks.report import Report
from tasks.work import Work

Shards = Sequence[tuple[int, Sequence[Work]]]
"""What one task does: shards, and the work of each."""

Batches = Iterator[pa.RecordBatch]


def make_task(
    job: Job, tasks: Sequence[Shards], code: str
) -> Callable[[Batches], Batches]:
    """Make the function that Spark's `mapInArrow` calls.

    Parameters
    ----------
    tasks
        What each task does, by its number.
    code
        Digest of the code that the driver runs; a worker with other code does nothing.
    """

    def run(batches: Batches) -> Batches:
        keep_freed_memory()
        for batch in batches:
            for number in batch.column("id").to_numpy():
                if ill := _other_code(code):
                    yield _encoded(ill)
                    continue
                for report in distribute_shards(job, tasks[int(number)]):
                    yield _encoded(report)

    return run


def make_rows_task(
    job: Job, shards: Shards, schema: pa.Schema, kind: str, code: str
) -> Callable[[Batches], Batches]:
    """Make the function for rows that Spark reads, of one shard in each partition.

    Parameters
    ----------
    shards
        Shard and work of each partition, by its number.
    schema
        Schema of all files.
    kind
        Format of the files.
    code
        As of `make_task`.
    """

    def run(batches: Batches) -> Batches:
        from pyspark import TaskContext  # noqa: PLC0415 - seconds, for a driver

        keep_freed_memory()
        context: Any = TaskContext.get()
        shard, works = shards[context.partitionId()]
        rows = ArrivingRows(batches, works, schema, kind)
        if ill := _other_code(code):
            yield _encoded(ill)
            return
        mine = [(shard, rows.works())]
        for report in distribute_shards(job, mine, open_unit=rows.open_unit):
            yield _encoded(report)

    return run


def _other_code(code: str) -> Report | None:
    """Say so where this worker's code is not the driver's."""
    here = code_digest()
    if here == code:
        return None
    message = f"A worker has other code ({here}) than the driver ({code})."
    return Report("failed", message)


def _encoded(report: Report) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"report": [report.encode()]})
