"""Where a night's CPU time goes: by looking at the main thread's stack now and then.

Each look gives the CPU time that the thread has spent since the last to the stage that
its stack tells. What other threads spend is that of librdkafka.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pyarrow as pa

INTERVAL_S = 0.002

STAGES: tuple[tuple[str, str, str], ...] = (
    ("/store/", "columns", "read narrow"),
    ("/store/", "rows", "read wide"),
    ("/nightmail/evaluate", "", "filters"),
    ("/filters/", "", "filters"),
    ("/nightmail/avro/", "", "encode"),
    ("/archive/", "", "archive"),
    ("/ledger/", "", "produce"),
    ("/tasks/outbox", "", "produce"),
)
"""Part of a file's path, the function or any, and the stage of what they call."""

OTHER, THREADS = "the rest of the task", "produce"
"""Stage of what no line above names, and of threads that are not the main one."""


def profile(work: Callable[[], Any]) -> dict[str, float]:
    """Run something in this thread, and give the CPU time of each stage [s]."""
    spent: dict[str, float] = {}
    stop = threading.Event()
    clock = time.pthread_getcpuclockid(threading.get_ident())
    looker = threading.Thread(
        target=_look, args=(threading.get_ident(), clock, spent, stop), daemon=True
    )
    begun, main = time.process_time(), time.clock_gettime(clock)
    looker.start()
    work()
    total = time.process_time() - begun
    main = time.clock_gettime(clock) - main
    stop.set()
    looker.join()
    others = total - main - spent.pop("", 0.0)
    spent[THREADS] = spent.get(THREADS, 0.0) + others
    return spent


def _look(
    thread: int, clock: int, spent: dict[str, float], stop: threading.Event
) -> None:
    last = time.clock_gettime(clock)
    while not stop.wait(INTERVAL_S):
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - its documented use
        now = time.clock_gettime(clock)
        stage = _stage(frame)
        spent[stage] = spent.get(stage, 0.0) + now - last
        last = now
        spent[""] = time.thread_time()


def _stage(frame: FrameType | None) -> str:
    """Find the innermost function of a stack that belongs to a stage."""
    while frame is not None:
        code = frame.f_code
        for path, function, stage in STAGES:
            if path in code.co_filename and function in {"", code.co_name}:
                return stage
        frame = frame.f_back
    return OTHER


@contextmanager
def no_spark(cores: int) -> Iterator[None]:
    """Have `distribute_night` run its tasks one after another in this thread."""

    @contextmanager
    def session(_: object) -> Iterator[Any]:
        context = SimpleNamespace(defaultParallelism=cores)
        yield SimpleNamespace(sparkContext=context, range=_Frame)

    with patch("tasks.distribute_night.spark_session", session):
        yield


class _Frame:
    """What stands for a frame of task numbers."""

    def __init__(self, first: int, last: int, *_: int) -> None:
        self._batch = pa.RecordBatch.from_pydict({"id": list(range(first, last))})
        self._task: Callable[..., Any]

    def mapInArrow(self, task: Callable[..., Any], _: str) -> "_Frame":  # noqa: N802
        """Take the task."""
        self._task = task
        return self

    def collect(self) -> list[Any]:
        """Run it."""
        return [
            SimpleNamespace(**row)
            for batch in self._task(iter([self._batch]))
            for row in batch.to_pylist()
        ]
