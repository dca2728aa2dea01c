"""Encoded alerts of one unit, waiting for their transaction."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from ledger.record import Record
from nightmail import RetryableError

MEMORY_BYTES = 64 << 20
"""Size above which the encoded alerts wait in a temporary file [byte]."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One alert of the outbox; its bytes stand in the spool, in order."""

    id: int
    object_hash: int
    """Hash of its object: what has the same one goes to the same partition."""

    length: int
    filters: tuple[str, ...]


class Outbox:
    """Alerts of one unit, each encoded once, for every topic that wants them.

    Parameters
    ----------
    key
        Record key of them all: the Avro schema as JSON.
    headers
        Headers that all have.
    """

    def __init__(self, key: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        self.key = key
        self._headers = tuple(headers)
        self._alerts: list[Waiting] = []
        self.records_of: Counter[str] = Counter()
        """Records of each filter."""

        self.bytes_of: Counter[str] = Counter()
        """Their size, keys included [byte]."""

        self._spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by __exit__
            max_size=MEMORY_BYTES, prefix="nightmail-outbox-"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # it flushes once more, on a disk that may be full
            self._spool.close()

    def add(self, alert: Waiting, value: bytes) -> None:
        """Put one encoded alert behind the others."""
        self._alerts.append(alert)
        self.records_of.update(alert.filters)
        for name in alert.filters:
            self.bytes_of[name] += len(self.key) + alert.length
        with _disk_explained():
            self._spool.write(value)

    def records(
        self,
        topics: Mapping[str, str],
        *,
        partitions: Mapping[str, int],
        generations: Mapping[str, int],
    ) -> Iterator[Record]:
        """Yield a record per alert and topic.

        Parameters
        ----------
        topics
            Topic of each filter that is sent now.
        partitions
            How many partitions each topic has.
        generations
            Generation of each topic.
        """
        marks = {
            where: ("generation", str(generations.get(where, 0)).encode())
            for where in topics.values()
        }
        with _disk_explained():
            self._spool.seek(0)
        for alert in self._alerts:
            with _disk_explained():
                value = self._spool.read(alert.length)
            known = (*self._headers, ("id", str(alert.id).encode()))
            for name in alert.filters:
                if name in topics:
                    where = topics[name]
                    partition = alert.object_hash % partitions[where]
                    headers = (*known, marks[where])
                    yield Record(where, partition, self.key, value, headers)


@contextmanager
def _disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RetryableError(
            f"Encoded alerts cannot wait in {tempfile.gettempdir()} ({error.strerror}):"
            " make room, or set TMPDIR to a folder that has some."
        ) from error
