"""Rows of a unit that came as batches, and wait in a file to be read twice."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail import RetryableError
from nightmail.columns import resolve_all
from store.unit import BATCH_BYTES, NARROW_ROWS, name_columns


class Spool:
    """Rows of one unit: `UnitRows` out of a temporary file, mapped into memory.

    Only what is being read takes memory, however large the unit is. The file has no
    name, so that nothing is left of it, whatever ends the process.

    Parameters
    ----------
    schema
        Columns of the rows.
    batches
        The rows; they are taken one batch at a time.

    Raises
    ------
    RetryableError
        There is no room for the file.
    """

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.schema = schema
        self._ends = [0]
        """Rows up to each batch, shape (batches + 1,)."""

        with _disk_explained():
            file = tempfile.NamedTemporaryFile(prefix="nightmail-rows-")  # noqa: SIM115
        with file, pa.OSFile(file.name, "wb") as sink:
            with _disk_explained():
                writer = pa.ipc.new_file(sink, schema)
            for batch in batches:
                with _disk_explained():
                    writer.write_batch(batch)
                self._ends.append(self._ends[-1] + len(batch))
            with _disk_explained():
                writer.close()
                sink.flush()
            self._file = pa.memory_map(file.name)
        self._reader = pa.ipc.open_file(self._file)

    def __len__(self) -> int:
        return self._ends[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def columns(
        self, names: Sequence[str], absent: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """Yield narrow batches, see `UnitRows`."""
        paths = resolve_all(self.schema, names)
        few: list[pa.RecordBatch] = []
        for number in range(self._reader.num_record_batches):
            few.append(name_columns(self._reader.get_batch(number), paths, absent))
            size = sum(one.nbytes for one in few)
            if sum(map(len, few)) >= NARROW_ROWS or size >= BATCH_BYTES:
                yield from _joined(few)
                few = []
        if few:
            yield from _joined(few)

    def rows(
        self, wanted: npt.NDArray[np.int64]
    ) -> Iterator[tuple[slice, pa.RecordBatch]]:
        """Yield whole alerts, see `UnitRows`."""
        bounds = np.searchsorted(wanted, self._ends)
        for number in range(self._reader.num_record_batches):
            low, high = (int(bound) for bound in bounds[number : number + 2])
            if low < high:
                batch = self._reader.get_batch(number)
                places = wanted[low:high] - self._ends[number]
                yield slice(low, high), batch.take(places)


def _joined(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()


@contextmanager
def _disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RetryableError(
            f"Rows of the store cannot wait in {tempfile.gettempdir()} ({error}): make"
            " room, or set TMPDIR to a folder that has some."
        ) from error
