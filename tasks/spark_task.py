"""What Spark runs on a worker: numbers of tasks in, reports out."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from runtime.memory import keep_freed_memory
from runtime.shipping import code_digest
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
                for report in _reports(job, tasks[int(number)], code):
                    yield pa.RecordBatch.from_pydict({"report": [report.encode()]})

    return run


def _reports(job: Job, shards: Shards, code: str) -> Iterator[Report]:
    here = code_digest()
    if here == code:
        yield from distribute_shards(job, shards)
    else:
        message = f"A worker has other code ({here}) than the driver ({code})."
        yield Report("failed", message)
