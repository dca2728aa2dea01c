"""The floor: wanted rows decoded by Arrow, their bytes copied and produced plainly.

It knows beforehand which rows are wanted and what their bytes are. It decodes row
groups that have a wanted row, up to the last of these, and makes nothing of it.
"""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from confluent_kafka import Producer

from benchmarks._night_answer import Answer
from benchmarks._process import serve
from benchmarks._publish import BATCHING
from cluster.access import connect
from nightmail.silence import silent_logger
from runtime.memory import keep_freed_memory
from settings.model import Settings
from settings.names import topic

ROWS = 1000
"""Rows that are decoded at a time, as the product does."""

GENERATION = ("generation", b"0")


class _Floor:
    """What is known of a night beforehand, and the producer's settings."""

    def __init__(self) -> None:
        self._answer: Answer
        self._values: mmap.mmap
        self._kafka: dict[str, Any]
        self._settings: Settings

    def open(self, state_dir: str, answer: str) -> None:
        """Read what is known of a night."""
        self._settings = Settings(state_dir=Path(state_dir))
        self._kafka = dict(connect(self._settings).publisher)
        self._answer = Answer.load(Path(answer))
        with self._answer.values.open("rb") as file:
            self._values = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def run(self, prefix: str, night: str) -> None:
        """Decode, copy and produce."""
        keep_freed_memory()
        for path, rows in self._answer.files.items():
            _decode(path, rows)
        self._produce(prefix, night)

    def _produce(self, prefix: str, night: str) -> None:
        answer = self._answer
        config = self._kafka | {"enable.idempotence": True} | BATCHING
        producer = Producer(config, logger=silent_logger())
        topics = [topic(prefix, name, answer.survey) for name in answer.filters]
        common = [
            ("night", night.encode()),
            ("fingerprint", answer.fingerprint.encode()),
        ]
        for number in range(answer.alerts):
            first, last = answer.span(number)
            value = self._values[first:last]
            identity = ("id", str(answer.ids[number]).encode())
            for index in np.flatnonzero(answer.masks[number]):
                _send(
                    producer,
                    topics[index],
                    answer.objects[number] % self._settings.topics.partitions,
                    answer.key,
                    value,
                    [*common, identity, GENERATION],
                )
        if left := producer.flush():
            raise RuntimeError(f"{left} alerts are not sent.")


def _send(producer: Producer, *record: Any) -> None:
    where, partition, key, value, headers = record
    while True:
        try:
            producer.produce(where, value, key, partition, headers=headers)
        except BufferError:
            producer.poll(0.05)
        else:
            producer.poll(0)
            return


def _decode(path: str, rows: Any) -> None:
    """Decode the row groups that have a wanted row, up to the last."""
    file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        mine = rows[(rows >= start) & (rows < end)]
        if len(mine):
            for batch in file.iter_batches(ROWS, [group], use_threads=False):
                start += len(batch)
                if start > mine[-1]:
                    break
        start = end


if __name__ == "__main__":
    floor = _Floor()
    serve({"open": floor.open, "run": floor.run})
